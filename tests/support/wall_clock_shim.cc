// Preloaded into a worker (LD_PRELOAD), it moves the host's clock for that
// process alone: CLOCK_REALTIME is the real one plus the number of seconds in
// the file that TACHO_TEST_CLOCK names. Waits that are on that clock really
// are: a wait for half a second lasts half an hour longer if the clock is set
// back by that meanwhile. (libfaketime turns such waits into relative ones.)

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr long kSecond = 1'000'000'000;

long OffsetSeconds() {
  const char* const path = getenv("TACHO_TEST_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[32] = "";
  (void)!read(fd, text, sizeof text - 1);
  close(fd);
  return strtol(text, nullptr, 10);
}

int RealGettime(clockid_t clock, timespec* time) {
  using Function = int (*)(clockid_t, timespec*);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "clock_gettime"));
  return real(clock, time);
}

// Nanoseconds from now on the shifted clock until `until`.
long Left(const timespec& until) {
  timespec now;
  RealGettime(CLOCK_REALTIME, &now);
  return (until.tv_sec - now.tv_sec - OffsetSeconds()) * kSecond +
         until.tv_nsec - now.tv_nsec;
}

// Waits in short pieces, looking at the shifted clock between them.
int WaitUntil(pthread_cond_t* condition, pthread_mutex_t* mutex,
              const timespec& until) {
  constexpr long kPiece = 20'000'000;
  while (true) {
    const long left = Left(until);
    if (left <= 0) return ETIMEDOUT;
    timespec due;
    RealGettime(CLOCK_MONOTONIC, &due);
    due.tv_nsec += left < kPiece ? left : kPiece;
    if (due.tv_nsec >= kSecond) due.tv_nsec -= kSecond, ++due.tv_sec;
    const int result =
        pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &due);
    if (result != ETIMEDOUT) return result;
  }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = RealGettime(clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec += OffsetSeconds();
  return result;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

int timespec_get(timespec* time, int base) noexcept {
  clock_gettime(CLOCK_REALTIME, time);
  return base;
}

int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  const int result =
      WaitUntil(reinterpret_cast<pthread_cond_t*>(condition),
                reinterpret_cast<pthread_mutex_t*>(mutex), *until);
  return result == 0           ? thrd_success
         : result == ETIMEDOUT ? thrd_timedout
                               : thrd_error;
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  return WaitUntil(condition, mutex, *until);
}

}  // extern "C"
