#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/consume/partition_log.h"
#include "tests/support/fake_log.h"

namespace tacho {

// What the brokers know of a FakeLog.
// Threading: any thread; on_end and hold are set before it is asked.
class FakePartitionLog final : public PartitionLog {
 public:
  explicit FakePartitionLog(FakeLog& log) : log_(log) {}

  int ends_asked() const { return ends_asked_; }
  int counts_asked() const { return counts_asked_; }
  // Called at each question for an end, before it is answered.
  std::function<void(const TopicPartition&)> on_end;
  // The next `count` questions of any kind answer `status`.
  void FailNext(int count, Status status) {
    const std::lock_guard lock(mutex_);
    failures_ = count;
    failure_ = std::move(status);
  }
  // What holds back a committed offset, where it is held back.
  std::optional<TransactionHold> hold;

  Result<std::map<std::string, int32_t>> PartitionCounts(Millis) override;
  Result<std::string> ClusterId(Millis) override {
    return std::string("fake-cluster");
  }
  Result<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, Millis) override;
  Result<std::pair<Offset, Offset>> LogRange(const TopicPartition& tp,
                                             Millis) override;
  Result<LogEnd> End(const TopicPartition& tp, Millis) override;
  Result<std::optional<TransactionHold>> OffsetHold(
      const std::vector<TopicPartition>& partitions, Millis) override;
  TransactionHold InputHold(const TopicPartition& tp,
                            const LogEnd& end) const override {
    return {tp, end.last_stable, end.high_watermark, {}};
  }

 private:
  Status Pass();

  FakeLog& log_;
  std::mutex mutex_;
  int failures_ = 0;
  Status failure_;
  std::atomic<int> ends_asked_{0};
  std::atomic<int> counts_asked_{0};
};

}  // namespace tacho
