// The parts of the lab that bench/lab/run.py starts as processes, so that what
// each of them uses is known. All print one JSON object a line.
//
//   lab_part fill BOOTSTRAP TOPIC EXPECTED MESSAGES VEHICLES [STEP_MS]
//     Puts a fleet's messages into a topic that is there, and what the
//     aggregation must make of them into the file EXPECTED.
//   lab_part pace BOOTSTRAP TOPIC EXPECTED RATE VEHICLES SECONDS
//     The same at RATE messages a second, each with the time at which it was
//     due; ends early on SIGTERM.
//   lab_part raw BOOTSTRAP TOPIC PARTITIONS GROUP MESSAGES THREADS FETCH_MIB
//     Counts messages with librdkafka alone, which may fetch ahead so much.
//   lab_part follow BOOTSTRAP GROUP TOPIC PARTITIONS until_end|until_stopped
//     Says how far behind a group is, once a second.
//   lab_part check BOOTSTRAP TOPIC PARTITIONS EXPECTED
//     Holds a topic of results against EXPECTED.

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "bench/lab/parts/bed.h"
#include "bench/lab/parts/lag_watch.h"
#include "bench/lab/parts/oracle.h"
#include "bench/lab/parts/paced_feed.h"
#include "bench/lab/parts/raw_consumer.h"
#include "bench/lab/parts/result_check.h"
#include "pipeline/demo/fleet.h"
#include "pipeline/demo/kafka_feed.h"

namespace tacho::lab {
namespace {

std::atomic<bool> stopped{false};

unsigned long long Number(const char* text) {
  return std::strtoull(text, nullptr, 10);
}
unsigned long long Long(uint64_t value) { return value; }

void SayFed(uint64_t messages, uint64_t bytes, int64_t behind_ms) {
  std::printf(R"({"event":"fed","messages":%llu,"bytes":%llu,"behind_ms":%lld})"
              "\n",
              Long(messages), Long(bytes), static_cast<long long>(behind_ms));
  std::fflush(stdout);
}

int Fill(char** argv, int argc) {
  auto feed = KafkaFeed::Open({{"bootstrap.servers", argv[2]}}, argv[3]);
  Die(feed.status());
  const uint64_t messages = Number(argv[5]);
  FleetOptions options;
  options.vehicles = std::atoi(argv[6]);
  if (argc > 7) options.step = Millis(std::atoi(argv[7]));
  options.start = SystemClock().Now() - std::chrono::hours(24);
  options.late_per_mille = 0;
  options.bad_per_mille = 0;
  Fleet fleet(options);
  Oracle oracle;
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < messages; ++i) {
    const Fleet::Sample& sample = fleet.Next();
    bytes += sample.value.size();
    oracle.Add(sample.key, sample.value);
    Die((*feed)->Send(sample.key, sample.value));
  }
  Die((*feed)->Flush(Millis(60000)));
  oracle.WriteTo(argv[4]);
  SayFed(messages, bytes, 0);
  return 0;
}

int Pace(char** argv) {
  PacedFeed feed(argv[2], {.topic = argv[3],
                           .vehicles = std::atoi(argv[6]),
                           .probe_every = std::atoi(argv[6]),
                           .rate = std::strtod(argv[5], nullptr)});
  const int64_t until = NowMs() + 1000 * std::atoll(argv[7]);
  int64_t said = 0;
  while (!stopped && NowMs() < until) {
    std::this_thread::sleep_for(Millis(20));
    if (NowMs() - said < 1000) continue;
    said = NowMs();
    std::printf(R"({"event":"sent","time_ms":%lld,"messages":%llu})"
                "\n",
                static_cast<long long>(said), Long(feed.sent()));
    std::fflush(stdout);
  }
  feed.Stop();
  Oracle oracle;
  uint64_t bytes = 0;
  feed.ForEachSent([&](const std::string& key, const std::string& value) {
    bytes += value.size();
    oracle.Add(key, value);
  });
  oracle.WriteTo(argv[4]);
  SayFed(feed.sent(), bytes, feed.most_behind_ms());
  return 0;
}

int Raw(char** argv) {
  auto result =
      ConsumeRaw(argv[2], argv[3], std::atoi(argv[4]), argv[5], Number(argv[6]),
                 std::atoi(argv[7]), Number(argv[8]) << 20);
  Die(result.status());
  std::printf(R"({"event":"raw","messages":%llu,"bytes":%llu,"seconds":%.3f})"
              "\n",
              Long(result->messages), Long(result->bytes), result->seconds);
  return 0;
}

int Follow(char** argv) {
  WatchLag(argv[2], argv[3], argv[4], std::atoi(argv[5]),
           std::strcmp(argv[6], "until_end") == 0, stopped, [](const Lag& lag) {
             std::printf(
                 R"({"event":"lag","time_ms":%lld,"committed":%lld,"end":%lld})"
                 "\n",
                 static_cast<long long>(lag.time_ms),
                 static_cast<long long>(lag.committed),
                 static_cast<long long>(lag.end));
             std::fflush(stdout);
           });
  return 0;
}

int Check(char** argv) {
  const ResultCheck check =
      CheckResults(argv[2], argv[3], std::atoi(argv[4]), argv[5]);
  std::printf(R"({"event":"check","expected":%llu,"found":%llu,"missing":%llu,)"
              R"("wrong":%llu,"extra":%llu})"
              "\n",
              Long(check.expected), Long(check.found), Long(check.missing),
              Long(check.wrong), Long(check.extra));
  return 0;
}

int Run(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopped = true; });
  const auto is = [&](const char* name, int arguments) {
    return argc >= arguments + 2 && std::strcmp(argv[1], name) == 0;
  };
  if (is("fill", 5)) return Fill(argv, argc);
  if (is("pace", 6)) return Pace(argv);
  if (is("raw", 7)) return Raw(argv);
  if (is("follow", 5)) return Follow(argv);
  if (is("check", 4)) return Check(argv);
  std::fprintf(stderr,
               "lab_part: see the head of bench/lab/parts/part_main.cc\n");
  return 64;
}

}  // namespace
}  // namespace tacho::lab

int main(int argc, char** argv) { return tacho::lab::Run(argc, argv); }
