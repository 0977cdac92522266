#pragma once

#include "pipeline/base/status.h"

namespace tacho {

// What a process tells whoever started it, after sysexits(3). A worker that was
// told to stop by a signal, and has committed all that it had processed, is
// done: 0.
enum ExitCode : int {
  kExitOk = 0,
  kExitUsage = 64,        // The command line.
  kExitData = 65,         // Data or state that is corrupt.
  kExitUnavailable = 69,  // The broker.
  kExitInternal = 70,
  kExitIo = 74,             // Disk or file system.
  kExitPermission = 77,     // Broker or file system refused us.
  kExitConfiguration = 78,  // The job file, or what it names does not exist.
  // By a signal that was not obeyed in order: the second one, or the first one
  // while a call did not return in time.
  kExitInterrupted = 130,  // SIGINT.
  kExitTerminated = 143,   // SIGTERM.
};

int ExitCodeFor(const Status& status);

}  // namespace tacho
