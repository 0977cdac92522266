#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "pipeline/commit/epoch_writer.h"
#include "pipeline/commit/offset_committer.h"
#include "tests/support/fake_output.h"

namespace tacho {

// An at-least-once writer into memory: outputs are visible once flushed.
// Threading: the committer calls it; the test reads between epochs or after.
class FakeAtLeastOnce final : public EpochWriter {
 public:
  FakeAtLeastOnce(std::vector<FakeOutput>& written, std::mutex& mutex,
                  std::unique_ptr<OffsetCommitter> offsets)
      : written_(written), mutex_(mutex), offsets_(std::move(offsets)) {}

  // The next `count` flushes answer `status`; nothing is written then.
  void FailFlushes(int count, Status status) {
    fail_flushes_ = count;
    failure_ = std::move(status);
  }

  int failed() const { return failed_; }

  Status Begin() override { return Status::Ok(); }
  Status Produce(LaneEpoch& part) override {
    for (FakeOutput& out : OutputsOf(part)) open_.push_back(std::move(out));
    return Status::Ok();
  }
  Status Flush() override {
    if (fail_flushes_ > 0) {
      --fail_flushes_;
      ++failed_;
      return failure_;
    }
    const std::lock_guard lock(mutex_);
    for (FakeOutput& out : open_) written_.push_back(std::move(out));
    open_.clear();
    return Status::Ok();
  }
  Status Commit(const Epoch& epoch) override {
    return offsets_->CommitOffsets(epoch);
  }
  void Abort() override { open_.clear(); }
  Status SendOffsets(const Epoch& /*epoch*/) override { return Status::Ok(); }
  Status Settle() override { return Status::Ok(); }
  bool exactly_once() const override { return false; }

 private:
  std::vector<FakeOutput>& written_;
  std::mutex& mutex_;
  const std::unique_ptr<OffsetCommitter> offsets_;
  std::vector<FakeOutput> open_;
  int fail_flushes_ = 0;
  std::atomic<int> failed_{0};
  Status failure_;
};

}  // namespace tacho
