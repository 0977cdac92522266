#include "pipeline/decode/accept_rule.h"

#include <algorithm>

namespace tacho {
namespace {

// A scalar as one writes it in a job: a text without its quotes.
std::optional<std::string_view> Spelling(const JsonValue& value, Arena& arena) {
  switch (value.kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kFalse:
      return "false";
    case JsonKind::kTrue:
      return "true";
    case JsonKind::kNumber:
      return value.text();
    case JsonKind::kText:
    case JsonKind::kEscapedText:
      return PlainText(value, arena);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool AcceptRule::Takes(const JsonValue& value, Arena& arena) const {
  const std::optional<std::string_view> found = Spelling(value, arena);
  const bool listed =
      found.has_value() &&
      std::ranges::find(source_.values, *found) != source_.values.end();
  return listed == source_.takes_listed;
}

}  // namespace tacho
