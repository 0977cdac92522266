#pragma once

#include <cstddef>
#include <cstdint>

namespace tacho {

// gcc takes the scoped kNoLogTime for a shadow of the constant in time.h.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"

// Why a message was refused: a closed list.
enum class RejectReason : uint8_t {
  kUnparsableJson,
  kInvalidUtf8,
  kNotAnObject,
  kMissingField,
  kWrongType,
  kOutOfRange,
  kClockPast,
  kClockFuture,
  kNoLogTime,
  kTooDeep,
  kTooLarge,
};

#pragma GCC diagnostic pop

inline constexpr size_t kRejectReasons = 11;

// As written in headers, logs and metrics: "unparsable_json", ...
const char* RejectReasonName(RejectReason reason);

// A refused message of a batch. A value: no allocation, no Status.
struct Reject {
  uint32_t message;  // Index into Batch::messages.
  RejectReason reason;
};

}  // namespace tacho
