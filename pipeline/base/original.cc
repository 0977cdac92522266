#include "pipeline/base/original.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tacho {
namespace {

// Room for the headers that say that something was cut.
constexpr size_t kTruncationBytes = 128;

}  // namespace

OriginalWriter::OriginalWriter(Source source, size_t limit)
    : source_(std::move(source)), limit_(limit) {}

void OriginalWriter::Add(std::string_view name, int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  Add(name, std::string_view(digits, static_cast<size_t>(end - digits)));
}

void OriginalWriter::Write(OutputBuffer& out, SinkId sink, uint64_t cause,
                           const Message& message) {
  Add("tacho.topic", source_.topic);
  Add("tacho.partition", source_.partition);
  if (message.offset != kNoOffset) {
    Add("tacho.offset", message.offset);
    Add("tacho.timestamp", ToEpochMillis(message.log_time));
  }
  Add("tacho.job", source_.job);
  if (message.headers_dropped > 0) {
    Add("tacho.headers_dropped", message.headers_dropped);
  }
  headers_.clear();
  AppendSenderHeaders(headers_, message.headers);
  const size_t taken =
      headers_.size() + added_.size() + kMessageFraming + kTruncationBytes;
  const size_t room = limit_ - std::min(limit_, taken);
  const std::string_view key = message.key.substr(0, room);
  const std::string_view value = message.value.substr(0, room - key.size());
  const size_t original = message.key.size() + message.value.size();
  if (key.size() + value.size() < original) {
    Add("tacho.truncated", "true");
    Add("tacho.original_size", static_cast<int64_t>(original));
  }
  headers_.insert(headers_.end(), added_.begin(), added_.end());

  out.Begin(sink, cause, message.log_time);
  out.Append(key);
  out.EndKey(message.key.data() == nullptr);
  out.Append(value);
  out.EndValue(message.value.data() == nullptr);
  out.AddHeaders({headers_.data(), headers_.size()});
  out.End();
}

}  // namespace tacho
