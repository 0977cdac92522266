#include "bench/lab/parts/latency.h"

#include <signal.h>

#include <filesystem>
#include <thread>

#include "bench/lab/parts/output_watch.h"
#include "bench/lab/parts/paced_feed.h"
#include "bench/lab/parts/probe_check.h"
#include "bench/lab/parts/throughput.h"

namespace tacho::lab {
namespace {

constexpr const char* kOutputs = "vehicle.alerts";
constexpr std::chrono::seconds kWarmUp{4};

struct Load {
  double share = 0;  // Of the maximum rate.
  std::string interval;
  int vehicles = 0;
};

struct Run {
  double p50 = 0;
  double p99 = 0;
  double most = 0;
  double sent = 0;  // M messages/s, in fact.
  double behind = 0;
  double outputs = 0;
  std::vector<double> commit_p50;
  std::vector<double> commit_p99;
};

Run RunLoad(Bed& bed, const Load& load, double max_rate,
            const std::string& name) {
  const std::string topic = "latency-" + name;
  const std::string job = "lab-latency-" + name;
  const std::string bootstrap = bed.broker.bootstrap();
  Die(bed.broker.CreateTopic(topic, bed.options.partitions));
  bed.MakeChangelog(job, topic);
  OutputWatch watch(bootstrap, kOutputs, bed.options.partitions);
  const auto worker =
      bed.StartTacho(bed.options.probe_job, job,
                     {"--set", "job=" + job, "--set", "group.id=" + job,
                      "--set", "input.topics=[" + topic + "]", "--set",
                      "commit.interval=" + load.interval});
  worker->Await("lane_ready", static_cast<size_t>(bed.options.partitions));

  PacedFeed feed(bootstrap, {.topic = topic,
                             .vehicles = load.vehicles,
                             .rate = load.share * max_rate * 1e6});
  std::this_thread::sleep_for(kWarmUp);
  const int64_t from = NowMs();
  const uint64_t sent = feed.sent();
  std::this_thread::sleep_for(std::chrono::seconds(bed.options.seconds));
  const int64_t to = NowMs();
  Run run;
  run.sent = static_cast<double>(feed.sent() - sent) /
             static_cast<double>(to - from) / 1e3;
  feed.Stop();
  const ProbeCheck check = CheckProbes(feed, watch);
  worker->Signal(SIGTERM);
  worker->Wait();
  if (check.missing + check.extra > 0) {
    std::fprintf(stderr, "lab: %zu probes without an output, %zu too many\n",
                 check.missing, check.extra);
    std::exit(1);
  }
  std::vector<double> latencies;
  for (const OutputWatch::Arrival& a : watch.arrivals()) {
    if (a.sent_ms < from || a.sent_ms >= to) continue;
    latencies.push_back(static_cast<double>(a.seen_ms - a.sent_ms));
  }
  run.p50 = Quantile(latencies, 0.5);
  run.p99 = Quantile(latencies, 0.99);
  run.most = Quantile(latencies, 1);
  run.outputs = static_cast<double>(latencies.size());
  run.behind = static_cast<double>(feed.most_behind_ms());
  run.commit_p50 = CommitCycle(*worker, "p50_us");
  run.commit_p99 = CommitCycle(*worker, "p99_us");
  std::filesystem::remove_all(bed.scratch / job);
  return run;
}

std::vector<double> Each(const std::vector<Run>& runs, double Run::*field) {
  std::vector<double> out;
  for (const Run& run : runs) out.push_back(run.*field);
  return out;
}

std::string Cycle(const std::vector<Run>& runs, size_t phase) {
  std::vector<double> p50;
  std::vector<double> p99;
  for (const Run& run : runs) {
    p50.push_back(run.commit_p50[phase]);
    p99.push_back(run.commit_p99[phase]);
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.1f / %.1f", Median(p50), Median(p99));
  return text;
}

void Print(const std::vector<Load>& loads,
           const std::vector<std::vector<Run>>& runs) {
  std::printf(
      "\n| load, interval, vehicles | M msg/s sent | feed behind, most ms | "
      "outputs | latency p50 ms | p99 ms | most ms | commit p50 / p99 ms |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (size_t i = 0; i < loads.size(); ++i) {
    std::printf(
        "| %.0f %%, %s, %d | %.2f | %.0f | %.0f | %s | %s | %s | %s |\n",
        100 * loads[i].share, loads[i].interval.c_str(), loads[i].vehicles,
        Median(Each(runs[i], &Run::sent)), Median(Each(runs[i], &Run::behind)),
        Median(Each(runs[i], &Run::outputs)),
        Spread(Each(runs[i], &Run::p50), 0).c_str(),
        Spread(Each(runs[i], &Run::p99), 0).c_str(),
        Spread(Each(runs[i], &Run::most), 0).c_str(),
        Cycle(runs[i], CommitPhases().size() - 1).c_str());
  }
  std::printf("\n| commit by phase, p50 / p99 ms |");
  for (const std::string& phase : CommitPhases()) {
    std::printf(" %s |", phase.c_str());
  }
  std::printf("\n| --- | --- | --- | --- | --- | --- | --- |\n");
  for (size_t i = 0; i < loads.size(); ++i) {
    std::printf("| %.0f %%, %s, %d |", 100 * loads[i].share,
                loads[i].interval.c_str(), loads[i].vehicles);
    for (size_t phase = 0; phase < CommitPhases().size(); ++phase) {
      std::printf(" %s |", Cycle(runs[i], phase).c_str());
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace

void MeasureLatency(Bed& bed, double max_rate) {
  // Three or four keys a vehicle: the small fleet is about 10,000 a commit.
  const std::vector<Load> loads = {{0.5, "200ms", 10'000},
                                   {0.5, "200ms", 3'334},
                                   {0.25, "200ms", 3'334},
                                   {0.1, "200ms", 3'334},
                                   {0.1, "100ms", 3'334}};
  std::vector<std::vector<Run>> runs(loads.size());
  for (int round = 0; round < bed.options.rounds; ++round) {
    for (size_t i = 0; i < loads.size(); ++i) {
      runs[i].push_back(
          RunLoad(bed, loads[i], max_rate,
                  std::to_string(i) + "-" + std::to_string(round)));
      const Run& run = runs[i].back();
      std::printf("round %d, %.0f %% of %.2f M msg/s, %s: p50 %.0f p99 %.0f\n",
                  round + 1, 100 * loads[i].share, max_rate,
                  loads[i].interval.c_str(), run.p50, run.p99);
      std::fflush(stdout);
    }
  }
  Print(loads, runs);
}

}  // namespace tacho::lab
