#include "operators/emitter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "pipeline/base/check.h"

namespace tacho {

namespace {

// Longest text of an int64, a shortest double, or a time with quotes.
constexpr size_t kMaxNumberBytes = 48;

// What follows the backslash: 0 for bytes that are written as they are, 'u'
// for those without a short form.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();

char* Copy(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// Decimal digits, at least `width`, zero padded.
char* Digits(int64_t value, int width, char* out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  for (auto size = end - digits; size < width; ++size) *out++ = '0';
  return Copy({digits, static_cast<size_t>(end - digits)}, out);
}

// RFC 3339 has four digits for the year.
constexpr Timestamp kFirstIso = FromEpochMillis(-62167219200000);
constexpr Timestamp kPastIso = FromEpochMillis(253402300800000);

// 2025-10-11T12:13:14.015Z. REQUIRES: kFirstIso <= value < kPastIso.
char* Iso8601(Timestamp value, char* out) {
  const auto day = std::chrono::floor<std::chrono::days>(value);
  const std::chrono::year_month_day date(day);
  const int64_t ms = (value - day).count();
  out = Digits(int{date.year()}, 4, out);
  *out++ = '-';
  out = Digits(unsigned{date.month()}, 2, out);
  *out++ = '-';
  out = Digits(unsigned{date.day()}, 2, out);
  *out++ = 'T';
  out = Digits(ms / 3600000, 2, out);
  *out++ = ':';
  out = Digits(ms / 60000 % 60, 2, out);
  *out++ = ':';
  out = Digits(ms / 1000 % 60, 2, out);
  *out++ = '.';
  out = Digits(ms % 1000, 3, out);
  *out++ = 'Z';
  return out;
}

}  // namespace

char* EscapeJson(std::string_view value, char* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const char escape = kEscapes[byte];
    if (escape == 0) {
      *out++ = c;
      continue;
    }
    *out++ = '\\';
    *out++ = escape;
    if (escape != 'u') continue;
    *out++ = '0';
    *out++ = '0';
    *out++ = kHex[byte >> 4];
    *out++ = kHex[byte & 15];
  }
  return out;
}

Emitter::Emitter(OutputOptions options, std::vector<OutputField> fields,
                 const LaneState& state, LaneMetrics& metrics)
    : options_(std::move(options)), state_(state), metrics_(metrics) {
  for (const OutputField& field : fields) {
    std::vector<char> name(field.name.size() * kMaxEscape);
    const char* const end = EscapeJson(field.name, name.data());
    std::string prefix = prefixes_.empty() ? "{\"" : ",\"";
    prefix.append(name.data(), static_cast<size_t>(end - name.data()));
    prefixes_.push_back(prefix + "\":");
    types_.push_back(field.type);
  }
}

void Emitter::SetTarget(OutputBuffer* out, const Batch* batch,
                        uint64_t first_cause) {
  out_ = out;
  batch_ = batch;
  first_cause_ = first_cause;
}

void Emitter::Begin(int64_t row, VehicleIndex vehicle) {
  field_ = 0;
  row_size_ = 0;
  if (!options_.sink.has_value()) return;
  uint64_t cause = first_cause_;
  Timestamp log_time = kNoLogTime;
  if (row >= 0) {
    DCHECK(batch_ != nullptr);
    const auto at = static_cast<size_t>(row);
    cause += at;
    log_time = batch_->messages[batch_->message_index[at]].log_time;
  }
  out_->Begin(*options_.sink, cause, log_time);
  out_->Append(state_.VehicleId(vehicle));
  out_->EndKey();
}

// Writes the next field's name and makes room for its value.
char* Emitter::Field(FieldType type, size_t value_bytes) {
  DCHECK(field_ < prefixes_.size());
  DCHECK(types_[field_] == type);
  (void)type;
  const std::string& prefix = prefixes_[field_++];
  const size_t needed = row_size_ + prefix.size() + value_bytes;
  if (needed > row_.size()) row_.resize(std::max(needed, row_.size() * 2));
  return Copy(prefix, row_.data() + row_size_);
}

void Emitter::Text(std::string_view value) {
  char* out = Field(FieldType::kText, value.size() * kMaxEscape + 2);
  *out++ = '"';
  out = EscapeJson(value, out);
  *out++ = '"';
  row_size_ = static_cast<size_t>(out - row_.data());
}

void Emitter::Int(int64_t value) {
  char* const out = Field(FieldType::kInt64, kMaxNumberBytes);
  const auto end = std::to_chars(out, out + kMaxNumberBytes, value).ptr;
  row_size_ = static_cast<size_t>(end - row_.data());
}

void Emitter::Double(double value) {
  if (!std::isfinite(value)) return Null();
  char* const out = Field(FieldType::kDouble, kMaxNumberBytes);
  const auto end = std::to_chars(out, out + kMaxNumberBytes, value).ptr;
  row_size_ = static_cast<size_t>(end - row_.data());
}

void Emitter::Bool(bool value) {
  char* const out = Field(FieldType::kBool, kMaxNumberBytes);
  const char* const end = Copy(value ? "true" : "false", out);
  row_size_ = static_cast<size_t>(end - row_.data());
}

void Emitter::Time(Timestamp value) {
  char* out = Field(FieldType::kTime, kMaxNumberBytes);
  if (options_.time_format == TimeFormat::kEpochMillis || value < kFirstIso ||
      value >= kPastIso) {
    out = std::to_chars(out, out + kMaxNumberBytes, ToEpochMillis(value)).ptr;
  } else {
    *out++ = '"';
    out = Iso8601(value, out);
    *out++ = '"';
  }
  row_size_ = static_cast<size_t>(out - row_.data());
}

void Emitter::Null() {
  DCHECK(field_ < types_.size());
  char* const out = Field(types_[field_], kMaxNumberBytes);
  const char* const end = Copy("null", out);
  row_size_ = static_cast<size_t>(end - row_.data());
}

void Emitter::End() {
  DCHECK(field_ == prefixes_.size());
  metrics_.outputs.Add(1);
  if (!options_.sink.has_value()) return;
  out_->Append({row_.data(), row_size_});
  out_->bytes().push_back('}');
  out_->EndValue();
  out_->End();
}

void Emitter::AddNumber(std::string_view name, int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out_->AddHeader(name, {digits, static_cast<size_t>(end - digits)});
}

void Emitter::Late(size_t row, Timestamp window_start, Timestamp window_end) {
  metrics_.late.Add(1);
  if (!options_.late_sink.has_value()) return;
  DCHECK(batch_ != nullptr);
  const Message& message = batch_->messages[batch_->message_index[row]];
  out_->Begin(*options_.late_sink, first_cause_ + row, message.log_time);
  out_->AppendOriginal(message.key, message.value, options_.late_bytes);
  out_->AddHeader("tacho.stream", options_.stream);
  AddNumber("tacho.window_start", ToEpochMillis(window_start));
  AddNumber("tacho.window_end", ToEpochMillis(window_end));
  out_->AddHeader("tacho.topic", options_.topic);
  AddNumber("tacho.partition", options_.partition);
  AddNumber("tacho.offset", message.offset);
  AddNumber("tacho.timestamp", ToEpochMillis(message.log_time));
  out_->AddHeader("tacho.job", options_.job);
  out_->AddTruncation(message.key.size() + message.value.size());
  out_->End();
}

}  // namespace tacho
