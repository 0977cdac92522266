#include "pipeline/commit/commit_thread.h"

#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

CommitThread::CommitThread(EpochWriter& writer, const Clock& clock,
                           std::function<void(Done)> on_done)
    : committer_(writer, clock, [this](Millis d) { return WaitForRetry(d); }),
      on_done_(std::move(on_done)),
      thread_([this] { Run(); }) {}

void CommitThread::Stop() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    stop_ = abandoned_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

void CommitThread::Commit(Epoch epoch, RetryPolicy retry) {
  Submit({false, std::move(epoch), retry});
}

void CommitThread::Settle(RetryPolicy retry) { Submit({true, {}, retry}); }

void CommitThread::Submit(Work work) {
  const MutexLock lock(mutex_);
  CHECK(!busy_);
  work_ = std::move(work);
  busy_ = true;
  abandoned_ = false;
  wake_.NotifyAll();
}

bool CommitThread::busy() const {
  const MutexLock lock(mutex_);
  return busy_;
}

void CommitThread::Abandon() {
  const MutexLock lock(mutex_);
  abandoned_ = true;
  wake_.NotifyAll();
}

bool CommitThread::WaitForRetry(Millis delay) {
  const MutexLock lock(mutex_);
  return !wake_.WaitFor(mutex_, delay,
                        [this]() REQUIRES(mutex_) { return abandoned_; });
}

void CommitThread::Run() {
  while (true) {
    Work work;
    {
      const MutexLock lock(mutex_);
      wake_.Wait(mutex_, [this]() REQUIRES(mutex_) {
        return work_.has_value() || stop_;
      });
      if (!work_.has_value()) return;
      work = std::move(*work_);
      work_.reset();
    }
    Done done;
    done.settled = work.settle;
    done.result = work.settle ? committer_.Settle(work.retry)
                              : committer_.Commit(work.epoch, work.retry);
    done.epoch = std::move(work.epoch);
    {
      const MutexLock lock(mutex_);
      busy_ = false;
    }
    on_done_(std::move(done));
  }
}

}  // namespace tacho
