#include "bench/lab/parts/probe_check.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <utility>

namespace tacho::lab {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::seconds kQuiet{1};  // For what comes twice.
constexpr size_t kShown = 10;

}  // namespace

ProbeCheck CheckProbes(const PacedFeed& feed, const OutputWatch& watch) {
  watch.Await(feed.probes(), kPatience);
  std::this_thread::sleep_for(kQuiet);
  std::map<std::pair<std::string, int64_t>, int> outputs;
  for (const OutputWatch::Arrival& a : watch.arrivals()) {
    ++outputs[{a.vehicle, a.sent_ms}];
  }
  ProbeCheck check;
  for (const auto& record : feed.probe_log()) {
    if (outputs[record]-- > 0) continue;
    if (++check.missing > kShown) continue;
    std::fprintf(stderr, "lab: no output of %s, sent %lld\n",
                 record.first.c_str(), static_cast<long long>(record.second));
  }
  for (const auto& [record, count] : outputs) {
    if (count <= 0) continue;
    if (++check.extra > kShown) continue;
    std::fprintf(stderr, "lab: %d outputs too many of %s, sent %lld\n", count,
                 record.first.c_str(), static_cast<long long>(record.second));
  }
  return check;
}

}  // namespace tacho::lab
