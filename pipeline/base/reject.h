#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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
  kUnreadable,  // Not even the client can read it.
};

#pragma GCC diagnostic pop

inline constexpr size_t kRejectReasons = 12;

// As written in headers, logs and metrics: "unparsable_json", ...
const char* RejectReasonName(RejectReason reason);

// What was wrong, and where: for the reject's headers and the log. Views into
// the message, the batch's arena and the job; empty where there is no such
// thing.
struct RejectSite {
  // Counts rejects by what they are about: 0 the message as a whole, then
  // what RejectSites (decode/decoder_config.h) names.
  size_t site = 0;
  std::string_view path;      // JSON pointer, or "key".
  std::string_view found;     // "number", "text", ...: what was there.
  std::string_view sample;    // Its bytes as they came, uncut.
  std::string_view expected;  // "a whole number".
};

// At most `limit` bytes of ASCII and visible UTF-8 that say what `bytes` are,
// other bytes as \xNN; "..." at the end if something is left out.
inline constexpr size_t kSampleBytes = 64;
void AppendSample(std::string_view bytes, std::string& out,
                  size_t limit = kSampleBytes);

// `text "fast"; expected a number`, for a header and the log. Bounded.
void DescribeFound(const RejectSite& site, std::string& out);

// A refused message of a batch. A value: no allocation, no Status.
struct Reject {
  uint32_t message;  // Index into Batch::messages.
  RejectReason reason;
  RejectSite at = {};
};

}  // namespace tacho
