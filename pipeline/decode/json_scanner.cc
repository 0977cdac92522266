#include "pipeline/decode/json_scanner.h"

#include <algorithm>
#include <cstring>

#include "pipeline/base/check.h"
#include "pipeline/base/json_escape.h"
#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_scalars.h"

namespace tacho {
namespace {

// Whether brackets outside strings nest deeper than `limit` anywhere.
bool NestsDeeper(std::string_view text, size_t limit) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// Says what is wrong with a text that is known to be no valid document.
RejectReason Classify(std::string_view text, size_t depth_limit) {
  if (!IsUtf8(text)) return RejectReason::kInvalidUtf8;
  if (NestsDeeper(text, depth_limit)) return RejectReason::kTooDeep;
  return RejectReason::kUnparsableJson;
}

}  // namespace

// One document's second stage: a token automaton over the index.
//
// Every method that consumes tokens returns false if the document is invalid.
// The bytes after the document are another message's: no verdict may rest on
// them, so a token is read only while `next_ < end_`, and the last token of a
// valid object, its brace, is never a scalar.
class JsonScanner::Walk {
 public:
  Walk(JsonScanner& scanner, std::string_view text)
      : scanner_(scanner),
        paths_(scanner.paths_),
        text_(text.data()),
        text_end_(text.data() + text.size()),
        next_(scanner.index_.begin()),
        end_(scanner.index_.end()),
        escapes_(std::memchr(text_, '\\', text.size()) != nullptr) {}

  // The document is an object.
  bool Object() {
    return text_[*next_] == '{' && (++next_, Members(JsonPaths::kRoot)) &&
           next_ == end_;
  }
  // The document is valid, but something else.
  bool OtherRoot();

 private:
  // Where the next token is. The loops keep their own, in a register.
  using Cursor = const uint32_t*;

  // The members and the closing brace of an object at `node`.
  bool Members(JsonPaths::Node node);
  // The elements and the closing bracket of an array at `node`.
  bool Elements(JsonPaths::Node node);
  // The same of an array whose elements are read one by one.
  bool EachElement(size_t scope);
  void BeginRow(size_t scope);
  void EndRow(size_t scope, uint32_t parent);
  // Any value; kept if `node` is wanted.
  bool Value(JsonPaths::Node node, Cursor& next);
  // The rest of a container at `node`, after its bracket.
  bool Container(JsonPaths::Node node, char bracket);
  // The same where nothing is wanted.
  bool Skip(char bracket);
  // A scalar at `p`; `next` is the token after it.
  bool Scalar(const char* p, Cursor next, JsonValue& value);
  bool Text(const char* quote, Cursor next, JsonValue& value);
  bool Number(const char* p, JsonValue& value);
  // A member's name and colon.
  bool Name(Cursor& next, std::string_view& name);

  bool Open(char bracket) {
    if (depth_ == scanner_.limits_.depth) return false;
    uint64_t& word = scanner_.brackets_[depth_ / 64];
    const uint64_t bit = uint64_t{1} << (depth_ % 64);
    word = bracket == '{' ? word | bit : word & ~bit;
    ++depth_;
    return true;
  }
  bool InObject() const {
    const size_t level = depth_ - 1;
    return (scanner_.brackets_[level / 64] >> (level % 64)) & 1;
  }
  char Closer() const { return InObject() ? '}' : ']'; }
  bool IsAt(Cursor next, char c) const {
    return next != end_ && text_[*next] == c;
  }

  JsonScanner& scanner_;
  const JsonPaths& paths_;
  const char* const text_;
  const char* const text_end_;
  Cursor next_;
  const Cursor end_;
  const bool escapes_;  // There is a backslash somewhere.
  size_t depth_ = 0;
};

inline bool JsonScanner::Walk::Text(const char* quote, Cursor next,
                                    JsonValue& value) {
  // Between the closing quote and the next token there is white space only.
  const char* close = next == end_ ? text_end_ : text_ + *next;
  do {
    --close;
  } while (*close != '"');
  value.data = quote + 1;
  value.size = static_cast<uint32_t>(close - quote - 1);
  value.kind = JsonKind::kText;
  if (!escapes_) [[likely]] {
    return true;
  }
  if (value.text().find('\\') == std::string_view::npos) return true;
  value.kind = JsonKind::kEscapedText;
  return JsonEscapesAreValid(value.text());
}

inline bool JsonScanner::Walk::Number(const char* p, JsonValue& value) {
  NumberParts parts;
  value.size = static_cast<uint32_t>(NumberToken(p, text_end_, parts));
  value.kind = JsonKind::kNumber;
  value.whole = static_cast<uint8_t>(parts.whole);
  value.fraction = static_cast<uint8_t>(parts.fraction);
  return value.size != 0;
}

[[gnu::always_inline]] inline bool JsonScanner::Walk::Scalar(const char* p,
                                                             Cursor next,
                                                             JsonValue& value) {
  switch (*p) {
    case '"':
      return Text(p, next, value);
    case 't':
      value.kind = JsonKind::kTrue;
      return LiteralToken(p, "true") != 0;
    case 'f':
      value.kind = JsonKind::kFalse;
      return LiteralToken(p, "false") != 0;
    case 'n':
      value.kind = JsonKind::kNull;
      return LiteralToken(p, "null") != 0;
    default:
      value.data = p;
      return Number(p, value);
  }
}

[[gnu::always_inline]] inline bool JsonScanner::Walk::Name(
    Cursor& next, std::string_view& name) {
  // A name, a colon, a value and what follows it.
  if (end_ - next < 4) return false;
  const char* const quote = text_ + next[0];
  if (*quote != '"' || text_[next[1]] != ':') return false;
  JsonValue value;
  const bool ok = Text(quote, next + 1, value);
  next += 2;
  name = value.text();
  if (value.kind == JsonKind::kEscapedText && ok) [[unlikely]] {
    std::string& key = scanner_.key_;
    if (key.size() < name.size() + 16) key.resize(name.size() + 16);
    name = {key.data(), UnescapeJson(name, key.data())};
  }
  return ok;
}

bool JsonScanner::Walk::Container(JsonPaths::Node node, char bracket) {
  if (node == JsonPaths::kNone) return Skip(bracket);
  scanner_.values_[node].kind =
      bracket == '{' ? JsonKind::kObject : JsonKind::kArray;
  if (bracket == '[' && paths_.each_of(node) != ScanPlan::kMessage) {
    return EachElement(paths_.each_of(node));
  }
  if (!paths_.has_children(node)) return Skip(bracket);
  return bracket == '{' ? Members(node) : Elements(node);
}

[[gnu::always_inline]] inline bool JsonScanner::Walk::Value(
    JsonPaths::Node node, Cursor& next) {
  if (next == end_) return false;
  const char* const p = text_ + *next++;
  if (*p == '{' || *p == '[') {
    next_ = next;
    const bool ok = Container(node, *p);
    next = next_;
    return ok;
  }
  JsonValue value;
  if (node == JsonPaths::kNone) {
    return (*p == '"' && !escapes_) || Scalar(p, next, value);
  }
  const bool ok = Scalar(p, next, value);
  scanner_.values_[node] = value;
  return ok;
}

bool JsonScanner::Walk::Members(JsonPaths::Node node) {
  if (!Open('{')) return false;
  Cursor next = next_;
  if (IsAt(next, '}')) {
    next_ = next + 1;
    --depth_;
    return true;
  }
  for (;;) {
    std::string_view name;
    if (!Name(next, name)) return false;
    JsonPaths::Node child = paths_.FindKey(node, name);
    if (child != JsonPaths::kNone &&
        scanner_.values_[child].kind != JsonKind::kAbsent) {
      child = JsonPaths::kNone;  // A duplicate.
    }
    if (!Value(child, next) || next == end_) return false;
    const char after = text_[*next++];
    if (after == ',') continue;
    next_ = next;
    --depth_;
    return after == '}';
  }
}

bool JsonScanner::Walk::Elements(JsonPaths::Node node) {
  if (!Open('[')) return false;
  Cursor next = next_;
  if (IsAt(next, ']')) {
    next_ = next + 1;
    --depth_;
    return true;
  }
  for (size_t index = 0;; ++index) {
    if (!Value(paths_.FindElement(node, index), next) || next == end_) {
      return false;
    }
    const char after = text_[*next++];
    if (after == ',') continue;
    next_ = next;
    --depth_;
    return after == ']';
  }
}

bool JsonScanner::Walk::EachElement(size_t scope) {
  if (!Open('[')) return false;
  Cursor next = next_;
  if (IsAt(next, ']')) {
    next_ = next + 1;
    --depth_;
    return true;
  }
  // The element around this array will be the next row of its scope.
  const auto parent = static_cast<uint32_t>(
      scanner_.rows_[scanner_.outer_[scope]].parents.size());
  for (;;) {
    BeginRow(scope);
    if (!Value(paths_.root_of(scope), next) || next == end_) return false;
    EndRow(scope, parent);
    const char after = text_[*next++];
    if (after == ',') continue;
    next_ = next;
    --depth_;
    return after == ']';
  }
}

void JsonScanner::Walk::BeginRow(size_t scope) {
  ++scanner_.elements_;
  std::fill_n(scanner_.values_.begin() + paths_.root_of(scope),
              paths_.size_of(scope), JsonValue());
}

void JsonScanner::Walk::EndRow(size_t scope, uint32_t parent) {
  if (scanner_.too_many_elements()) return;
  Rows& rows = scanner_.rows_[scope];
  const auto first = scanner_.values_.begin() + paths_.root_of(scope);
  rows.values.insert(
      rows.values.end(), first,
      first + static_cast<std::ptrdiff_t>(paths_.size_of(scope)));
  rows.parents.push_back(parent);
}

bool JsonScanner::Walk::Skip(char bracket) {
  const size_t outside = depth_;
  Cursor next = next_;
  JsonValue ignored;
  for (;;) {
    // 1. Into a container, unless it is empty: then its closer is next.
    const bool opens = bracket != 0;
    if (opens && !Open(bracket)) return false;
    bracket = 0;
    if (!opens || !IsAt(next, Closer())) {
      // 2. A member or an element.
      std::string_view name;
      if (InObject() && !Name(next, name)) return false;
      if (next == end_) return false;
      const char* const p = text_ + *next++;
      if (*p == '{' || *p == '[') {
        bracket = *p;
        continue;
      }
      if (!Scalar(p, next, ignored)) return false;
    }
    // 3. A comma, or the closers of all containers that end here.
    for (;;) {
      if (next == end_) return false;
      const char after = text_[*next++];
      if (after == ',') break;
      if (after != Closer()) return false;
      --depth_;
      if (depth_ == outside) {
        next_ = next;
        return true;
      }
    }
  }
}

bool JsonScanner::Walk::OtherRoot() {
  const char* const p = text_ + *next_++;
  if (*p == '[') return Skip('[') && next_ == end_;
  if (next_ != end_) return false;
  JsonValue value;
  if (*p == '"') return Text(p, next_, value);
  // The scalar is the last token: its end is that of the text.
  const char* last = text_end_;
  while (IsJsonSpace(last[-1])) --last;
  const std::string_view all(p, static_cast<size_t>(last - p));
  return all == "true" || all == "false" || all == "null" || IsJsonNumber(all);
}

JsonScanner::JsonScanner(const ScanPlan& plan, const JsonLimits& limits,
                         IndexRoute route)
    : limits_(limits),
      paths_(plan),
      index_(route, limits.bytes),
      values_(paths_.node_count()),
      brackets_(limits.depth / 64 + 1),
      rows_(paths_.scope_count()),
      outer_(paths_.scope_count()),
      templates_(paths_) {
  for (size_t i = 0; i < plan.arrays.size(); ++i) {
    outer_[i + 1] = plan.arrays[i].scope;
  }
}

JsonScanner::JsonScanner(const std::vector<std::string>& paths,
                         const JsonLimits& limits, IndexRoute route)
    : JsonScanner(ScanPlan::Of(paths), limits, route) {}

std::optional<RejectReason> JsonScanner::Scan(std::string_view text) {
  if (text.size() > limits_.bytes) return RejectReason::kTooLarge;
  std::fill(values_.begin(), values_.end(), JsonValue());
  for (size_t scope = 1; scope < rows_.size(); ++scope) {
    rows_[scope].values.clear();
    rows_[scope].parents.clear();
  }
  elements_ = 0;
  if (templates_.AreWorthATry()) [[likely]] {
    if (templates_.Match(text, values_.data())) [[likely]] {
      return std::nullopt;
    }
    std::fill(values_.begin(), values_.end(), JsonValue());
  }
  if (!text.empty() && index_.Build(text)) {
    if (Walk(*this, text).Object()) [[likely]] {
      templates_.Learn(text, index_.begin(), index_.end());
      return std::nullopt;
    }
    if (text[*index_.begin()] != '{' && Walk(*this, text).OtherRoot()) {
      return RejectReason::kNotAnObject;
    }
  }
  return Classify(text, limits_.depth);
}

}  // namespace tacho
