#pragma once

namespace tacho {

// Prints `file:line: CHECK failed: expression` to stderr and aborts. A failed
// check is a bug of ours; the restart resumes from the last commit.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expr);

}  // namespace tacho

#define CHECK(cond) \
  ((cond) ? (void)0 : ::tacho::CheckFailed(__FILE__, __LINE__, #cond))

// For hot loops: compiled out where NDEBUG is set.
#ifdef NDEBUG
#define DCHECK(cond) ((void)sizeof(!(cond)))
#else
#define DCHECK(cond) CHECK(cond)
#endif
