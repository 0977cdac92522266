// The lab: tacho measured on a real broker on the same cores, each part beside
// its ceiling and in turns. Prints tables. See bench/README.md.
//
//   lab [--parts throughput,latency,hand_over,restore] [--messages N]
//       [--rounds N] [--variants exactly_once-200ms,...] [--with ARGS]...
//       [--max-rate M] [--seconds N] [--tacho PATH] [--job FILE]
//     --variants: rows of throughput; raw always. --with: one more row, tacho
//     run with these arguments. --max-rate: M messages/s, where throughput is
//     not measured. --seconds: of a latency run. --parts hold: only fills the
//     topics and waits for the end of standard input.
//   lab raw BOOTSTRAP TOPIC PARTITIONS GROUP MESSAGES THREADS
//   lab restore BOOTSTRAP JOB TOPIC DIR  (both: one measured process)

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>

#include "bench/lab/parts/bed.h"
#include "bench/lab/parts/hand_over.h"
#include "bench/lab/parts/latency.h"
#include "bench/lab/parts/raw_consumer.h"
#include "bench/lab/parts/restore.h"
#include "bench/lab/parts/throughput.h"

namespace tacho::lab {
namespace {

constexpr double kAssumedRate = 1.0;  // M messages/s.

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> out;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) out.push_back(item);
  return out;
}

int RunRaw(char** argv) {
  auto result = ConsumeRaw(argv[2], argv[3], std::atoi(argv[4]), argv[5],
                           static_cast<uint64_t>(std::atoll(argv[6])),
                           std::atoi(argv[7]));
  Die(result.status());
  std::printf(R"({"event":"raw","messages":%llu,"bytes":%llu,"seconds":%.3f})"
              "\n",
              static_cast<unsigned long long>(result->messages),
              static_cast<unsigned long long>(result->bytes), result->seconds);
  return 0;
}

bool Parse(int argc, char** argv, Options& options) {
  const std::map<std::string, std::function<void(const std::string&)>> known = {
      {"--parts", [&](const auto& v) { options.parts = Split(v); }},
      {"--variants", [&](const auto& v) { options.variants = Split(v); }},
      {"--messages", [&](const auto& v) { options.messages = std::stoull(v); }},
      {"--rounds", [&](const auto& v) { options.rounds = std::stoi(v); }},
      {"--seconds", [&](const auto& v) { options.seconds = std::stoi(v); }},
      {"--max-rate", [&](const auto& v) { options.max_rate = std::stod(v); }},
      {"--tacho", [&](const auto& v) { options.tacho = v; }},
      {"--job", [&](const auto& v) { options.job = v; }},
      {"--with", [&](const auto& v) { options.with.push_back(v); }},
  };
  for (int i = 1; i < argc; i += 2) {
    const auto option = known.find(argv[i]);
    if (option == known.end() || i + 1 == argc) {
      std::fprintf(stderr, "lab: unknown option %s\n", argv[i]);
      return false;
    }
    option->second(argv[i + 1]);
  }
  return true;
}

int RunLab(const Options& options) {
  const auto wanted = [&](const char* part) {
    return options.parts.empty() ||
           std::find(options.parts.begin(), options.parts.end(), part) !=
               options.parts.end();
  };
  Bed bed(options);
  if (!options.parts.empty() && options.parts.front() == "hold") {
    Hold(bed);
    return 0;
  }
  double rate = options.max_rate;
  if (wanted("throughput")) {
    const double found = MeasureThroughput(bed);
    if (rate == 0) rate = found;
  }
  if (wanted("latency")) MeasureLatency(bed, rate > 0 ? rate : kAssumedRate);
  if (wanted("hand_over")) MeasureHandOver(bed);
  if (wanted("restore")) MeasureRestore(bed);
  return 0;
}

}  // namespace
}  // namespace tacho::lab

int main(int argc, char** argv) {
  if (argc == 8 && std::strcmp(argv[1], "raw") == 0) {
    return tacho::lab::RunRaw(argv);
  }
  if (argc == 6 && std::strcmp(argv[1], "restore") == 0) {
    return tacho::lab::RunRestore(argv);
  }
  tacho::lab::Options options;
  options.self = "/proc/self/exe";
  if (!tacho::lab::Parse(argc, argv, options)) return 64;
  return tacho::lab::RunLab(options);
}
