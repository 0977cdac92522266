// What a worker tells people, now and then.

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/job/worker.h"

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
  auto committed = parts_.source->Committed(all, kRequestTimeout);
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

void Worker::LogTotals(const char* event) const {
  const LaneTotals t = Totals();
  const std::vector<LaneReport> reports = Reports();
  int64_t lag = 0;
  for (const LaneReport& r : reports) {
    lag += std::max<int64_t>(0, r.end_offset - r.next_offset);
  }
  LOG(kInfo, event,
      {{"job", job_.name},
       {"lanes", reports.size()},
       {"lag", lag},
       {"seconds", worked_ > 0 ? worked_ : SecondsSince(assigned_at_)},
       {"messages", t.messages},
       {"records", t.records},
       {"rejects", t.total_rejects()},
       {"late", t.late},
       {"filtered", t.filtered},
       {"outputs", t.outputs},
       {"skipped", t.skipped},
       {"state_not_moved", t.state_not_moved},
       {"commits", commit_thread_ == nullptr
                       ? 0
                       : commit_thread_->metrics().commits.value()}});
  LogCommitLatency();
  for (size_t i = 0; i < kRejectReasons; ++i) {
    if (t.rejects[i] == 0) continue;
    LOG(kInfo, "rejects",
        {{"job", job_.name},
         {"reason", RejectReasonName(static_cast<RejectReason>(i))},
         {"count", t.rejects[i]}});
  }
}

std::vector<LaneReport> Worker::Reports() const {
  std::vector<LaneReport> reports;
  lanes_->ForEach([&](Lane& lane) {
    reports.push_back(
        {lane.tp(), lane.next_offset(), lane.reader().EndOffset()});
  });
  return reports;
}

// Quantiles since the start, by phase, in microseconds.
void Worker::LogCommitLatency() const {
  if (commit_thread_ == nullptr) return;
  const CommitMetrics& m = commit_thread_->metrics();
  const std::pair<const char*, const LatencyHistogram*> phases[] = {
      {"produce", &m.produce}, {"flush", &m.flush}, {"offsets", &m.offsets},
      {"commit", &m.commit},   {"apply", &m.apply}, {"total", &m.total}};
  for (const auto& [phase, histogram] : phases) {
    if (histogram->count() == 0) continue;
    LOG(kInfo, "commit_latency",
        {{"phase", phase},
         {"count", histogram->count()},
         {"p50_us", histogram->Quantile(0.5)},
         {"p99_us", histogram->Quantile(0.99)}});
  }
}

}  // namespace tacho
