#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/commit/transaction.h"

namespace tacho {

// What has been written to each lane's outputs, as a broker would hold it.
struct FakeOutput {
  TopicPartition lane;
  SinkId sink;
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;

  bool operator==(const FakeOutput&) const = default;
};

inline std::vector<FakeOutput> OutputsOf(const LaneEpoch& part) {
  std::vector<FakeOutput> outputs;
  for (const OutputRecord& r : part.outputs.records()) {
    FakeOutput out{part.tp,
                   r.sink,
                   std::string(part.outputs.Key(r)),
                   std::string(part.outputs.Value(r)),
                   {}};
    std::string_view headers = part.outputs.Headers(r);
    std::string_view name;
    std::string_view value;
    while (NextHeader(headers, name, value)) {
      out.headers[std::string(name)] = value;
    }
    outputs.push_back(std::move(out));
  }
  return outputs;
}

// An at-least-once transaction into memory: outputs are visible once flushed.
// Threading: the committer calls it; the test reads between epochs or after.
class FakeTransaction final : public Transaction {
 public:
  using Commit_ = std::function<Status(const Epoch&)>;
  FakeTransaction(std::vector<FakeOutput>& written, std::mutex& mutex,
                  Commit_ commit)
      : written_(written), mutex_(mutex), commit_(std::move(commit)) {}

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
  Status Commit(const Epoch& epoch) override { return commit_(epoch); }
  void Abort() override { open_.clear(); }
  Status SendOffsets(const Epoch& /*epoch*/) override { return Status::Ok(); }
  Status Settle() override { return Status::Ok(); }
  bool exactly_once() const override { return false; }

 private:
  std::vector<FakeOutput>& written_;
  std::mutex& mutex_;
  Commit_ commit_;
  std::vector<FakeOutput> open_;
  int fail_flushes_ = 0;
  std::atomic<int> failed_{0};
  Status failure_;
};

}  // namespace tacho
