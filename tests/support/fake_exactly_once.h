#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/partition_offset.h"
#include "pipeline/commit/epoch_writer.h"
#include "pipeline/commit/offset_metadata.h"
#include "tests/support/fake_changelog.h"
#include "tests/support/fake_log.h"
#include "tests/support/fake_output.h"

namespace tacho {

// An exactly-once writer over a FakeLog (offsets, group generation), a
// FakeChangelogCluster and a list of outputs: all of it becomes visible
// together, or nothing. Fails at any step on command, also with an outcome
// that the caller does not learn.
// Threading: the committer calls it; FailAt from any thread.
class FakeExactlyOnce final : public EpochWriter {
 public:
  enum class Step { kBegin, kProduce, kFlush, kOffsets, kCommit, kAfterCommit };

  FakeExactlyOnce(FakeLog& log, FakeChangelogCluster& changelogs,
                  std::vector<FakeOutput>& written, std::mutex& mutex)
      : log_(log), changelogs_(changelogs), written_(written), mutex_(mutex) {}
  // A producer that dies leaves its transaction open until another settles it
  // or the broker's time-out comes; here: at once.
  ~FakeExactlyOnce() override { EndOpen(); }

  // The next `count` times that `step` is reached it answers `status`.
  void FailAt(Step step, int count, Status status) {
    const std::lock_guard lock(fail_mutex_);
    fail_at_ = step;
    fail_count_ = count;
    failure_ = std::move(status);
  }
  int failed() const { return failed_; }
  int settled() const { return settled_; }
  // Called inside Commit, before it takes effect.
  std::function<void()> in_commit;

  Status Begin() override {
    RETURN_IF_ERROR(Reach(Step::kBegin));
    CHECK(!txn_.has_value());
    txn_ = changelogs_.Begin();
    return Status::Ok();
  }
  Status Produce(LaneEpoch& part) override {
    RETURN_IF_ERROR(Reach(Step::kProduce));
    for (FakeOutput& out : OutputsOf(part)) open_.push_back(std::move(out));
    const FakeLogId id{part.tp, part.marker.lane.reset_generation};
    changelogs_.AppendEpoch(*txn_, id, part.changes, part.marker,
                            part.begins_log);
    part.marker.changelog_next = changelogs_.Range(id).second;
    return Status::Ok();
  }
  Status Flush() override { return Reach(Step::kFlush); }
  Status SendOffsets(const Epoch& epoch) override {
    RETURN_IF_ERROR(Reach(Step::kOffsets));
    const std::lock_guard lock(log_.mutex);
    if (!epoch.membership.valid() ||
        epoch.membership.generation != log_.generation) {
      return {StatusCode::kUnavailable, "illegal generation", true};
    }
    for (const Epoch::Part& part : epoch.parts) {
      const Marker& m = part.epoch->marker;
      offsets_.push_back(
          {part.epoch->tp, m.next_offset,
           FormatOffsetMetadata({OffsetMetadata::Origin::kEpoch,
                                 m.lane.reset_generation, m.epoch, m.writer_id,
                                 m.next_offset, m.lane.job})});
      log_.unstable.insert(part.epoch->tp);
    }
    return Status::Ok();
  }
  Status Commit(const Epoch& /*epoch*/) override {
    if (in_commit) in_commit();
    RETURN_IF_ERROR(Reach(Step::kCommit));
    changelogs_.Commit(*txn_);
    txn_.reset();
    {
      const std::lock_guard lock(log_.mutex);
      for (const PartitionOffset& o : offsets_) {
        log_.committed[o.tp] = o.offset;
        log_.metadata[o.tp] = o.metadata;
        log_.commit_history[o.tp].push_back(o.offset);
        log_.unstable.erase(o.tp);
      }
    }
    {
      const std::lock_guard lock(mutex_);
      for (FakeOutput& out : open_) written_.push_back(std::move(out));
    }
    open_.clear();
    offsets_.clear();
    // It is committed, but who asked may not hear of it.
    return Reach(Step::kAfterCommit);
  }
  void Abort() override {}
  Status Settle() override {
    ++settled_;
    EndOpen();
    return Status::Ok();
  }
  bool exactly_once() const override { return true; }

 private:
  Status Reach(Step step) {
    const std::lock_guard lock(fail_mutex_);
    if (fail_count_ == 0 || fail_at_ != step) return Status::Ok();
    --fail_count_;
    ++failed_;
    return failure_;
  }
  void EndOpen() {
    if (txn_.has_value()) changelogs_.Abort(*txn_);
    txn_.reset();
    open_.clear();
    const std::lock_guard lock(log_.mutex);
    for (const PartitionOffset& o : offsets_) log_.unstable.erase(o.tp);
    offsets_.clear();
  }

  FakeLog& log_;
  FakeChangelogCluster& changelogs_;
  std::vector<FakeOutput>& written_;
  std::mutex& mutex_;
  std::optional<FakeChangelogCluster::Txn> txn_;
  std::vector<FakeOutput> open_;
  std::vector<PartitionOffset> offsets_;
  std::mutex fail_mutex_;
  Step fail_at_ = Step::kBegin;
  int fail_count_ = 0;
  Status failure_;
  std::atomic<int> failed_{0};
  std::atomic<int> settled_{0};
};

}  // namespace tacho
