#pragma once

#include <functional>
#include <optional>
#include <thread>

#include "pipeline/base/mutex.h"
#include "pipeline/base/status.h"
#include "pipeline/commit/committer.h"

namespace tacho {

// The thread that commits: the only user of the producer handle, so that a
// commit that hangs never keeps the control loop from answering the group.
// One piece of work at a time.
//
// Threading: Commit, Settle and Abandon from the control thread; `on_done` is
// called on the commit thread.
class CommitThread {
 public:
  struct Done {
    bool settled = false;  // Of Settle; else of Commit.
    Epoch epoch;
    CommitResult result;
  };

  CommitThread(EpochWriter& writer, const Clock& clock,
               std::function<void(Done)> on_done);
  ~CommitThread() { Stop(); }

  // Abandons what is under way and waits for it; the metrics stay. Nothing may
  // be submitted afterwards.
  void Stop();

  // REQUIRES: not busy.
  void Commit(Epoch epoch, RetryPolicy retry);
  void Settle(RetryPolicy retry);
  // True from Commit or Settle until just before on_done is called.
  bool busy() const;
  // What is under way is not tried again once its present try has failed:
  // kAbandoned.
  void Abandon();

  const CommitMetrics& metrics() const { return committer_.metrics(); }

 private:
  struct Work {
    bool settle = false;
    Epoch epoch;
    RetryPolicy retry;
  };

  void Submit(Work work);
  void Run();
  bool WaitForRetry(Millis delay);

  Committer committer_;
  const std::function<void(Done)> on_done_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::optional<Work> work_ GUARDED_BY(mutex_);
  bool busy_ GUARDED_BY(mutex_) = false;
  bool abandoned_ GUARDED_BY(mutex_) = false;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tacho
