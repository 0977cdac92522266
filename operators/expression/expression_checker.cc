#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/expression/expression_tree.h"
#include "pipeline/base/suggestion.h"
#include "pipeline/base/units.h"

namespace tacho {

namespace {

std::string Describe(const ExpressionNode& node) {
  if (node.type == ValueType::kTruth) return "a condition (true or false)";
  if (node.type == ValueType::kText) return "a text";
  if (node.any_dimension) return "a bare number";
  if (node.dimension == Dimension::kNone) return "a number without a unit";
  return "a quantity of " + std::string(DimensionName(node.dimension)) + " (" +
         std::string(CanonicalUnit(node.dimension)) + ")";
}

// A literal on a scale whose zero is not zero (°F), or what abs, min or max
// made of some: a point, which cannot be added or multiplied.
bool IsOffsetLiteral(const ExpressionNode& node) {
  return node.kind == NodeKind::kNumber && node.feed_unit != nullptr &&
         node.feed_unit->zero != 0;
}

// A temperature that is measured, not written: what is written in degrees
// Celsius can be a point as well as a difference.
bool IsMeasuredPoint(const ExpressionNode& node) {
  return node.dimension == Dimension::kTemperature && !node.difference &&
         node.kind != NodeKind::kNumber;
}

// Whether a sum, or what it is built like, is a difference of temperatures.
bool IsDifference(const ExpressionNode& node) {
  const auto& parts = node.children;
  if (node.kind == NodeKind::kSubtract && IsMeasuredPoint(*parts[1])) {
    return !parts[0]->difference;
  }
  const auto is_difference = [](const NodePtr& part) {
    return part->difference;
  };
  return std::any_of(parts.begin(), parts.end(), is_difference) &&
         std::none_of(parts.begin(), parts.end(), [](const NodePtr& part) {
           return IsMeasuredPoint(*part);
         });
}

// The first signal in `node` that is sent in `unit`, "" if there is none.
std::string SignalIn(const ExpressionNode& node, const Unit* unit) {
  if (node.kind == NodeKind::kSignal && node.feed_unit == unit) {
    return node.text;
  }
  for (const NodePtr& child : node.children) {
    std::string signal = SignalIn(*child, unit);
    if (!signal.empty()) return signal;
  }
  return "";
}

// "10 celsius", with the quotes.
std::string InCelsius(double degrees) {
  constexpr int kDigits = 6;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, degrees,
                                 std::chars_format::general, kDigits)
                       .ptr;
  return Quoted(std::string(&text[0], end) + " " +
                std::string(CanonicalUnit(Dimension::kTemperature)));
}

// How to write a bare `number` as a difference beside what is sent in `unit`.
std::string DifferenceSpellings(double number, const Unit& unit) {
  std::string text =
      "a difference is written in celsius: write " + InCelsius(number);
  if (unit.factor == unit.divisor) return text;
  return text + ", or " + InCelsius(number * unit.factor / unit.divisor) +
         " if degrees of " + std::string(unit.name) + " were meant";
}

double Fold(NodeKind kind, double a, double b) {
  switch (kind) {
    case NodeKind::kAdd:
      return a + b;
    case NodeKind::kSubtract:
      return a - b;
    case NodeKind::kMultiply:
      return a * b;
    case NodeKind::kDivide:
      return a / b;
    case NodeKind::kMin:
      return b < a ? b : a;
    default:
      return b > a ? b : a;
  }
}

class Checker {
 public:
  Checker(const SignalSchema& schema, ExpressionError& error)
      : schema_(schema), error_(error) {}

  bool Check(ExpressionNode& node) {
    for (NodePtr& child : node.children) {
      if (!Check(*child)) return false;
    }
    return CheckNode(node);
  }

 private:
  bool Fail(const ExpressionNode& node, std::string message) {
    error_ = {node.begin, std::move(message)};
    return false;
  }

  bool CheckNode(ExpressionNode& node) {
    switch (node.kind) {
      case NodeKind::kNumber:
        return CheckNumber(node);
      case NodeKind::kText:
        node.type = ValueType::kText;
        return true;
      case NodeKind::kTruth:
        node.type = ValueType::kTruth;
        return true;
      case NodeKind::kSignal:
        return CheckSignal(node);
      case NodeKind::kNot:
      case NodeKind::kAnd:
      case NodeKind::kOr:
        return CheckLogic(node);
      case NodeKind::kCompare:
        return CheckCompare(node);
      default:
        return CheckArithmetic(node);
    }
  }

  bool CheckNumber(ExpressionNode& node) {
    node.type = ValueType::kNumber;
    node.any_dimension = node.unit == nullptr;
    if (node.unit != nullptr) {
      node.dimension = node.unit->dimension;
      if (!node.unit->is_canonical()) node.feed_unit = node.unit;
      const double inside = node.unit->ToCanonical(node.number);
      node.is_integer = node.is_integer && inside == node.number;
      node.number = inside;
      if (!std::isfinite(inside)) {
        return Fail(node, "the number is out of range");
      }
    }
    node.exact_integer = node.is_integer;
    return true;
  }

  bool CheckSignal(ExpressionNode& node) {
    const std::optional<size_t> column = schema_.Find(node.text);
    if (!column.has_value()) {
      std::vector<std::string_view> names;
      for (size_t i = 0; i < schema_.size(); ++i) {
        names.push_back(schema_[i].name);
      }
      return Fail(node, "unknown signal " + Quoted(node.text) +
                            Suggest(node.text, names, '"'));
    }
    node.column = *column;
    const Signal& signal = schema_[*column];
    node.dimension = signal.dimension;
    node.feed_unit = signal.feed_unit;
    switch (signal.type) {
      case SignalType::kInt64:
        node.exact_integer = true;
        [[fallthrough]];
      case SignalType::kDouble:
        node.type = ValueType::kNumber;
        break;
      case SignalType::kBool:
        node.type = ValueType::kTruth;
        break;
      case SignalType::kString:
        node.type = ValueType::kText;
        break;
    }
    return true;
  }

  bool CheckLogic(ExpressionNode& node) {
    node.type = ValueType::kTruth;
    for (const NodePtr& child : node.children) {
      if (child->type != ValueType::kTruth) {
        return Fail(*child, "this is " + Describe(*child) +
                                " where a condition is expected");
      }
    }
    return true;
  }

  bool CheckCompare(ExpressionNode& node) {
    node.type = ValueType::kTruth;
    const ExpressionNode& left = *node.children[0];
    const ExpressionNode& right = *node.children[1];
    if (left.type != right.type) {
      return Fail(right,
                  Describe(left) + " does not compare with " + Describe(right));
    }
    if (!CheckDifference(node)) return false;
    const bool ordered =
        node.compare != CompareOp::kEq && node.compare != CompareOp::kNe;
    if (left.type != ValueType::kNumber) {
      if (!ordered) return true;
      return Fail(node, Describe(left) + " knows == and != only");
    }
    return Match(node, left, right, "does not compare with");
  }

  // A point on a scale is no measure of a difference: 18 °F as a point is
  // -7.8 degrees Celsius, 18 degrees of °F are 10.
  bool CheckDifference(const ExpressionNode& node) {
    const auto& parts = node.children;
    if (std::none_of(parts.begin(), parts.end(),
                     [](const NodePtr& part) { return part->difference; })) {
      return true;
    }
    for (const NodePtr& part : parts) {
      if (!IsOffsetLiteral(*part)) continue;
      const Unit& unit = *part->feed_unit;
      const double degrees = unit.zero * unit.factor / unit.divisor;
      return Fail(*part, "a temperature in " + std::string(unit.name) +
                             " is a point on a scale, and what it meets is a "
                             "difference of two: write the difference in "
                             "degrees Celsius, as in " +
                             InCelsius(part->number + degrees));
    }
    return true;
  }

  // Two numbers that must be of one dimension.
  bool Match(const ExpressionNode& node, const ExpressionNode& left,
             const ExpressionNode& right, const char* verb) {
    if (left.any_dimension) return CheckBare(node, left, right);
    if (right.any_dimension) return CheckBare(node, right, left);
    if (left.dimension == right.dimension) return true;
    std::string hint;
    if (left.dimension == Dimension::kNone ||
        right.dimension == Dimension::kNone) {
      hint = "; write the number without a unit, or give the signal a unit";
    }
    return Fail(right,
                Describe(left) + " " + verb + " " + Describe(right) + hint);
  }

  // Nobody can tell what a bare number means beside a quantity in another unit
  // than the dimension's own. Zero is the same in both, if their zeros are.
  bool CheckBare(const ExpressionNode& node, const ExpressionNode& bare,
                 const ExpressionNode& other) {
    const Unit* const unit = other.feed_unit;
    if (bare.any_dimension && other.any_dimension) return true;
    if (other.lost_unit != nullptr) return CheckBareProduct(bare, other);
    if (unit == nullptr) return true;
    if (bare.number == 0 && (unit->zero == 0 || other.difference)) return true;
    const std::string name(unit->name);
    const std::string why = other.kind == NodeKind::kSignal
                                ? Quoted(other.text) + " comes in " + name
                                : "what it meets is in " + name;
    const bool is_sum =
        node.kind == NodeKind::kAdd || node.kind == NodeKind::kSubtract;
    const bool apart = unit->zero != 0 && (is_sum || other.difference);
    return Fail(bare, "this number has no unit, and " + why + ": " +
                          (apart ? DifferenceSpellings(bare.number, *unit)
                                 : BothSpellings(bare.number, *unit)));
  }

  // A product or quotient of quantities is computed in their dimensions' own
  // units, which a bare number beside it does not say it knows.
  bool CheckBareProduct(const ExpressionNode& bare,
                        const ExpressionNode& other) {
    if (bare.number == 0) return true;
    const Unit& unit = *other.lost_unit;
    const std::string name(unit.name);
    const std::string inside(CanonicalUnit(unit.dimension));
    const std::string& signal = other.lost_signal;
    // A point on a scale divides nothing.
    const std::string example = (signal.empty() ? "2 " + name : signal) +
                                " / 1 " + (unit.zero == 0 ? name : inside);
    return Fail(bare,
                "this number has no unit, and what it meets is computed from " +
                    (signal.empty() ? "a quantity in "
                                    : Quoted(signal) + ", sent in ") +
                    name + ", as " + inside +
                    ": divide each quantity by a unit first, as in " +
                    Quoted(example));
  }

  bool CheckArithmetic(ExpressionNode& node) {
    node.type = ValueType::kNumber;
    for (const NodePtr& child : node.children) {
      if (child->type != ValueType::kNumber) {
        return Fail(*child, "this is " + Describe(*child) +
                                " where a number is expected");
      }
    }
    const bool picks = node.kind == NodeKind::kMin ||
                       node.kind == NodeKind::kMax ||
                       node.kind == NodeKind::kAbs;
    for (const NodePtr& child : node.children) {
      if (!picks && IsOffsetLiteral(*child)) {
        return Fail(*child, "a temperature in " +
                                std::string(child->feed_unit->name) +
                                " is a point on a scale: it cannot be added "
                                "or multiplied; write the difference in "
                                "degrees Celsius, as in 10 celsius");
      }
    }
    const bool product =
        node.kind == NodeKind::kMultiply || node.kind == NodeKind::kDivide;
    if (product ? !SetProduct(node) : !SetSame(node)) return false;
    return FoldConstants(node);
  }

  // Sums, min, max: one dimension, which bare numbers take on.
  bool SetSame(ExpressionNode& node) {
    const ExpressionNode* first = node.children[0].get();
    for (const NodePtr& child : node.children) {
      if (first->any_dimension) first = child.get();
    }
    // Beside this one a bare number must say its unit, wherever it stands.
    const ExpressionNode* sent = first;
    for (const NodePtr& child : node.children) {
      if (!child->any_dimension &&
          !Match(node, *first, *child, "does not mix with")) {
        return false;
      }
      if (HasOtherUnit(*child) && !HasOtherUnit(*sent)) sent = child.get();
    }
    for (const NodePtr& child : node.children) {
      if (child->any_dimension && !CheckBare(node, *child, *sent)) return false;
    }
    node.dimension = first->dimension;
    node.any_dimension = first->any_dimension;
    node.feed_unit = sent->feed_unit;
    TakeLostUnit(*sent, node);
    node.difference = IsDifference(node);
    return CheckDifference(node);
  }

  static bool HasOtherUnit(const ExpressionNode& node) {
    return node.feed_unit != nullptr || node.lost_unit != nullptr;
  }

  static void TakeLostUnit(const ExpressionNode& from, ExpressionNode& node) {
    node.lost_unit = from.lost_unit;
    node.lost_signal = from.lost_signal;
  }

  bool SetProduct(ExpressionNode& node) {
    const ExpressionNode& left = *node.children[0];
    const ExpressionNode& right = *node.children[1];
    node.any_dimension = left.any_dimension && right.any_dimension;
    node.dimension = Dimension::kNone;
    const ExpressionNode* scaled = nullptr;
    if (right.any_dimension) scaled = &left;
    if (left.any_dimension && node.kind == NodeKind::kMultiply) {
      scaled = &right;
    }
    if (scaled != nullptr) {
      node.dimension = scaled->dimension;
      node.feed_unit = scaled->feed_unit;
      node.difference = scaled->difference;
      TakeLostUnit(*scaled, node);
    } else if (node.kind == NodeKind::kMultiply ||
               left.dimension != right.dimension ||
               left.dimension == Dimension::kNone) {
      LoseUnit(HasOtherUnit(left) ? left : right, node);
    }
    return true;
  }

  static void LoseUnit(const ExpressionNode& part, ExpressionNode& node) {
    if (part.feed_unit == nullptr) return TakeLostUnit(part, node);
    node.lost_unit = part.feed_unit;
    node.lost_signal = SignalIn(part, part.feed_unit);
  }

  // Constants become one literal, so that what cannot be computed is an error
  // and not a condition that is never true.
  bool FoldConstants(ExpressionNode& node) {
    for (const NodePtr& child : node.children) {
      if (child->kind != NodeKind::kNumber) return true;
    }
    double value = node.children[0]->number;
    if (node.kind == NodeKind::kNegate) value = -value;
    if (node.kind == NodeKind::kAbs) value = std::fabs(value);
    for (size_t i = 1; i < node.children.size(); ++i) {
      value = Fold(node.kind, value, node.children[i]->number);
    }
    if (!std::isfinite(value)) {
      return Fail(node,
                  "this is not a finite number (division by zero, or "
                  "out of range)");
    }
    node.kind = NodeKind::kNumber;
    node.number = value;
    node.unit = nullptr;
    node.children.clear();
    return true;
  }

  const SignalSchema& schema_;
  ExpressionError& error_;
};

}  // namespace

bool CheckExpression(ExpressionNode& root, const SignalSchema& schema,
                     ExpressionError& error) {
  return Checker(schema, error).Check(root);
}

}  // namespace tacho
