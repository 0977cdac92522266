#include "bench/lab/parts/throughput.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "bench/lab/parts/commit_watch.h"
#include "pipeline/demo/fleet.h"
#include "pipeline/demo/kafka_feed.h"
#include "pipeline/restore/changelog.h"

namespace tacho::lab {
namespace {

constexpr const char* kTopic = "vehicle.telemetry";
// A third as many vehicles as keys in a commit: a window, a clock and an
// odometer each.
constexpr const char* kSmallTopic = "vehicle.telemetry.small";
constexpr int kSmallVehicles = 3'334;

struct Variant {
  std::string name;
  std::string topic;
  std::vector<std::string> arguments;  // Of tacho; none: raw.
};

struct Run {
  double seconds = 0;  // From the first lane ready to the last commit.
  double start = 0;    // Before: from the assignment to the last lane, ms.
  Usage usage;
  std::vector<double> p50;  // By phase, in ms.
  std::vector<double> p99;
  double commits = 0;
  double keys = 0;  // In a commit.
};

std::vector<Variant> AllVariants(const Options& options) {
  std::vector<Variant> all = {{"raw", kTopic, {}}};
  const auto tacho = [](const std::string& guarantee,
                        const std::string& interval) {
    return std::vector<std::string>{"--set", "guarantee=" + guarantee, "--set",
                                    "commit.interval=" + interval};
  };
  for (const char* interval : {"100ms", "200ms", "1s", "5s"}) {
    for (const char* guarantee : {"at_least_once_local", "exactly_once"}) {
      all.push_back({std::string(guarantee) + "-" + interval, kTopic,
                     tacho(guarantee, interval)});
    }
  }
  all.push_back({"exactly_once-200ms-small", kSmallTopic,
                 tacho("exactly_once", "200ms")});
  for (const std::string& arguments : options.with) {
    Variant variant{arguments, kTopic, {}};
    std::istringstream words(arguments);
    for (std::string word; words >> word;) variant.arguments.push_back(word);
    all.push_back(variant);
  }
  const auto& wanted = options.variants;
  std::erase_if(all, [&](const Variant& v) {
    return !wanted.empty() && v.name != "raw" &&
           std::find(wanted.begin(), wanted.end(), v.name) == wanted.end() &&
           std::find(options.with.begin(), options.with.end(), v.name) ==
               options.with.end();
  });
  return all;
}

void Fill(Bed& bed, const std::string& topic, int vehicles) {
  const Options& options = bed.options;
  Die(bed.broker.CreateTopic(topic, options.partitions));
  auto feed =
      KafkaFeed::Open({{"bootstrap.servers", bed.broker.bootstrap()}}, topic);
  Die(feed.status());
  FleetOptions fleet_options;
  fleet_options.vehicles = vehicles;
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
      "%s: %llu messages, %.0f bytes each, %d vehicles, %d partitions, lz4\n",
      topic.c_str(), static_cast<unsigned long long>(options.messages),
      static_cast<double>(bytes) / static_cast<double>(options.messages),
      vehicles, options.partitions);
  std::fflush(stdout);
}

Run RawRun(Bed& bed, const Variant& variant, const std::string& name) {
  Child child({bed.options.self, "raw", bed.broker.bootstrap(), variant.topic,
               std::to_string(bed.options.partitions), "lab-" + name,
               std::to_string(bed.options.messages), "2"},
              bed.scratch / "raw.log");
  Run run;
  run.usage = child.WaitOk();
  run.seconds = child.Last("raw", "seconds");
  return run;
}

Run TachoRun(Bed& bed, const Variant& variant, const std::string& name) {
  const std::string job = "lab-" + name;
  bed.MakeChangelog(job, variant.topic);
  std::vector<std::string> arguments = {
      "--set",           "job=" + job, "--set",
      "group.id=" + job, "--set",      "input.topics=[" + variant.topic + "]",
      "--until-end"};
  arguments.insert(arguments.end(), variant.arguments.begin(),
                   variant.arguments.end());
  const auto worker = bed.StartTacho(bed.options.job, name, arguments);
  const auto inputs = bed.broker.EndOffsets(variant.topic);
  Die(inputs.status());
  const int64_t done =
      AwaitCommitted(bed.broker.bootstrap(), job, variant.topic, *inputs);
  Run run;
  run.usage = worker->WaitOk();
  const auto ready = worker->Events("lane_ready");
  run.seconds = static_cast<double>(done - TimeOf(ready.front())) / 1e3;
  run.start = static_cast<double>(
      TimeOf(ready.back()) -
      TimeOf(worker->Events("partitions_assigned").front()));
  run.p50 = CommitCycle(*worker, "p50_us");
  run.p99 = CommitCycle(*worker, "p99_us");
  for (const Child::Event& event : worker->Events("commit_latency")) {
    run.commits = event.value("commits", 0.0);
  }
  const auto ends =
      bed.broker.EndOffsets(ChangelogTopic(job, variant.topic, 0));
  Die(ends.status());
  // Beside the keys, a commit has a meta and a control record a partition.
  double records = 0;
  for (const Offset end : *ends) records += static_cast<double>(end);
  run.keys = std::max(0.0, records / std::max(1.0, run.commits) -
                               2.0 * static_cast<double>(ends->size()));
  std::filesystem::remove_all(bed.scratch / name);
  return run;
}

void PrintRates(const std::vector<Variant>& variants,
                const std::vector<std::vector<Run>>& runs,
                const Options& options) {
  const auto messages = static_cast<double>(options.messages);
  const auto rates = [&](size_t v) {
    std::vector<double> out;
    for (const Run& run : runs[v]) out.push_back(messages / run.seconds / 1e6);
    return out;
  };
  const auto ratios = [&](size_t v) {  // Of raw, round by round.
    std::vector<double> out;
    for (size_t i = 0; i < runs[v].size(); ++i) {
      out.push_back(100 * runs[0][i].seconds / runs[v][i].seconds);
    }
    return out;
  };
  std::printf(
      "\n| what | M msg/s: median (range) | %% of raw, in its round | CPU-s "
      "per M | peak RSS MB | start ms |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (size_t v = 0; v < variants.size(); ++v) {
    std::vector<double> cpu;
    std::vector<double> rss;
    std::vector<double> start;
    for (const Run& run : runs[v]) {
      start.push_back(run.start);
      cpu.push_back(run.usage.cpu_seconds / messages * 1e6);
      rss.push_back(run.usage.rss_mb);
    }
    std::printf("| %s | %s | %s | %.2f | %.0f | %.0f |\n",
                variants[v].name.c_str(), Spread(rates(v), 2).c_str(),
                Spread(ratios(v), 0).c_str(), Median(cpu), Median(rss),
                Median(start));
  }
}

void PrintCycles(const std::vector<Variant>& variants,
                 const std::vector<std::vector<Run>>& runs) {
  std::printf("\n| commit cycle, p50 / p99 ms | commits | keys each |");
  for (const std::string& phase : CommitPhases()) {
    std::printf(" %s |", phase.c_str());
  }
  std::printf("\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (size_t v = 1; v < variants.size(); ++v) {
    std::vector<double> commits;
    std::vector<double> keys;
    for (const Run& run : runs[v]) {
      commits.push_back(run.commits);
      keys.push_back(run.keys);
    }
    std::printf("| %s | %.0f | %.0f |", variants[v].name.c_str(),
                Median(commits), Median(keys));
    for (size_t phase = 0; phase < CommitPhases().size(); ++phase) {
      std::vector<double> p50;
      std::vector<double> p99;
      for (const Run& run : runs[v]) {
        p50.push_back(run.p50[phase]);
        p99.push_back(run.p99[phase]);
      }
      std::printf(" %.1f / %.1f |", Median(p50), Median(p99));
    }
    std::printf("\n");
  }
}

}  // namespace

std::vector<std::string> CommitPhases() {
  return {"produce", "flush", "offsets", "commit", "apply", "total"};
}

std::vector<double> CommitCycle(const Child& worker, const std::string& field) {
  std::vector<double> out(CommitPhases().size(), 0.0);
  for (const Child::Event& event : worker.Events("commit_latency")) {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = event.value(CommitPhases()[i] + "_" + field, 0.0) / 1e3;
    }
  }
  return out;
}

void Hold(Bed& bed) {
  Fill(bed, kTopic, bed.options.vehicles);
  Fill(bed, kSmallTopic, kSmallVehicles);
  std::printf("broker %s\n", bed.broker.bootstrap().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

double MeasureThroughput(Bed& bed) {
  const std::vector<Variant> variants = AllVariants(bed.options);
  Fill(bed, kTopic, bed.options.vehicles);
  if (std::any_of(variants.begin(), variants.end(),
                  [](const Variant& v) { return v.topic == kSmallTopic; })) {
    Fill(bed, kSmallTopic, kSmallVehicles);
  }
  std::vector<std::vector<Run>> runs(variants.size());
  for (int round = 0; round < bed.options.rounds; ++round) {
    for (size_t v = 0; v < variants.size(); ++v) {
      const std::string name = std::to_string(v) + "-" + std::to_string(round);
      runs[v].push_back(variants[v].arguments.empty()
                            ? RawRun(bed, variants[v], name)
                            : TachoRun(bed, variants[v], name));
      std::printf("round %d, %s: %.2f s\n", round + 1, variants[v].name.c_str(),
                  runs[v].back().seconds);
      std::fflush(stdout);
    }
  }
  PrintRates(variants, runs, bed.options);
  PrintCycles(variants, runs);
  std::fflush(stdout);
  double best = 0;
  for (size_t v = 0; v < variants.size(); ++v) {
    if (variants[v].name != "exactly_once-200ms") continue;
    std::vector<double> seconds;
    for (const Run& run : runs[v]) seconds.push_back(run.seconds);
    best = static_cast<double>(bed.options.messages) / Median(seconds) / 1e6;
  }
  return best;
}

}  // namespace tacho::lab
