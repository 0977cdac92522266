#pragma once

#include <optional>

#include "pipeline/base/reject.h"

namespace tacho {

// Why something is refused, or nothing if it is not.
using Refused = std::optional<RejectReason>;

}  // namespace tacho
