#pragma once

#include "pipeline/base/status.h"

namespace tacho {

// What a process tells whoever started it, after sysexits(3).
enum ExitCode : int {
  kExitOk = 0,
  kExitInternal = 1,
  kExitUsage = 64,          // The command line.
  kExitData = 65,           // Data or state that is corrupt.
  kExitUnavailable = 69,    // The broker.
  kExitIo = 74,             // Disk or file system.
  kExitPermission = 77,     // Broker or file system refused us.
  kExitConfiguration = 78,  // The job file, or what it names does not exist.
  kExitInterrupted = 130,   // SIGINT.
  kExitTerminated = 143,    // SIGTERM, or told to stop otherwise.
};

int ExitCodeFor(const Status& status);

}  // namespace tacho
