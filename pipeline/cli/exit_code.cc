#include "pipeline/cli/exit_code.h"

namespace tacho {

int ExitCodeFor(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
      return kExitConfiguration;
    case StatusCode::kCorruption:
      return kExitData;
    case StatusCode::kIoError:
      return kExitIo;
    case StatusCode::kUnavailable:
      return kExitUnavailable;
    case StatusCode::kPermission:
      return kExitPermission;
    case StatusCode::kCancelled:
      return kExitTerminated;
    case StatusCode::kInternal:
      return kExitInternal;
  }
  return kExitInternal;
}

}  // namespace tacho
