#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/expression_tree.h"
#include "operators/suggestion.h"

namespace tacho {

namespace {

std::string Describe(const ExpressionNode& node) {
  if (node.type == ValueType::kTruth) return "a condition (true or false)";
  if (node.type == ValueType::kText) return "a text";
  if (node.any_dimension) return "a bare number";
  if (node.dimension == Dimension::kNone) return "a number without a unit";
  return "a quantity of " + std::string(DimensionName(node.dimension)) + " (" +
         std::string(InsideUnit(node.dimension)) + ")";
}

// A literal on a scale whose zero is not zero (°F): a point, which cannot be
// added or multiplied.
bool IsOffsetLiteral(const ExpressionNode& node) {
  return node.kind == NodeKind::kNumber && node.unit != nullptr &&
         node.unit->zero != 0;
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
      const double inside = node.unit->ToInside(node.number);
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
                            Suggest(node.text, names));
    }
    node.column = *column;
    const Signal& signal = schema_[*column];
    node.dimension = signal.dimension;
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
    const bool ordered =
        node.compare != CompareOp::kEq && node.compare != CompareOp::kNe;
    if (left.type != ValueType::kNumber) {
      if (!ordered) return true;
      return Fail(node, Describe(left) + " knows == and != only");
    }
    return Match(left, right, "does not compare with");
  }

  // Two numbers that must be of one dimension.
  bool Match(const ExpressionNode& left, const ExpressionNode& right,
             const char* verb) {
    if (left.any_dimension || right.any_dimension ||
        left.dimension == right.dimension) {
      return true;
    }
    std::string hint;
    if (left.dimension == Dimension::kNone ||
        right.dimension == Dimension::kNone) {
      hint = "; write the number without a unit, or give the signal a unit";
    }
    return Fail(right,
                Describe(left) + " " + verb + " " + Describe(right) + hint);
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
                                std::string(child->unit->name) +
                                " is a point on a scale: it cannot be added "
                                "or multiplied; write the difference as a "
                                "bare number of degrees Celsius");
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
      if (!Match(*first, *child, "does not mix with")) return false;
      if (first->any_dimension) first = child.get();
    }
    node.dimension = first->dimension;
    node.any_dimension = first->any_dimension;
    return true;
  }

  bool SetProduct(ExpressionNode& node) {
    const ExpressionNode& left = *node.children[0];
    const ExpressionNode& right = *node.children[1];
    node.any_dimension = left.any_dimension && right.any_dimension;
    node.dimension = Dimension::kNone;
    if (right.any_dimension) node.dimension = left.dimension;
    if (left.any_dimension && node.kind == NodeKind::kMultiply) {
      node.dimension = right.dimension;
    }
    return true;
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
