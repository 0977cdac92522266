#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/json_found.h"
#include "pipeline/decode/json_scalars.h"
#include "pipeline/decode/record_writer.h"
#include "pipeline/decode/refused.h"

namespace tacho {

// What the signals of a record must be, and how a value as it was found becomes
// a cell: type, unit, bounds, text for numbers, on_bad, required.
//
// Threading: immutable.
// Limits: allocates nothing but from the batch's arena.
class SignalRules {
 public:
  explicit SignalRules(const DecoderConfig& config);

  size_t size() const { return rules_.size(); }
  // Signals that no record may lack.
  const std::vector<size_t>& required() const { return required_; }

  // Makes `value` the cell of `signal` in the writer's record. A bad value is
  // refused, or makes the cell invalid, as the signal's on_bad says.
  Refused Read(size_t signal, const JsonValue& value,
               RecordWriter& writer) const {
    const Rule& rule = rules_[signal];
    // The usual values, which are good.
    if (value.kind == JsonKind::kNumber && rule.type == SignalType::kDouble)
        [[likely]] {
      double inside = 0;
      if (ToCanonical(rule, value, inside)) [[likely]] {
        writer.SetDouble(signal, inside);
        return std::nullopt;
      }
    } else if (value.kind == JsonKind::kAbsent) {
      if (!rule.required) return std::nullopt;
    } else if (rule.type == SignalType::kBool &&
               (value.kind == JsonKind::kTrue ||
                value.kind == JsonKind::kFalse)) {
      writer.SetBool(signal, value.kind == JsonKind::kTrue);
      return std::nullopt;
    }
    return ReadOther(signal, value, writer);
  }

  // A value of `signal` should be there, and nothing is: as bad as a wrong
  // type.
  Refused ReadNothing(size_t signal, RecordWriter& writer) const {
    return OnBadValue(rules_[signal], signal, RejectReason::kMissingField,
                      writer);
  }

  // Says in `site` what is wrong with the value of `signal` found at `path`.
  void Note(size_t signal, const JsonValue& value, std::string_view path,
            RejectReason reason, RejectSite& site) const;

 private:
  // The bounds are finite, so that what is not is out of range.
  struct Rule {
    SignalType type;
    bool required;
    bool allow_string;
    OnBad on_bad;
    Unit unit;
    double min;
    double max;
    int64_t whole_min;  // Of an int64.
    int64_t whole_max;
  };

  // False: out of range, also what a conversion takes to infinity.
  static bool ToCanonical(const Rule& rule, const JsonValue& number,
                          double& inside) {
    if (number.whole == 0) [[unlikely]] {
      return ToCanonical(rule, number.text(), inside);
    }
    const bool negative = *number.data == '-';
    const double sent = PlainDouble(number.data + (negative ? 1 : 0),
                                    number.whole, number.fraction);
    inside = rule.unit.ToCanonical(negative ? -sent : sent);
    return inside >= rule.min && inside <= rule.max;
  }
  static bool ToCanonical(const Rule& rule, std::string_view number,
                          double& inside) {
    const std::optional<double> sent = ToDouble(number);
    if (!sent.has_value()) return false;
    inside = rule.unit.ToCanonical(*sent);
    return inside >= rule.min && inside <= rule.max;
  }
  Refused ReadOther(size_t signal, const JsonValue& value,
                    RecordWriter& writer) const;
  // Sets the cell from a value that is there.
  Refused ReadValue(const Rule& rule, size_t signal, const JsonValue& value,
                    RecordWriter& writer) const;
  static Refused ReadBool(size_t signal, const JsonValue& value,
                          RecordWriter& writer);
  static Refused ReadDouble(const Rule& rule, size_t signal,
                            std::string_view number, RecordWriter& writer);
  static Refused ReadInt64(const Rule& rule, size_t signal,
                           std::string_view number, RecordWriter& writer);
  Refused ReadString(size_t signal, const JsonValue& value,
                     RecordWriter& writer) const;
  static Refused OnBadValue(const Rule& rule, size_t signal,
                            RejectReason reason, RecordWriter& writer);

  std::vector<Rule> rules_;
  std::vector<size_t> required_;
  std::vector<std::string> ranges_;  // What is said to people, by signal.
  const size_t string_bytes_;
};

}  // namespace tacho
