#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/mutex.h"
#include "pipeline/worker/lane_take_over.h"

namespace tacho {

// Side by side: each reads ahead and collects some megabytes.
inline constexpr int64_t kMostReplays = 4;

// Takes partitions over, on a thread of its own, so that a lane that restores
// holds up neither the control loop nor a lane that is ready.
//
// Those that replay advance side by side, a bounded step each in turn; the
// others are brought in one after the other, their stores opened a few ahead.
// The thread waits only when none can advance. One that an open transaction
// holds up is said so after 30 s and waits on, for as long as the broker is
// there: the others are not to end with it.
//
// Between whiles it looks at the changelogs: a setting that was changed under a
// running worker loses state later, so it is said at once.
//
// Threading: Open and Cancel from the control thread; `on_opened` and
// `on_failed` are called on the take-over thread.
class TakeOverThread {
 public:
  struct Events {
    std::function<void(TakenOverLane)> on_opened;
    // For good, or retryable for longer than `patience`, but never because of a
    // transaction of somebody else: that is waited for.
    std::function<void(const TopicPartition&, Status)> on_failed;
  };

  TakeOverThread(TakeOverContext context, Millis patience, Events events);
  ~TakeOverThread();

  void Open(std::vector<TakeOverRequest> requests);
  // Gives up what is not opened yet; after return nothing is under way, and
  // no event comes for what was asked before.
  void Cancel();
  // Lanes that wait for a transaction of somebody else. Any thread.
  int held_up() const { return held_up_; }

  // What the take-overs wait for, for people: "restore 3, transaction in/2";
  // empty: nothing is being opened. Any thread.
  std::string WaitingFor() const;
  // True while some take-over is held up by a transaction. Any thread.
  bool blocked() const { return blocked_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Active {
    std::unique_ptr<LaneTakeOver> take_over;
    SteadyTime progress_at;  // When it last got further.
    SteadyTime retry_at{};
    SteadyTime hold_asked_at{};
    SteadyTime held_since{};  // None: no transaction holds it up.
    bool hold_told = false;
    bool failed = false;
  };

  void Run();
  void GiveUp(std::vector<TakeOverRequest>& requests);
  // True if some take-over got further.
  bool AdvanceAll();
  bool AskCommitted();
  void PrepareStores();
  void SetCommitted(const PartitionOffset& committed);
  bool Advance(Active& active);
  void OnError(Active& active, const Status& status);
  // True if a transaction of somebody else holds it up; says so once.
  bool HeldUp(Active& active);
  static void GotFurther(Active& active, SteadyTime now);
  void ReportIfDue();
  void Publish();
  void CheckChangelogs();

  TakeOverContext context_;
  const Millis patience_;
  const Events events_;

  std::vector<Active> active_;  // The take-over thread's only.
  SteadyTime next_report_{};
  SteadyTime next_publish_{};
  uint64_t reported_records_ = 0;
  SteadyTime reported_at_{};
  bool one_by_one_ = false;  // A pending transaction held up the last answer.

  std::atomic<int> held_up_{0};
  std::atomic<bool> hurry_{false};  // Somebody waits in Cancel.
  std::atomic<bool> blocked_{false};
  mutable Mutex mutex_;
  CondVar wake_;
  CondVar idle_;
  std::string waiting_for_ GUARDED_BY(mutex_);
  std::vector<TakeOverRequest> requests_ GUARDED_BY(mutex_);
  bool cancel_ GUARDED_BY(mutex_) = false;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tacho
