#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "operators/expression/expression.h"
#include "operators/expression/expression_tree.h"
#include "pipeline/base/batch.h"

namespace tacho {

// A checked expression as a list of instructions, each a loop over a block of
// rows. Operands are *slots*: a column of the batch, a constant spread over a
// block, or the result of an earlier instruction; all look the same to a loop,
// so that there is one loop per instruction and the compiler can vectorise it.
//
// Threading: one thread at a time. Running allocates nothing.
class ExpressionProgram {
 public:
  // Rows of a block: its slots stay in the first-level cache.
  static constexpr size_t kBlock = 256;

  explicit ExpressionProgram(const ExpressionNode& checked);
  ExpressionProgram(const ExpressionProgram&) = delete;
  ExpressionProgram& operator=(const ExpressionProgram&) = delete;

  // REQUIRES: the root is a condition (RunTruths) or a number (RunNumbers).
  void RunTruths(const Batch& batch, const RowRange& range, Truth* out);
  void RunNumbers(const Batch& batch, const RowRange& range, double* values,
                  uint8_t* known);

 private:
  enum class Code : uint8_t {
    kAnd,
    kOr,
    kNot,
    kTruthOfBool,
    kCompareNumbers,
    kCompareIntegers,
    kCompareTexts,
    kCompareTruths,
    kNumberOfInteger,
    kNegate,
    kAbs,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kMin,
    kMax,
  };
  using Slot = uint32_t;
  struct Instruction {
    Code code;
    CompareOp compare;
    Slot out, a, b;
  };
  // What a slot holds during a block: cells say which numbers, integers, bools
  // or texts are valid; truths say so themselves.
  struct View {
    const CellState* cells = nullptr;
    const void* values = nullptr;
  };
  // Where an instruction writes its slot.
  struct Target {
    CellState* cells = nullptr;
    double* numbers = nullptr;
    Truth* truths = nullptr;
  };
  struct NumberBlock {
    std::array<CellState, kBlock> cells;
    std::array<double, kBlock> numbers;
  };
  struct ColumnSlot {
    Slot slot;
    size_t column;
  };

  Slot AddSlot(const View& view, const Target& target);
  Slot AddTruths(Truth value);
  Slot AddNumbers(double value);
  Slot AddIntegers(int64_t value);
  Slot AddTexts(std::string value);
  Slot AddColumn(size_t column);
  Slot Emit(Code code, Slot out, Slot a, Slot b = 0,
            CompareOp compare = CompareOp::kEq);

  Slot BuildTruth(const ExpressionNode& node);
  Slot BuildNumber(const ExpressionNode& node);
  Slot BuildText(const ExpressionNode& node);
  Slot BuildInteger(const ExpressionNode& node);
  Slot BuildCompare(const ExpressionNode& node);
  Slot BuildCompareWithConstant(const ExpressionNode& integer, CompareOp op,
                                double constant);

  void BindColumns(const Batch& batch, size_t base);
  void Run(const Instruction& in, size_t rows);
  void RunArithmetic(const Instruction& in, size_t rows);
  template <typename Combine>
  void Combine2(const Instruction& instruction, size_t rows, Combine combine);

  std::vector<Instruction> instructions_;
  std::vector<View> views_;      // By slot.
  std::vector<Target> targets_;  // By slot.
  std::vector<ColumnSlot> columns_;
  // Deques: views point into them.
  std::deque<NumberBlock> numbers_;
  std::deque<std::array<Truth, kBlock>> truths_;
  std::deque<std::array<int64_t, kBlock>> integers_;
  std::deque<std::vector<std::string_view>> texts_;
  std::deque<std::string> text_bytes_;
  std::array<CellState, kBlock> all_valid_;
  Slot root_ = 0;
};

}  // namespace tacho
