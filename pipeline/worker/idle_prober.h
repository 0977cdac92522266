#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "pipeline/base/mutex.h"
#include "pipeline/base/time.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/lane/lane.h"

namespace tacho {

// Asks the broker whether partitions are empty, on a thread of its own: the
// answers are waited for, and nobody who has to be quick waits with it.
//
// Threading: Ask from one thread; `on_empty` is called on the prober's thread.
// Limits: one list at a time. The destructor waits for one answer at most.
// Errors: a question without an answer is left for a later list.
class IdleProber {
 public:
  // For a partition whose last stable offset is its high watermark.
  using OnEmpty = std::function<void(const TopicPartition&, const IdleProof&)>;

  // `log` and `clock` outlive it.
  IdleProber(PartitionLog& log, const Clock& clock, OnEmpty on_empty);
  ~IdleProber();

  // Asks about each of `partitions`, in order. False: the list before is not
  // done, and this one is dropped.
  bool Ask(std::vector<TopicPartition> partitions);
  // Partitions whose messages a transaction of somebody else holds back, and
  // has for kHoldAfter. Any thread.
  int held_up() const { return held_up_; }

 private:
  struct Hold {
    Offset last_stable = kNoOffset;
    std::chrono::steady_clock::time_point since;
    bool told = false;
  };

  void Run();
  void AskOne(const TopicPartition& tp);
  void WatchHold(const TopicPartition& tp, const LogEnd& end);
  void CountHolds();
  bool stopped();

  PartitionLog& log_;
  const Clock& clock_;
  const OnEmpty on_empty_;

  std::map<TopicPartition, Hold> holds_;  // The prober's thread only.
  std::atomic<int> held_up_{0};

  Mutex mutex_;
  CondVar wake_;
  std::vector<TopicPartition> list_ GUARDED_BY(mutex_);
  bool busy_ GUARDED_BY(mutex_) = false;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tacho
