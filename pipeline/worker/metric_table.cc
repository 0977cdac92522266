#include "pipeline/worker/metric_table.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

using enum MetricKind;
using Lanes = LaneMetrics;
using Commits = CommitMetrics;
using Writers = EpochWriterMetrics;
using From = const WorkerMetrics&;

constexpr Metric kTable[] = {
    // Where it stands.
    {"tacho_lanes", kGauge, "lanes", "lanes", "Lanes that run.",
     [](From m) -> MetricValue { return uint64_t{m.progress.lanes}; }},
    {"tacho_assigned_partitions", kGauge, "partitions", "assigned",
     "Partitions that the group has given to this worker.",
     [](From m) -> MetricValue {
       return int64_t{m.progress.assigned.value_or(0)};
     }},
    {"tacho_lag_messages", kGauge, "messages", "lag",
     "Messages that are not processed yet; unknown as long as that of one "
     "partition is.",
     [](From m) -> MetricValue {
       if (!m.progress.lag.has_value()) return {};
       return *m.progress.lag;
     }},
    {"tacho_waiting_for", kText, "", "waiting_for",
     "What partitions wait for that are not processed.",
     [](From m) -> MetricValue {
       const std::string& text = m.progress.waiting_for;
       return text.empty() ? "none" : text;
     }},
    {"tacho_work_seconds", kGauge, "seconds", "seconds",
     "Time since the first assignment.",
     [](From m) -> MetricValue { return m.seconds; }},

    // Lanes. Everything that enters leaves through exactly one of records,
    // rejects and skipped.
    {"tacho_messages_total", kCounter, "messages", "messages",
     "Messages taken from the input.", &Lanes::messages},
    {"tacho_message_bytes_total", kCounter, "bytes", kQuiet,
     "Keys and values of messages.", &Lanes::message_bytes},
    {"tacho_batches_total", kCounter, "batches", kQuiet,
     "Batches that held a message.", &Lanes::batches},
    {"tacho_records_total", kCounter, "records", "records",
     "Records decoded and accepted.", &Lanes::records},
    {"tacho_rejects_total", kCounter, "rejects", "rejects",
     "Messages that were refused.", &Lanes::rejects, "reason"},
    {"tacho_late_total", kCounter, "records", "late",
     "Records that missed a window, once a stream.", &Lanes::late},
    {"tacho_late_records_total", kCounter, "records", "late_records",
     "Records that were late in at least one stream.", &Lanes::late_records},
    {"tacho_filtered_total", kCounter, "records", "filtered",
     "Records that a filter refused, once a stream.", &Lanes::filtered},
    {"tacho_sum_overflows_total", kCounter, "values", "sum_overflow",
     "Sums past the range of their type, which are null.",
     &Lanes::sum_overflow},
    {"tacho_outputs_total", kCounter, "messages", "outputs",
     "Messages written to the outputs of streams.", &Lanes::outputs},
    {"tacho_skipped_messages_total", kCounter, "messages", "skipped",
     "Messages that are nothing to the job, such as tombstones.",
     &Lanes::skipped},
    {"tacho_repeated_messages_total", kCounter, "messages", "repeated",
     "Messages that were processed already and given again.", &Lanes::repeated},
    {"tacho_invalid_values_total", kCounter, "values", "invalid_values",
     "Values that on_bad: invalid has emptied.", &Lanes::invalid_values},
    {"tacho_time_jumps_total", kCounter, "jumps", "time_jumps",
     "Jumps of a partition's time by more than max_future_skew.",
     &Lanes::time_jumps},
    {"tacho_state_reads_total", kCounter, "vehicles", kQuiet,
     "Vehicles whose state was read back from the store.", &Lanes::state_reads},
    {"tacho_state_not_moved_total", kCounter, "partitions", "state_not_moved",
     "Partitions that started with empty state because it is on another host.",
     &Lanes::state_not_moved},
    {"tacho_held_up_lanes", kGauge, "lanes", "held_up",
     "Lanes that wait for a transaction of somebody else.",
     [](From m) -> MetricValue { return int64_t{m.held_up}; }},
    {"tacho_rejects_of_total", kCounter, "rejects", "rejects_of",
     "Messages that were refused, by what of them was.", &Lanes::rejected_at,
     "of"},

    // Commits.
    {"tacho_producer_renewals_total", kCounter, "producers",
     "producer_renewals", "Producers that were made after the first one.",
     &Writers::renewals},
    {"tacho_producer_precautions_total", kCounter, "producers", kQuiet,
     "Of the renewals, those after a commit or abort that was right, but slow "
     "or cut off from a broker.",
     &Writers::precautions},
    {"tacho_closed_connections_total", kCounter, "connections", kQuiet,
     "Connections that were closed while a transaction was open.",
     &Writers::closed_connections},
    {"tacho_clamped_timestamps_total", kCounter, "messages", "stamps_clamped",
     "Messages stamped as near to their log time as their topic allows.",
     &Writers::clamped_stamps},
    {"tacho_commits_total", kCounter, "commits", "commits",
     "Epochs that were committed.", &Commits::commits},
    {"tacho_commit_retries_total", kCounter, "tries", kQuiet,
     "Tries to commit an epoch after its first.", &Commits::retries},
    {"tacho_committed_messages_total", kCounter, "messages", kQuiet,
     "Outputs, rejects and late records that were committed.",
     &Commits::output_records},
    {"tacho_committed_bytes_total", kCounter, "bytes", kQuiet,
     "Bytes of outputs, rejects and late records that were committed.",
     &Commits::output_bytes},
    {"tacho_state_changes_total", kCounter, "entries", kQuiet,
     "Entries of state that commits have changed.", &Commits::state_changes},
    {"tacho_commit_produce_seconds", kHistogram, "seconds", "produce",
     "Time to hand an epoch's messages to the producer.", &Commits::produce},
    {"tacho_commit_flush_seconds", kHistogram, "seconds", "flush",
     "Time until all of an epoch's messages were acknowledged.",
     &Commits::flush},
    {"tacho_commit_offsets_seconds", kHistogram, "seconds", "offsets",
     "Time to make the offsets part of the transaction.", &Commits::offsets},
    {"tacho_commit_end_seconds", kHistogram, "seconds", "commit",
     "Time to end the transaction; at least once, to commit the offsets.",
     &Commits::commit},
    {"tacho_commit_apply_seconds", kHistogram, "seconds", "apply",
     "Time to write an epoch's state to the stores.", &Commits::apply},
    {"tacho_commit_seconds", kHistogram, "seconds", "total",
     "Time of a whole commit, from its begin to the last store.",
     &Commits::total},
};

// Adds up what a row says, wherever there are several of it.
struct Reader {
  From from;

  MetricValue operator()(Counter Lanes::*counter) const {
    return (from.lanes.*counter).value();
  }
  MetricValue operator()(Metric::Rejects Lanes::*) const {
    return from.lanes.total_rejects();
  }
  MetricValue operator()(CounterList Lanes::*counters) const {
    uint64_t sum = 0;
    const CounterList& list = from.lanes.*counters;
    for (size_t i = 0; i < list.size(); ++i) sum += list.value(i);
    return sum;
  }
  MetricValue operator()(Counter Commits::*counter) const {
    uint64_t sum = 0;
    for (const Commits* driver : from.commits) {
      sum += (driver->*counter).value();
    }
    return sum;
  }
  MetricValue operator()(Counter Writers::*counter) const {
    uint64_t sum = 0;
    for (const Writers* driver : from.writers) {
      sum += (driver->*counter).value();
    }
    return sum;
  }
  MetricValue operator()(LatencyHistogram Commits::*) const {
    CHECK(false);
    return {};
  }
  MetricValue operator()(MetricValue (*value)(From)) const {
    return value(from);
  }
};

LogField Show(const Metric& metric, From from) {
  const auto field = [&](const auto& value) {
    if constexpr (std::is_same_v<decltype(value), const std::monostate&>) {
      return LogField(metric.field, "unknown");
    } else {
      return LogField(metric.field, value);
    }
  };
  return std::visit(field, std::visit(Reader{from}, metric.source));
}

}  // namespace

std::span<const Metric> MetricTable() { return kTable; }

LogField FieldOf(std::string_view field, const WorkerMetrics& from) {
  const auto found = std::find_if(
      std::begin(kTable), std::end(kTable),
      [&](const Metric& m) { return m.field != kQuiet && m.field == field; });
  CHECK(found != std::end(kTable));
  return Show(*found, from);
}

void AddTo(LaneMetrics& sum, const LaneMetrics& lane) {
  for (const Metric& metric : kTable) {
    if (const auto* const one = std::get_if<Counter Lanes::*>(&metric.source)) {
      (sum.**one).Add((lane.**one).value());
    }
  }
  for (size_t i = 0; i < sum.rejects.size(); ++i) {
    sum.rejects[i].Add(lane.rejects[i].value());
  }
  for (size_t i = 0; i < lane.rejected_at.size(); ++i) {
    sum.rejected_at.Add(i, lane.rejected_at.value(i));
  }
}

std::vector<LogField> TotalsFields(const std::string& job,
                                   const WorkerMetrics& from) {
  std::vector<LogField> fields = {{"job", job}};
  for (const Metric& metric : kTable) {
    // What there is one of for each of something has lines of its own.
    const bool own_lines =
        metric.kind == kHistogram ||
        std::holds_alternative<CounterList Lanes::*>(metric.source);
    if (metric.field == kQuiet || own_lines) continue;
    fields.push_back(Show(metric, from));
  }
  return fields;
}

std::vector<LogField> LatencyFields(const CommitMetrics& from) {
  std::vector<LogField> fields = {{"commits", from.commits.value()}};
  for (const Metric& metric : kTable) {
    const auto* const latency =
        std::get_if<LatencyHistogram Commits::*>(&metric.source);
    if (latency == nullptr) continue;
    const LatencyHistogram& micros = from.**latency;
    const std::string name = metric.field;
    fields.emplace_back(name + "_p50_us", micros.Quantile(0.5));
    fields.emplace_back(name + "_p99_us", micros.Quantile(0.99));
  }
  return fields;
}

}  // namespace tacho
