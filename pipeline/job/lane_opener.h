#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/job/lane_opening.h"

namespace tacho {

// Takes partitions over, on a thread of its own, so that a lane that restores
// holds up neither the control loop nor a lane that is ready.
//
// All of them advance side by side, a bounded step each in turn; the thread
// waits only when none can advance.
//
// Threading: Open and Cancel from the control thread; `on_opened` and
// `on_failed` are called on the opener's thread.
class LaneOpener {
 public:
  struct Events {
    std::function<void(OpenedLane)> on_opened;
    // For good, or retryable for longer than `patience`.
    std::function<void(const TopicPartition&, Status)> on_failed;
  };

  LaneOpener(OpeningContext context, Millis patience, Events events);
  ~LaneOpener();

  void Open(std::vector<OpenRequest> requests);
  // Gives up what is not opened yet; after return nothing is under way, and
  // no event comes for what was asked before.
  void Cancel();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Active {
    std::unique_ptr<LaneOpening> opening;
    SteadyTime progress_at;  // When it last got further.
    SteadyTime retry_at{};
    bool failed = false;
  };

  void Run();
  void GiveUp(std::vector<OpenRequest>& requests);
  // True if some opening got further.
  bool AdvanceAll();
  bool AskCommitted();
  void SetCommitted(const PartitionOffset& committed);
  bool Advance(Active& active);
  void OnError(Active& active, const Status& status);
  void ReportIfDue();

  OpeningContext context_;
  const Millis patience_;
  const Events events_;

  std::vector<Active> active_;  // The opener's thread only.
  SteadyTime next_report_{};
  uint64_t reported_records_ = 0;
  SteadyTime reported_at_{};
  bool one_by_one_ = false;  // A pending transaction held up the last answer.

  std::atomic<bool> hurry_{false};  // Somebody waits in Cancel.
  std::mutex mutex_;                // Guards what follows.
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<OpenRequest> requests_;
  bool cancel_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tacho
