#include "pipeline/base/reject.h"

#include <cstdint>

#include "pipeline/base/printable.h"
#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

constexpr std::string_view kCut = "...";
constexpr size_t kExpectedBytes = 256;

// Bytes of the visible character that `text` starts with; 0: none. Invisible
// are control characters and those that turn or join text on a screen.
size_t VisibleSize(std::string_view text) {
  const CodePoint first = FirstCodePoint(text);
  const uint32_t code = first.code;
  if (!first.valid) return 0;
  const auto within = [code](uint32_t least, uint32_t most) {
    return code >= least && code <= most;
  };
  const bool invisible = MovesTheReader(code) || code == 0xAD ||
                         within(0x200B, 0x200D) || within(0x2060, 0x206F) ||
                         within(0xE0000, 0xE0FFF);
  return invisible ? 0 : first.size;
}

}  // namespace

void AppendSample(std::string_view bytes, std::string& out, size_t limit) {
  static constexpr char kHex[] = "0123456789abcdef";
  const size_t begin = out.size();
  size_t kept = begin;  // Where it can be cut so that the mark still fits.
  while (!bytes.empty()) {
    const size_t visible = VisibleSize(bytes);
    if (visible > 0) {
      out.append(bytes.substr(0, visible));
    } else {
      const auto byte = static_cast<unsigned char>(bytes[0]);
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    bytes.remove_prefix(visible > 0 ? visible : 1);
    if (out.size() - begin > limit) break;
    if (out.size() - begin + kCut.size() <= limit) kept = out.size();
  }
  if (out.size() - begin <= limit && bytes.empty()) return;
  out.resize(kept);
  out += kCut;
}

void DescribeFound(const RejectSite& site, std::string& out) {
  out += site.found;
  if (site.sample.data() != nullptr) {
    out += out.empty() ? "\"" : " \"";
    AppendSample(site.sample, out);
    out += '"';
  }
  if (site.expected.empty()) return;
  if (!out.empty()) out += "; ";
  out += "expected ";
  out += site.expected.substr(0, kExpectedBytes);
}

const char* RejectReasonName(RejectReason reason) {
  switch (reason) {
    case RejectReason::kUnparsableJson:
      return "unparsable_json";
    case RejectReason::kInvalidUtf8:
      return "invalid_utf8";
    case RejectReason::kNotAnObject:
      return "not_an_object";
    case RejectReason::kMissingField:
      return "missing_field";
    case RejectReason::kWrongType:
      return "wrong_type";
    case RejectReason::kOutOfRange:
      return "out_of_range";
    case RejectReason::kClockPast:
      return "clock_past";
    case RejectReason::kClockFuture:
      return "clock_future";
    case RejectReason::kNoLogTime:
      return "no_log_time";
    case RejectReason::kTooDeep:
      return "too_deep";
    case RejectReason::kTooLarge:
      return "too_large";
    case RejectReason::kUnreadable:
      return "unreadable";
  }
  return "unknown";
}

}  // namespace tacho
