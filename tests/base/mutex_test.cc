#include "pipeline/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace tacho {
namespace {

using std::chrono::milliseconds;

class Box {
 public:
  void Put(int value) {
    const MutexLock lock(mutex_);
    value_ = value;
    changed_.NotifyAll();
  }
  int Await() {
    const MutexLock lock(mutex_);
    changed_.Wait(mutex_, [this]() REQUIRES(mutex_) { return value_ != 0; });
    return value_;
  }
  bool AwaitFor(milliseconds time) {
    const MutexLock lock(mutex_);
    return changed_.WaitFor(mutex_, time,
                            [this]() REQUIRES(mutex_) { return value_ != 0; });
  }
  int PutThenAdd(int value, int more) {
    MutexLock lock(mutex_);
    value_ = value;
    lock.Unlock();
    Put(value + more);  // It locks by itself.
    const MutexLock again(mutex_);
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int value_ GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, AWaitEndsWhenItsConditionHolds) {
  Box box;
  std::thread other([&] { box.Put(7); });
  EXPECT_EQ(box.Await(), 7);
  other.join();
}

TEST(MutexTest, AWaitEndsWhenItsTimeIsUp) {
  Box box;
  EXPECT_FALSE(box.AwaitFor(milliseconds(1)));
  box.Put(1);
  EXPECT_TRUE(box.AwaitFor(milliseconds(0)));
}

TEST(MutexTest, ALockCanBeLetGoBeforeItsScopeEnds) {
  Box box;
  EXPECT_EQ(box.PutThenAdd(1, 2), 3);
}

}  // namespace
}  // namespace tacho
