#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/base/log.h"
#include "pipeline/base/metrics.h"
#include "pipeline/commit/committer.h"
#include "pipeline/commit/epoch_writer.h"
#include "pipeline/worker/worker_parts.h"

namespace tacho {

// What a worker and its lanes have counted, and where they stand, at a moment.
// Lifetime: ends before the worker's drivers.
struct WorkerMetrics {
  WorkerProgress progress;
  double seconds = 0;  // Since the first assignment.
  int held_up = 0;     // Lanes, by transactions of somebody else.
  LaneMetrics lanes;   // Of all that this worker has had.
  std::vector<const CommitMetrics*> commits;       // By driver.
  std::vector<const EpochWriterMetrics*> writers;  // By driver.
};

// Nothing: not known.
using MetricValue =
    std::variant<std::monostate, int64_t, uint64_t, double, std::string>;

enum class MetricKind : uint8_t {
  kCounter,
  kGauge,
  kHistogram,
  kText  // For people only: no number.
};

// A metric is described here and nowhere else: each has one row of the table,
// and whoever shows metrics reads the rows.
struct Metric {
  using Rejects = std::array<Counter, kRejectReasons>;
  // Where it is counted; what there are several of is added up.
  using Source =
      std::variant<Counter LaneMetrics::*, Rejects LaneMetrics::*,
                   CounterList LaneMetrics::*, Counter CommitMetrics::*,
                   LatencyHistogram CommitMetrics::*,
                   Counter EpochWriterMetrics::*,
                   MetricValue (*)(const WorkerMetrics&)>;

  const char* name;  // By Prometheus' rules, in base units.
  MetricKind kind;
  const char* unit;   // Of the value; of a histogram's as it is exposed.
  const char* field;  // In the log; kQuiet: it is in no line.
  const char* help;   // A sentence.
  Source source;
  const char* label = nullptr;  // What there is one of it for each of.
};
inline constexpr const char* kQuiet = nullptr;

// In the order of the log's lines.
std::span<const Metric> MetricTable();

// The metric that the log calls `field`, as it shows it. REQUIRES: there is
// one, and it is no histogram.
LogField FieldOf(std::string_view field, const WorkerMetrics& from);
// Adds all counters of `lane`. REQUIRES: both have as many reject sites.
void AddTo(LaneMetrics& sum, const LaneMetrics& lane);

// The fields of the line with all numbers, and of that with a driver's
// latencies: quantiles since the start, in microseconds.
std::vector<LogField> TotalsFields(const std::string& job,
                                   const WorkerMetrics& from);
std::vector<LogField> LatencyFields(const CommitMetrics& from);

}  // namespace tacho
