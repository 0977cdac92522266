#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/base/time.h"
#include "pipeline/consume/source.h"
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

  // `source` and `clock` outlive it.
  IdleProber(MessageSource& source, const Clock& clock, OnEmpty on_empty);
  ~IdleProber();

  // Asks about each of `partitions`, in order. False: the list before is not
  // done, and this one is dropped.
  bool Ask(std::vector<TopicPartition> partitions);

 private:
  void Run();
  void AskOne(const TopicPartition& tp);
  bool stopped();

  MessageSource& source_;
  const Clock& clock_;
  const OnEmpty on_empty_;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable wake_;
  std::vector<TopicPartition> list_;
  bool busy_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tacho
