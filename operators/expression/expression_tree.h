#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "operators/expression/expression.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/units.h"

namespace tacho {

enum class NodeKind : uint8_t {
  kNumber,
  kText,
  kTruth,
  kSignal,
  kNot,
  kAnd,
  kOr,
  kCompare,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kAbs,
  kMin,
  kMax,
};

enum class CompareOp : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };

enum class ValueType : uint8_t { kTruth, kNumber, kText };

// One node of a parsed expression. The parser fills the first part, the
// checker the second.
struct ExpressionNode {
  NodeKind kind;
  CompareOp compare = CompareOp::kEq;
  size_t begin = 0;  // Bytes into the source: what errors point at.
  size_t end = 0;
  double number = 0;           // Of kNumber, as written until checked.
  const Unit* unit = nullptr;  // Of kNumber: nullptr if bare.
  bool is_integer = false;     // Of kNumber: also exact in `integer`.
  int64_t integer = 0;
  bool truth = false;  // Of kTruth.
  std::string text;    // Of kText; name of kSignal.
  std::vector<std::unique_ptr<ExpressionNode>> children;

  ValueType type = ValueType::kNumber;
  Dimension dimension = Dimension::kNone;
  // A bare number: takes the dimension of what it meets.
  bool any_dimension = false;
  // A unit that this is written or sent in and that is not the dimension's
  // own: a bare number that met it could mean either.
  const Unit* feed_unit = nullptr;
  // Such a unit of a part, which a product or quotient has left no unit of its
  // own; and the signal it came with, "" if it came with a number.
  const Unit* lost_unit = nullptr;
  std::string lost_signal;
  // How far two temperatures are apart: degrees, but no point on a scale.
  bool difference = false;
  // An int64 signal or a whole literal: compares exactly with its like.
  bool exact_integer = false;
  size_t column = 0;  // Of kSignal.
};

using NodePtr = std::unique_ptr<ExpressionNode>;

// Text to tree; nullptr and `error` (offset in bytes) if it does not parse.
NodePtr ParseExpression(std::string_view text, ExpressionError& error);

// Resolves signals, checks types and dimensions, converts quantities to their
// canonical unit and folds constants. False and `error` (offset in bytes) if
// something does not fit.
bool CheckExpression(ExpressionNode& root, const SignalSchema& schema,
                     ExpressionError& error);

}  // namespace tacho
