#include "pipeline/commit/commit_thread.h"

#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

CommitThread::CommitThread(Transaction& transaction, const Clock& clock,
                           std::function<void(Done)> on_done)
    : committer_(transaction, clock,
                 [this](Millis d) { return WaitForRetry(d); }),
      on_done_(std::move(on_done)),
      thread_([this] { Run(); }) {}

void CommitThread::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = abandoned_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void CommitThread::Commit(Epoch epoch, RetryPolicy retry) {
  Submit({false, std::move(epoch), retry});
}

void CommitThread::Settle(RetryPolicy retry) { Submit({true, {}, retry}); }

void CommitThread::Submit(Work work) {
  const std::lock_guard lock(mutex_);
  CHECK(!busy_);
  work_ = std::move(work);
  busy_ = true;
  abandoned_ = false;
  wake_.notify_all();
}

bool CommitThread::busy() const {
  const std::lock_guard lock(mutex_);
  return busy_;
}

void CommitThread::Abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  wake_.notify_all();
}

bool CommitThread::WaitForRetry(Millis delay) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, delay, [this] { return abandoned_; });
}

void CommitThread::Run() {
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return work_.has_value() || stop_; });
      if (!work_.has_value()) return;
      work = std::move(*work_);
      work_.reset();
    }
    Done done;
    done.settled = work.settle;
    done.status = work.settle ? committer_.Settle(work.retry)
                              : committer_.Commit(work.epoch, work.retry);
    done.epoch = std::move(work.epoch);
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
    }
    on_done_(std::move(done));
  }
}

}  // namespace tacho
