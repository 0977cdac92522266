#include "pipeline/decode/template_learner.h"

#include <algorithm>

#include "pipeline/decode/json_scalars.h"
#include "pipeline/decode/scan_plan.h"

namespace tacho {

void TemplateLearner::Learn(std::string_view text, const uint32_t* token,
                            const uint32_t* tokens_end) {
  Start(text);
  if (!Context(before_)) return;
  for (; token != tokens_end; ++token) {
    const size_t next =
        token + 1 == tokens_end ? text.size() : size_t{token[1]};
    if (!Token(*token, next)) return;
  }
  AddLiteral(text.size(), TemplateGraph::Slot::kEnd);
}

void TemplateLearner::Start(std::string_view text) {
  text_ = text;
  levels_.clear();
  met_.clear();
  wanted_ = JsonPaths::kNone;
  name_is_next_ = false;
  begin_ = 0;
  opened_.clear();
  from_ = graph_.start();
}

bool TemplateLearner::Token(size_t at, size_t next) {
  switch (text_[at]) {
    case '{':
    case '[':
      return Open(text_[at]);
    case '}':
    case ']':
      levels_.pop_back();
      name_is_next_ = false;
      return true;
    case ',':
      name_is_next_ = levels_.back().is_object;
      wanted_ = JsonPaths::kNone;
      return true;
    case ':':
      return true;
    default:
      return name_is_next_ ? Name(at, next) : Scalar(at, next);
  }
}

bool TemplateLearner::Open(char bracket) {
  const bool is_object = bracket == '{';
  if (wanted_ != JsonPaths::kNone) {
    if (!is_object && (paths_.has_children(wanted_) ||
                       paths_.each_of(wanted_) != ScanPlan::kMessage)) {
      return false;
    }
    opened_.emplace_back(wanted_,
                         is_object ? JsonKind::kObject : JsonKind::kArray);
  }
  levels_.push_back({is_object, wanted_});
  name_is_next_ = is_object;
  wanted_ = JsonPaths::kNone;
  return true;
}

bool TemplateLearner::Name(size_t at, size_t next) {
  name_is_next_ = false;
  const std::string_view name =
      text_.substr(at + 1, ClosingQuote(next) - at - 1);
  if (name.find('\\') != std::string_view::npos) return false;
  const JsonPaths::Node parent = levels_.back().node;
  // The root's node is also that of what nobody wants.
  if (levels_.size() > 1 && parent == JsonPaths::kNone) return true;
  wanted_ = paths_.FindKey(parent, name);
  if (wanted_ == JsonPaths::kNone) return true;
  if (std::ranges::find(met_, wanted_) != met_.end()) return false;
  met_.push_back(wanted_);
  return true;
}

bool TemplateLearner::Scalar(size_t at, size_t next) {
  const bool is_text = text_[at] == '"';
  if (is_text) {
    if (!AddLiteral(at + 1, TemplateGraph::Slot::kText)) return false;
    begin_ = ClosingQuote(next);
  } else {
    if (!AddLiteral(at, TemplateGraph::Slot::kScalar)) return false;
    begin_ = next;
    while (IsJsonSpace(text_[begin_ - 1])) --begin_;
  }
  wanted_ = JsonPaths::kNone;
  return true;
}

bool TemplateLearner::AddLiteral(size_t end, TemplateGraph::Slot slot) {
  TemplateGraph::Literal literal;
  literal.bytes = text_.substr(begin_, end - begin_);
  literal.before = before_;
  literal.slot = slot;
  literal.wanted = wanted_;
  literal.opened = opened_;
  if (!Context(literal.after)) return false;
  from_ = graph_.Add(from_, literal);
  before_ = literal.after;
  opened_.clear();
  return from_ != nullptr;
}

bool TemplateLearner::Context(uint32_t& context) {
  key_.clear();
  for (const Level& level : levels_) {
    key_ += level.is_object ? '{' : '[';
    key_ += std::to_string(level.node);
  }
  return graph_.FindContext(key_, context);
}

size_t TemplateLearner::ClosingQuote(size_t next) const {
  size_t close = next;
  while (text_[--close] != '"') {
  }
  return close;
}

}  // namespace tacho
