#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Says which mutex guards what, so that clang can hold the code against it:
//
//   int count_ GUARDED_BY(mutex_) = 0;       only with mutex_ held
//   Log* const log_ PT_GUARDED_BY(mutex_);   what it points to, likewise
//   void Add() REQUIRES(mutex_);             the caller holds it
//   void Post() EXCLUDES(mutex_);            the caller does not hold it
//
// `./run locks` (and CI) compiles what uses them with -Wthread-safety; to any
// other compiler they are nothing. What a lambda needs is written after its
// parameters: [this]() REQUIRES(mutex_) { return stop_; }.
#if defined(__clang__)
#define TACHO_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TACHO_THREAD_ATTRIBUTE(x)
#endif
#define GUARDED_BY(x) TACHO_THREAD_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) TACHO_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define REQUIRES(...) \
  TACHO_THREAD_ATTRIBUTE(exclusive_locks_required(__VA_ARGS__))
#define EXCLUDES(...) TACHO_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) \
  TACHO_THREAD_ATTRIBUTE(exclusive_lock_function(__VA_ARGS__))
#define RELEASE(...) TACHO_THREAD_ATTRIBUTE(unlock_function(__VA_ARGS__))
#define NOT_ANALYZED TACHO_THREAD_ATTRIBUTE(no_thread_safety_analysis)
#define CAPABILITY(name) TACHO_THREAD_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY TACHO_THREAD_ATTRIBUTE(scoped_lockable)

namespace tacho {

// A std::mutex that clang knows.
class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a mutex while it is in scope, or until Unlock.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(&mutex) {
    mutex.Lock();
  }
  ~MutexLock() RELEASE() {
    if (mutex_ != nullptr) mutex_->Unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // Before the end of the scope; once.
  void Unlock() RELEASE() {
    mutex_->Unlock();
    mutex_ = nullptr;
  }

 private:
  Mutex* mutex_;
};

// A condition that threads with the mutex held wait for. (Clang cannot see that
// the mutex which a `done` needs is the one that it is given.)
class CondVar {
 public:
  void NotifyOne() noexcept { condition_.notify_one(); }
  void NotifyAll() noexcept { condition_.notify_all(); }

  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  template <typename Done>
  void Wait(Mutex& mutex, Done done) REQUIRES(mutex) NOT_ANALYZED {
    while (!done()) Wait(mutex);
  }

  // False: the time was up first.
  template <typename Clock, typename Duration>
  bool WaitUntil(Mutex& mutex,
                 std::chrono::time_point<Clock, Duration> deadline)
      REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  // What `done` says when it says yes, or when the time is up.
  template <typename Clock, typename Duration, typename Done>
  bool WaitUntil(Mutex& mutex,
                 std::chrono::time_point<Clock, Duration> deadline, Done done)
      REQUIRES(mutex) NOT_ANALYZED {
    while (!done()) {
      if (!WaitUntil(mutex, deadline)) return done();
    }
    return true;
  }
  template <typename Rep, typename Period, typename Done>
  bool WaitFor(Mutex& mutex, std::chrono::duration<Rep, Period> time, Done done)
      REQUIRES(mutex) NOT_ANALYZED {
    return WaitUntil(mutex, std::chrono::steady_clock::now() + time, done);
  }

 private:
  std::condition_variable condition_;
};

}  // namespace tacho
