#pragma once

#include <cstddef>
#include <string>

#include "pipeline/base/status.h"

namespace tacho {

// Files that people name: jobs, secrets, certificates, messages. What state
// needs of files is in state/files.h.
//
// Threading: none; functions only.

// More than people write, less than a wrong path may lead to.
inline constexpr size_t kMaxFileBytes = size_t{1} << 20;

// The whole of a file, pipe or device.
// Errors: as CannotRead; kInvalidArgument if it has more than `max_bytes`.
Result<std::string> ReadFile(const std::string& path,
                             size_t max_bytes = kMaxFileBytes);

// "cannot read 'PATH': why", and what to do, of an errno. kNotFound: there is
// no such file; kPermission; else kIoError, of a directory too.
Status CannotRead(const std::string& path, int error);

}  // namespace tacho
