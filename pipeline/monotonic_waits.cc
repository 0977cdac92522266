// librdkafka's timed waits (cnd_timedwait) are on the host's clock: set back by
// half an hour, a wait of 100 ms takes half an hour, for its own timers and for
// every call of ours that waits inside it. The program's own definition, which
// the library finds before the C library's, waits as long as was meant, on the
// monotonic clock.

#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) &&
                  sizeof(mtx_t) == sizeof(pthread_mutex_t),
              "glibc's C11 types are its POSIX ones");

namespace {

constexpr long kSecond = 1'000'000'000;

// `until` of the host's clock, as the monotonic one will show it.
timespec Monotonic(const timespec& until) {
  timespec wall;
  timespec steady;
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &steady);
  timespec due{steady.tv_sec + until.tv_sec - wall.tv_sec,
               steady.tv_nsec + until.tv_nsec - wall.tv_nsec};
  while (due.tv_nsec < 0) due.tv_nsec += kSecond, --due.tv_sec;
  while (due.tv_nsec >= kSecond) due.tv_nsec -= kSecond, ++due.tv_sec;
  return due.tv_sec < 0 ? steady : due;
}

}  // namespace

extern "C" int cnd_timedwait(cnd_t* condition, mtx_t* mutex,
                             const timespec* until) {
  const timespec due = Monotonic(*until);
  switch (pthread_cond_clockwait(reinterpret_cast<pthread_cond_t*>(condition),
                                 reinterpret_cast<pthread_mutex_t*>(mutex),
                                 CLOCK_MONOTONIC, &due)) {
    case 0:
      return thrd_success;
    case ETIMEDOUT:
      return thrd_timedout;
    default:
      return thrd_error;
  }
}
