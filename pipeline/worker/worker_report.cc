// What a worker tells people, now and then.

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/worker/worker.h"

namespace tacho {
namespace {

constexpr Millis kRequestTimeout{1000};  // The group must be answered.

}  // namespace

Result<bool> Worker::ReachedEnds() {
  // A group that had reached the ends before this run may still have windows
  // to close: no lane of ours is done before it has seen its end itself.
  if (assigned_at_ == SteadyTime{}) return false;
  if (lanes_->entries().size() < assigned_.size()) return false;
  for (const auto& entry : lanes_->entries()) {
    if (ends_.contains(entry->lane->tp()) && !entry->lane->ended()) {
      return false;
    }
  }
  std::vector<TopicPartition> all;
  for (const auto& [tp, end] : ends_) all.push_back(tp);
  auto committed = parts_.log->Committed(all, kRequestTimeout);
  NoteAnswer(committed.status());
  if (!committed.ok()) {
    if (committed.status().retryable()) return false;
    return committed.status();
  }
  for (const PartitionOffset& o : *committed) {
    // An empty partition has nothing to commit: its end is its start.
    if (o.offset < ends_[o.tp] && ends_[o.tp] > 0) return false;
  }
  return true;
}

void Worker::ReportIfDue() {
  if (clock_.Steady() < next_report_) return;
  next_report_ = clock_.Steady() + options_.report_interval;
  LogTotals("progress");
}

double Worker::SecondsSince(SteadyTime start) const {
  if (start == SteadyTime{}) return 0;
  return std::chrono::duration<double>(clock_.Steady() - start).count();
}

WorkerProgress Worker::Progress() const {
  WorkerProgress progress;
  const std::vector<LaneReport> reports = Reports();
  progress.lanes = static_cast<size_t>(std::count_if(
      reports.begin(), reports.end(),
      [](const LaneReport& r) { return r.next_offset != kNoOffset; }));
  if (assigned_count_ >= 0) progress.assigned = assigned_count_;
  progress.lag = Lag();
  progress.waiting_for = WaitingFor(reports);
  return progress;
}

std::optional<int64_t> Worker::Lag() const {
  const std::vector<LaneReport> reports = Reports();
  if (std::cmp_not_equal(reports.size(), assigned_count_.load())) return {};
  int64_t lag = 0;
  for (const LaneReport& r : reports) {
    if (r.next_offset == kNoOffset || r.end_offset == kNoOffset) return {};
    lag += std::max<int64_t>(0, r.end_offset - r.next_offset);
  }
  return lag;
}

std::string Worker::WaitingFor(const std::vector<LaneReport>& reports) const {
  if (assigned_count_ < 0) return "group";
  std::string text = take_overs_ == nullptr ? "" : take_overs_->WaitingFor();
  if (!pending_.empty()) text += ", commit";
  for (const LaneReport& r : reports) {
    if (!r.held_up) continue;
    text += ", open transaction on " + r.tp.ToString() + " at " +
            std::to_string(r.next_offset) + " of " +
            std::to_string(r.end_offset);
  }
  return text.starts_with(", ") ? text.substr(2) : text;
}

void Worker::NoteAnswer(const Status& status) {
  if (silence_.ok()) silent_since_ = clock_.Steady();
  silence_ = status.retryable() ? status : Status::Ok();
}

// Lanes that others' transactions hold up get no further than those get, and
// without brokers none gets anywhere.
Status Worker::CheckEndsAreNearer() {
  const SteadyTime now = clock_.Steady();
  Offset left = 0;
  bool held_up = take_overs_->blocked();
  for (const LaneReport& r : Reports()) {
    held_up = held_up || r.held_up;
    const auto end = ends_.find(r.tp);
    if (end == ends_.end()) continue;
    left += std::max<Offset>(0, end->second - r.next_offset);
  }
  const bool nearer = left != std::exchange(ends_left_, left);
  if (nearer) silent_since_ = now;
  if (!silence_.ok() && now - silent_since_ >= options_.broker_timeout) {
    return {StatusCode::kUnavailable,
            "it is not known whether the ends were reached: no broker has "
            "answered for " +
                std::to_string(options_.broker_timeout.count()) +
                " ms (--broker-timeout): " + silence_.message() +
                ". Run it again once the brokers are back: it goes on from "
                "what is committed"};
  }
  const Millis patience = 2 * options_.broker_timeout;
  if (!held_up || nearer) nearer_at_ = now;
  if (now - nearer_at_ < patience) return Status::Ok();
  return {StatusCode::kUnavailable,
          "the ends were not reached: waiting for " + WaitingFor(Reports()) +
              ", and nothing has moved for " +
              std::to_string(patience.count()) +
              " ms (twice --broker-timeout). What follows an open transaction "
              "is read once its producer commits or aborts it; "
              "kafka-transactions.sh describe-producers --topic T --partition "
              "P names the producer"};
}

void Worker::LogTotals(const char* event) {
  const LaneTotals t = Totals();
  const WorkerProgress progress = final_.has_value() ? *final_ : Progress();
  const LogField lag = progress.lag.has_value() ? LogField("lag", *progress.lag)
                                                : LogField("lag", "unknown");
  uint64_t renewals = 0;
  uint64_t clamped = 0;
  uint64_t commits = 0;
  for (const auto& driver : drivers_) {
    renewals += driver->writer_metrics().renewals.value();
    clamped += driver->writer_metrics().clamped_stamps.value();
    commits += driver->metrics().commits.value();
  }
  LOG(kInfo, event,
      {{"job", job_.name},
       {"lanes", progress.lanes},
       {"assigned", progress.assigned.value_or(0)},
       lag,
       {"waiting_for",
        progress.waiting_for.empty() ? "none" : progress.waiting_for},
       {"seconds", worked_ > 0 ? worked_ : SecondsSince(assigned_at_)},
       {"messages", t.messages},
       {"records", t.records},
       {"rejects", t.total_rejects()},
       {"late", t.late},
       {"late_records", t.late_records},
       {"filtered", t.filtered},
       {"sum_overflow", t.sum_overflow},
       {"outputs", t.outputs},
       {"skipped", t.skipped},
       {"repeated", t.repeated},
       {"invalid_values", t.invalid_values},
       {"time_jumps", t.time_jumps},
       {"state_not_moved", t.state_not_moved},
       {"held_up", (take_overs_ == nullptr ? 0 : take_overs_->held_up()) +
                       (idle_prober_ == nullptr ? 0 : idle_prober_->held_up())},
       {"producer_renewals", renewals},
       {"stamps_clamped", clamped},
       {"commits", commits}});
  if (std::exchange(latency_logged_, commits) != commits) LogCommitLatency();
  for (size_t i = 0; i < kRejectReasons; ++i) {
    if (t.rejects[i] == 0) continue;
    LOG(kInfo, "rejects",
        {{"job", job_.name},
         {"reason", RejectReasonName(static_cast<RejectReason>(i))},
         {"count", t.rejects[i]}});
  }
  const std::vector<std::string> sites = RejectSites(job_.decode);
  for (size_t i = 0; i < t.rejected_at.size(); ++i) {
    if (t.rejected_at[i] == 0) continue;
    LOG(kInfo, "rejects_of",
        {{"job", job_.name}, {"of", sites[i]}, {"count", t.rejected_at[i]}});
  }
}

std::vector<LaneReport> Worker::Reports() const {
  std::vector<LaneReport> reports;
  lanes_->ForEach([&](Lane& lane) {
    LaneReport r{lane.tp(), lane.next_offset(), lane.reader().EndOffset()};
    // The end that was asked for counts, and is known from the start.
    const auto end = ends_.find(r.tp);
    if (end != ends_.end()) r.end_offset = end->second;
    r.held_up = r.next_offset != kNoOffset && r.next_offset < r.end_offset &&
                r.next_offset == lane.reader().EndOfCommitted();
    reports.push_back(std::move(r));
  });
  return reports;
}

// Quantiles since the start, by phase, in microseconds.
void Worker::LogCommitLatency() const {
  for (const auto& driver : drivers_) {
    const CommitMetrics& m = driver->metrics();
    LOG(kInfo, "commit_latency",
        {{"commits", m.commits.value()},
         {"produce_p50_us", m.produce.Quantile(0.5)},
         {"produce_p99_us", m.produce.Quantile(0.99)},
         {"flush_p50_us", m.flush.Quantile(0.5)},
         {"flush_p99_us", m.flush.Quantile(0.99)},
         {"offsets_p50_us", m.offsets.Quantile(0.5)},
         {"offsets_p99_us", m.offsets.Quantile(0.99)},
         {"commit_p50_us", m.commit.Quantile(0.5)},
         {"commit_p99_us", m.commit.Quantile(0.99)},
         {"apply_p50_us", m.apply.Quantile(0.5)},
         {"apply_p99_us", m.apply.Quantile(0.99)},
         {"total_p50_us", m.total.Quantile(0.5)},
         {"total_p99_us", m.total.Quantile(0.99)}});
  }
}

}  // namespace tacho
