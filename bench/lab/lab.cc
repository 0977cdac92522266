// The lab: raw consumption and tacho, in turns, on a real broker on the same
// cores. Prints one table. See bench/README.md.
//
//   lab [--messages N] [--rounds N] [--tacho PATH] [--job FILE] [--with
//   ARGS]...
//       --with: one more row, tacho run with these arguments
//   lab raw BOOTSTRAP TOPIC PARTITIONS GROUP MESSAGES THREADS   (one round)

#include <fcntl.h>
#include <mimalloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/lab/raw_consumer.h"
#include "pipeline/consume/kafka_feed.h"
#include "pipeline/job/fleet.h"
#include "tests/support/real_broker.h"
#include "tests/support/temp_dir.h"

namespace tacho::lab {
namespace {

constexpr int kPartitions = 8;
constexpr const char* kTopic = "vehicle.telemetry";

struct Options {
  uint64_t messages = 6'000'000;
  int rounds = 3;
  int vehicles = 10'000;
  std::string tacho = "build/release/tacho";
  std::string job = "config/jobs/telemetry-analytics.yaml";
  std::vector<std::string> variants = {""};  // Arguments of tacho run, a row.
};

// What one child process did.
struct Run {
  double seconds = 0;  // Of consumption, as the child measured it.
  double cpu_seconds = 0;
  double rss_mb = 0;
};

void Die(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "lab: %s\n", status.ToString().c_str());
  std::exit(1);
}

// Runs a program, its output into `log`, and returns what it used.
Run RunChild(const std::vector<std::string>& argv, const std::string& log) {
  std::vector<char*> args;
  for (const std::string& a : argv)
    args.push_back(const_cast<char*>(a.c_str()));
  args.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    const int fd = open(log.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(args[0], args.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  wait4(pid, &status, 0, &usage);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::fprintf(stderr, "lab: %s failed; its output:\n", argv[0].c_str());
    std::ifstream in(log);
    std::string line;
    while (std::getline(in, line)) std::fprintf(stderr, "  %s\n", line.c_str());
    std::exit(1);
  }
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  Run run;
  run.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  run.rss_mb = static_cast<double>(usage.ru_maxrss) / 1024;
  return run;
}

// The number behind `name=` in the last line of a log that has it.
double FieldOf(const std::string& log, const std::string& name) {
  std::ifstream in(log);
  std::string line;
  double value = 0;
  while (std::getline(in, line)) {
    const size_t at = line.find(" " + name + "=");
    if (at != std::string::npos) {
      value = std::atof(line.c_str() + at + name.size() + 2);
    }
  }
  return value;
}

void Fill(const RealBroker& broker, const Options& options) {
  auto feed =
      KafkaFeed::Open({{"bootstrap.servers", broker.bootstrap()}}, kTopic);
  Die(feed.status());
  FleetOptions fleet_options;
  fleet_options.vehicles = options.vehicles;
  fleet_options.start = SystemClock().Now() - std::chrono::hours(24);
  fleet_options.late_per_mille = 0;
  fleet_options.bad_per_mille = 0;
  Fleet fleet(fleet_options);
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < options.messages; ++i) {
    const Fleet::Sample& sample = fleet.Next();
    bytes += sample.value.size();
    Die((*feed)->Send(sample.key, sample.value));
  }
  Die((*feed)->Flush(Millis(60000)));
  std::printf(
      "filled %llu messages, %.0f bytes each, %d vehicles, %d "
      "partitions, lz4\n",
      static_cast<unsigned long long>(options.messages),
      static_cast<double>(bytes) / static_cast<double>(options.messages),
      options.vehicles, kPartitions);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void PrintRow(const char* name, const std::vector<Run>& runs,
              const Options& options, double raw_rate) {
  std::vector<double> rates;
  std::vector<double> cpu;
  std::vector<double> rss;
  const auto messages = static_cast<double>(options.messages);
  for (const Run& run : runs) {
    rates.push_back(messages / run.seconds / 1e6);
    cpu.push_back(run.cpu_seconds / messages * 1e6);
    rss.push_back(run.rss_mb);
  }
  std::printf("| %-34s | %5.2f (%.2f to %.2f) | %4.0f %% | %.2f | %4.0f |\n",
              name, Median(rates),
              *std::min_element(rates.begin(), rates.end()),
              *std::max_element(rates.begin(), rates.end()),
              100 * Median(rates) / raw_rate, Median(cpu), Median(rss));
}

Run RawRound(const std::string& self, const RealBroker& broker, int round,
             const Options& options, const std::string& log) {
  const std::string group = "lab-raw-" + std::to_string(round);
  Run run = RunChild(
      {self, "raw", broker.bootstrap(), kTopic, std::to_string(kPartitions),
       group, std::to_string(options.messages), "2"},
      log);
  run.seconds = FieldOf(log, "seconds");
  return run;
}

Run TachoRound(const RealBroker& broker, const std::string& name,
               const std::string& extra, const Options& options,
               const std::string& state, const std::string& log) {
  std::vector<std::string> argv = {
      options.tacho,          "run",         options.job,        "--bootstrap",
      broker.bootstrap(),     "--state-dir", state + "/" + name, "--set",
      "group.id=lab-" + name, "--until-end"};
  std::istringstream words(extra);
  for (std::string word; words >> word;) argv.push_back(word);
  Run run = RunChild(argv, log);
  run.seconds = FieldOf(log, "seconds");
  return run;
}

int RunLab(const std::string& self, const Options& options) {
  const std::map<std::string, std::string> properties = {
      {"log.segment.bytes", "268435456"}};
  RealBroker broker(properties);
  Die(broker.Start());
  Die(broker.CreateTopic(kTopic, kPartitions));
  for (const char* topic :
       {"vehicle.stats", "vehicle.alerts", "vehicle.telemetry.rejects",
        "vehicle.telemetry.late"}) {
    Die(broker.CreateTopic(topic, kPartitions));
  }
  Fill(broker, options);

  TempDir scratch;
  std::vector<Run> raw;
  std::vector<std::vector<Run>> tacho(options.variants.size());
  for (int round = 0; round < options.rounds; ++round) {
    raw.push_back(
        RawRound(self, broker, round, options, scratch.path() + "/raw.log"));
    std::printf("round %d: raw %.2f s", round + 1, raw.back().seconds);
    for (size_t v = 0; v < tacho.size(); ++v) {
      tacho[v].push_back(
          TachoRound(broker, std::to_string(v) + "-" + std::to_string(round),
                     options.variants[v], options, scratch.path(),
                     scratch.path() + "/tacho.log"));
      std::printf(", tacho %.2f s", tacho[v].back().seconds);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  std::vector<double> rates;
  for (const Run& run : raw) {
    rates.push_back(static_cast<double>(options.messages) / run.seconds / 1e6);
  }
  std::printf(
      "\n| what | M msg/s: median (range) | of raw | CPU-s per M | "
      "peak RSS MB |\n| --- | --- | --- | --- | --- |\n");
  PrintRow("raw librdkafka, counting only", raw, options, Median(rates));
  for (size_t v = 0; v < tacho.size(); ++v) {
    PrintRow(("tacho " + options.variants[v]).c_str(), tacho[v], options,
             Median(rates));
  }
  return 0;
}

int RunRaw(char** argv) {
  auto result = ConsumeRaw(argv[2], argv[3], std::atoi(argv[4]), argv[5],
                           static_cast<uint64_t>(std::atoll(argv[6])),
                           std::atoi(argv[7]));
  Die(result.status());
  std::printf("raw messages=%llu bytes=%llu seconds=%.3f allocator=%d\n",
              static_cast<unsigned long long>(result->messages),
              static_cast<unsigned long long>(result->bytes), result->seconds,
              mi_version());
  return 0;
}

}  // namespace
}  // namespace tacho::lab

int main(int argc, char** argv) {
  using tacho::lab::Options;
  if (argc == 8 && std::strcmp(argv[1], "raw") == 0) {
    return tacho::lab::RunRaw(argv);
  }
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--messages") {
      options.messages = static_cast<uint64_t>(std::atoll(argv[i + 1]));
    } else if (name == "--rounds") {
      options.rounds = std::atoi(argv[i + 1]);
    } else if (name == "--tacho") {
      options.tacho = argv[i + 1];
    } else if (name == "--with") {
      options.variants.emplace_back(argv[i + 1]);
    } else if (name == "--job") {
      options.job = argv[i + 1];
    } else {
      std::fprintf(stderr, "lab: unknown option %s\n", name.c_str());
      return 64;
    }
  }
  return tacho::lab::RunLab("/proc/self/exe", options);
}
