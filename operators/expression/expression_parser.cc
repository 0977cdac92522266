#include <cctype>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "operators/expression/expression_tree.h"
#include "pipeline/base/suggestion.h"
#include "pipeline/base/units.h"
#include "pipeline/base/utf8.h"

namespace tacho {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsName(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsUnit(char c) {
  return IsName(c) || c == '/' || c == '^' || c == '%' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr size_t kMaxUnitBytes = 32;

NodePtr MakeNode(NodeKind kind, size_t begin, size_t end) {
  auto node = std::make_unique<ExpressionNode>();
  node->kind = kind;
  node->begin = begin;
  node->end = end;
  return node;
}

// Recursive descent, one method per level of precedence. The first error
// stops it: every method returns nullptr from then on.
class Parser {
 public:
  Parser(std::string_view text, ExpressionError& error)
      : text_(text), error_(error) {}

  NodePtr Parse() {
    if (text_.size() > kMaxExpressionBytes) {
      return Fail(
          0, "longer than " + std::to_string(kMaxExpressionBytes) + " bytes");
    }
    NodePtr root = Or();
    if (root == nullptr) return nullptr;
    SkipSpace();
    if (at_ < text_.size()) return Unexpected("an operator");
    return root;
  }

 private:
  NodePtr Fail(size_t at, std::string message) {
    error_ = {at, std::move(message)};
    return nullptr;
  }

  // Names what stands at the cursor instead of `expected`.
  NodePtr Unexpected(const std::string& expected) {
    SkipSpace();
    if (at_ >= text_.size()) {
      return Fail(at_,
                  "the expression ends where " + expected + " is expected");
    }
    if (text_[at_] == '=') return Fail(at_, "\"=\": write == to compare");
    size_t end = at_ + 1;
    if (IsName(text_[at_])) {
      while (end < text_.size() && IsName(text_[end])) ++end;
    }
    // A code point is never cut in two.
    while (end < text_.size() && IsUtf8Continuation(text_[end])) ++end;
    return Fail(at_, Quoted(text_.substr(at_, end - at_)) + " where " +
                         expected + " is expected");
  }

  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }

  bool Take(std::string_view symbol) {
    SkipSpace();
    if (text_.substr(at_, symbol.size()) != symbol) return false;
    at_ += symbol.size();
    return true;
  }

  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (PeekName() != word) return false;
    at_ += word.size();
    return true;
  }

  // Dots are part of a name, so that nested signals can be named after their
  // path.
  std::string_view PeekName() const {
    if (at_ >= text_.size() || !IsNameStart(text_[at_])) return {};
    size_t end = at_ + 1;
    while (end < text_.size() && (IsName(text_[end]) || text_[end] == '.')) {
      ++end;
    }
    return text_.substr(at_, end - at_);
  }

  static bool IsKeyword(std::string_view word) {
    return word == "and" || word == "or" || word == "not" || word == "true" ||
           word == "false";
  }

  // left op right op right ...
  NodePtr Join(NodeKind kind, NodePtr left, NodePtr right) {
    if (right == nullptr) return nullptr;
    NodePtr node = MakeNode(kind, left->begin, right->end);
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    return node;
  }

  NodePtr Or() {
    NodePtr left = And();
    while (left != nullptr && (Take("||") || TakeWord("or"))) {
      left = Join(NodeKind::kOr, std::move(left), And());
    }
    return left;
  }

  NodePtr And() {
    NodePtr left = Not();
    while (left != nullptr && (Take("&&") || TakeWord("and"))) {
      left = Join(NodeKind::kAnd, std::move(left), Not());
    }
    return left;
  }

  // `not a == b` is not (a == b), as in Python; `!a` binds the same.
  NodePtr Not() {
    SkipSpace();
    const size_t begin = at_;
    const bool is_not =
        TakeWord("not") || (text_.substr(at_, 2) != "!=" && Take("!"));
    if (!is_not) return Comparison();
    const Nesting nesting(*this);
    if (!nesting.ok()) return TooDeep(begin);
    NodePtr operand = Not();
    if (operand == nullptr) return nullptr;
    NodePtr node = MakeNode(NodeKind::kNot, begin, operand->end);
    node->children.push_back(std::move(operand));
    return node;
  }

  bool TakeComparison(CompareOp& op) {
    if (Take("==")) return op = CompareOp::kEq, true;
    if (Take("!=")) return op = CompareOp::kNe, true;
    if (Take("<=")) return op = CompareOp::kLe, true;
    if (Take(">=")) return op = CompareOp::kGe, true;
    if (Take("<")) return op = CompareOp::kLt, true;
    if (Take(">")) return op = CompareOp::kGt, true;
    return false;
  }

  NodePtr Comparison() {
    NodePtr left = Sum();
    CompareOp op;
    if (left == nullptr || !TakeComparison(op)) return left;
    NodePtr node = Join(NodeKind::kCompare, std::move(left), Sum());
    if (node == nullptr) return nullptr;
    node->compare = op;
    SkipSpace();
    const size_t again = at_;
    if (TakeComparison(op)) {
      return Fail(again, "comparisons do not chain: write a < b and b < c");
    }
    return node;
  }

  NodePtr Sum() {
    NodePtr left = Product();
    while (left != nullptr) {
      if (Take("+")) {
        left = Join(NodeKind::kAdd, std::move(left), Product());
      } else if (Take("-")) {
        left = Join(NodeKind::kSubtract, std::move(left), Product());
      } else {
        break;
      }
    }
    return left;
  }

  NodePtr Product() {
    NodePtr left = Sign();
    while (left != nullptr) {
      if (Take("*")) {
        left = Join(NodeKind::kMultiply, std::move(left), Sign());
      } else if (Take("/")) {
        left = Join(NodeKind::kDivide, std::move(left), Sign());
      } else {
        break;
      }
    }
    return left;
  }

  NodePtr Sign() {
    SkipSpace();
    const size_t begin = at_;
    if (!Take("-")) return Primary();
    SkipSpace();
    // The sign belongs to the number: -40 °F is a temperature, not the
    // negative of one.
    if (AtNumber()) return Number(begin, true);
    const Nesting nesting(*this);
    if (!nesting.ok()) return TooDeep(begin);
    NodePtr operand = Sign();
    if (operand == nullptr) return nullptr;
    NodePtr node = MakeNode(NodeKind::kNegate, begin, operand->end);
    node->children.push_back(std::move(operand));
    return node;
  }

  bool AtNumber() const {
    if (at_ >= text_.size()) return false;
    return IsDigit(text_[at_]) ||
           (text_[at_] == '.' && at_ + 1 < text_.size() &&
            IsDigit(text_[at_ + 1]));
  }

  NodePtr Primary() {
    SkipSpace();
    if (AtNumber()) return Number(at_, false);
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      return Text();
    }
    if (at_ < text_.size() && text_[at_] == '(') return Parenthesis();
    const std::string_view name = PeekName();
    if (name.empty() || name == "and" || name == "or" || name == "not") {
      return Unexpected("a value");
    }
    const size_t begin = at_;
    at_ += name.size();
    SkipSpace();
    if (at_ < text_.size() && text_[at_] == '(') return Call(begin, name);
    NodePtr node = MakeNode(NodeKind::kSignal, begin, begin + name.size());
    if (name == "true" || name == "false") {
      node->kind = NodeKind::kTruth;
      node->truth = name == "true";
    } else {
      node->text = name;
    }
    return node;
  }

  NodePtr Parenthesis() {
    const size_t begin = at_++;
    const Nesting nesting(*this);
    if (!nesting.ok()) return TooDeep(begin);
    NodePtr inner = Or();
    if (inner == nullptr) return nullptr;
    if (!Take(")")) return Unexpected("\")\"");
    inner->begin = begin;
    inner->end = at_;
    return inner;
  }

  NodePtr Call(size_t begin, std::string_view name) {
    NodeKind kind;
    if (name == "abs") {
      kind = NodeKind::kAbs;
    } else if (name == "min") {
      kind = NodeKind::kMin;
    } else if (name == "max") {
      kind = NodeKind::kMax;
    } else {
      return Fail(begin, "unknown function " + Quoted(name) +
                             Suggest(name, {"abs", "max", "min"}, '"'));
    }
    const Nesting nesting(*this);
    if (!nesting.ok()) return TooDeep(begin);
    ++at_;
    NodePtr node = MakeNode(kind, begin, at_);
    do {
      NodePtr argument = Or();
      if (argument == nullptr) return nullptr;
      node->children.push_back(std::move(argument));
    } while (Take(","));
    if (!Take(")")) return Unexpected("\",\" or \")\"");
    node->end = at_;
    if (kind == NodeKind::kAbs && node->children.size() != 1) {
      return Fail(begin, "abs takes one argument");
    }
    return node;
  }

  NodePtr Text() {
    const size_t begin = at_;
    const char quote = text_[at_];
    const size_t close = text_.find(quote, at_ + 1);
    if (close == std::string_view::npos) {
      return Fail(begin, "the text is not closed");
    }
    at_ = close + 1;
    NodePtr node = MakeNode(NodeKind::kText, begin, at_);
    node->text = text_.substr(begin + 1, close - begin - 1);
    return node;
  }

  NodePtr Number(size_t begin, bool negative) {
    NodePtr node = MakeNode(NodeKind::kNumber, begin, at_);
    const char* const first = text_.data() + at_;
    const char* const last = text_.data() + text_.size();
    const auto parsed = std::from_chars(first, last, node->number);
    if (parsed.ec != std::errc()) {
      return Fail(begin, "the number is out of range");
    }
    const auto whole = std::from_chars(first, last, node->integer);
    // 12.000 is as whole as 12.
    const std::string_view rest(whole.ptr, parsed.ptr);
    node->is_integer =
        whole.ec == std::errc() && rest.find_first_not_of(".0") == rest.npos;
    if (negative) {
      node->number = -node->number;
      node->integer = -node->integer;  // Never INT64_MIN: no sign was read.
    }
    at_ += static_cast<size_t>(parsed.ptr - first);
    node->end = at_;
    return UnitOf(std::move(node));
  }

  // The longest known unit after a number. What looks like a unit and is none
  // is an error here: nothing else may follow a number without an operator.
  NodePtr UnitOf(NodePtr node) {
    const size_t after = at_;
    SkipSpace();
    size_t end = at_;
    while (end < text_.size() && end - at_ < kMaxUnitBytes &&
           IsUnit(text_[end])) {
      ++end;
    }
    const std::string_view run = text_.substr(at_, end - at_);
    if (run.empty() || run[0] == '/' || run[0] == '^' ||
        IsKeyword(PeekName())) {
      at_ = after;
      return node;
    }
    for (size_t size = run.size(); size > 0; --size) {
      const bool cut = at_ + size < text_.size() && IsName(run[size - 1]) &&
                       IsName(text_[at_ + size]);
      if (cut) continue;
      node->unit = FindUnit(run.substr(0, size));
      if (node->unit == nullptr) continue;
      at_ += size;
      node->end = at_;
      return node;
    }
    return Fail(at_, UnknownUnit(run));
  }

  NodePtr TooDeep(size_t at) {
    return Fail(at, "nested deeper than " +
                        std::to_string(kMaxExpressionDepth) + " levels");
  }

  // Counts levels of nesting while it lives.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    bool ok() const { return parser_.depth_ <= kMaxExpressionDepth; }

   private:
    Parser& parser_;
  };

  std::string_view text_;
  ExpressionError& error_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

}  // namespace

NodePtr ParseExpression(std::string_view text, ExpressionError& error) {
  return Parser(text, error).Parse();
}

}  // namespace tacho
