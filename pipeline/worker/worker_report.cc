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

WorkerMetrics Worker::Metrics() const {
  WorkerMetrics metrics;
  metrics.progress = final_.has_value() ? *final_ : Progress();
  metrics.seconds = worked_ > 0 ? worked_ : SecondsSince(assigned_at_);
  metrics.held_up = (take_overs_ == nullptr ? 0 : take_overs_->held_up()) +
                    (idle_prober_ == nullptr ? 0 : idle_prober_->held_up());
  metrics.lanes = Totals();
  for (const auto& driver : drivers_) {
    metrics.commits.push_back(&driver->metrics());
    metrics.writers.push_back(&driver->writer_metrics());
  }
  return metrics;
}

void Worker::LogTotals(const char* event) {
  const WorkerMetrics metrics = Metrics();
  LOG(kInfo, event, TotalsFields(job_.name, metrics));
  uint64_t commits = 0;
  for (const CommitMetrics* m : metrics.commits) commits += m->commits.value();
  if (std::exchange(latency_logged_, commits) != commits) {
    for (const CommitMetrics* driver : metrics.commits) {
      LOG(kInfo, "commit_latency", LatencyFields(*driver));
    }
  }
  for (size_t i = 0; i < kRejectReasons; ++i) {
    const uint64_t count = metrics.lanes.rejects[i].value();
    if (count == 0) continue;
    LOG(kInfo, "rejects",
        {{"job", job_.name},
         {"reason", RejectReasonName(static_cast<RejectReason>(i))},
         {"count", count}});
  }
  const std::vector<std::string> sites = RejectSites(job_.decode);
  for (size_t i = 0; i < sites.size(); ++i) {
    const uint64_t count = metrics.lanes.rejected_at.value(i);
    if (count == 0) continue;
    LOG(kInfo, "rejects_of",
        {{"job", job_.name}, {"of", sites[i]}, {"count", count}});
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

}  // namespace tacho
