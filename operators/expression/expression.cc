#include "operators/expression/expression.h"

#include <utility>

#include "operators/expression/expression_program.h"
#include "operators/expression/expression_tree.h"
#include "pipeline/base/utf8.h"

namespace tacho {

namespace {

// Bytes to code points: continuation bytes do not count.
size_t CharacterOffset(std::string_view text, size_t byte) {
  size_t characters = 0;
  for (const char c : text.substr(0, byte)) {
    if (!IsUtf8Continuation(c)) ++characters;
  }
  return characters;
}

NodePtr Check(std::string_view text, const SignalSchema& schema,
              ValueType wanted, const char* wanted_name,
              ExpressionError& error) {
  NodePtr root = ParseExpression(text, error);
  if (root != nullptr && !CheckExpression(*root, schema, error)) {
    root = nullptr;
  }
  if (root != nullptr && root->type != wanted) {
    error = {root->begin, std::string("this is no ") + wanted_name};
    root = nullptr;
  }
  if (root == nullptr) error.offset = CharacterOffset(text, error.offset);
  return root;
}

bool IsOrdering(CompareOp op) {
  return op != CompareOp::kEq && op != CompareOp::kNe;
}

// The first ordering comparison of numbers in reading order. `greatest` flips
// under each `not`. A constant on the left is not what is watched.
std::optional<WatchedQuantity> FindWatched(std::string_view text,
                                           const ExpressionNode& node,
                                           bool negated) {
  if (node.kind == NodeKind::kCompare && IsOrdering(node.compare) &&
      node.children[0]->type == ValueType::kNumber) {
    const bool flip = node.children[0]->kind == NodeKind::kNumber;
    const ExpressionNode& side = *node.children[flip ? 1 : 0];
    const bool greater =
        node.compare == CompareOp::kGt || node.compare == CompareOp::kGe;
    return WatchedQuantity{
        std::string(text.substr(side.begin, side.end - side.begin)),
        greater != (flip != negated)};
  }
  const bool inner = negated != (node.kind == NodeKind::kNot);
  for (const NodePtr& child : node.children) {
    if (auto found = FindWatched(text, *child, inner)) return found;
  }
  return std::nullopt;
}

}  // namespace

Condition::Condition() = default;
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;
Condition::~Condition() = default;

std::optional<Condition> Condition::Compile(std::string_view text,
                                            const SignalSchema& schema,
                                            ExpressionError& error) {
  const NodePtr root = Check(text, schema, ValueType::kTruth,
                             "condition (true or false)", error);
  if (root == nullptr) return std::nullopt;
  Condition condition;
  condition.program_ = std::make_unique<ExpressionProgram>(*root);
  condition.watched_ = FindWatched(text, *root, false);
  return condition;
}

void Condition::Evaluate(const Batch& batch, const RowRange& range,
                         std::vector<Truth>& truths) {
  truths.resize(batch.records());
  program_->RunTruths(batch, range, truths.data());
}

Quantity::Quantity() = default;
Quantity::Quantity(Quantity&&) noexcept = default;
Quantity& Quantity::operator=(Quantity&&) noexcept = default;
Quantity::~Quantity() = default;

std::optional<Quantity> Quantity::Compile(std::string_view text,
                                          const SignalSchema& schema,
                                          ExpressionError& error) {
  const NodePtr root = Check(text, schema, ValueType::kNumber, "number", error);
  if (root == nullptr) return std::nullopt;
  Quantity quantity;
  quantity.program_ = std::make_unique<ExpressionProgram>(*root);
  quantity.dimension_ = root->dimension;
  return quantity;
}

void Quantity::Evaluate(const Batch& batch, const RowRange& range,
                        std::vector<double>& values,
                        std::vector<uint8_t>& known) {
  values.resize(batch.records());
  known.resize(batch.records());
  program_->RunNumbers(batch, range, values.data(), known.data());
}

}  // namespace tacho
