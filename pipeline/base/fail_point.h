#pragma once

namespace tacho {

// Places at which a test kills the process, and rules that a test breaks on
// purpose. Compiled in only with -DTACHO_FAIL_POINTS=ON (the `dev` presets);
// in any other build both are nothing.
//
//   TACHO_FAIL_POINT=commit.after_offsets:3        SIGKILL at the third passing
//   TACHO_FAIL_POINT=commit.after_offsets:3:term   SIGTERM, and goes on
//   TACHO_FAIL_POINT=commit.after_offsets:3:stop   SIGSTOP, until a SIGCONT
//   TACHO_SABOTAGE=skip_offsets                    a rule that is not kept
//
// Names: <area>.<where>, listed in tests/faults/README.md.
// Threading: any thread.

#ifdef TACHO_FAIL_POINTS
void PassFailPoint(const char* name) noexcept;
bool Sabotaged(const char* rule) noexcept;
#define FAIL_POINT(name) ::tacho::PassFailPoint(name)
#define SABOTAGED(rule) ::tacho::Sabotaged(rule)
#else
#define FAIL_POINT(name) static_cast<void>(0)
#define SABOTAGED(rule) false
#endif

}  // namespace tacho
