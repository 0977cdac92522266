#include "operators/expression/expression_program.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

namespace {

constexpr uint8_t kUnknownCode = static_cast<uint8_t>(Truth::kUnknown);

constexpr uint8_t Code(Truth truth) { return static_cast<uint8_t>(truth); }

bool Known(CellState a, CellState b) {
  return (a == CellState::kValid) & (b == CellState::kValid);
}

// Bitwise operators throughout the loops: a branch per row would keep them
// from being vectorised.

template <typename T, typename Compare>
void CompareLoop(const CellState* cells_a, const CellState* cells_b, const T* a,
                 const T* b, Truth* out, size_t rows, Compare compare) {
  for (size_t i = 0; i < rows; ++i) {
    // A NaN is in no order with anything: unknown.
    const bool known =
        Known(cells_a[i], cells_b[i]) & ((a[i] <= b[i]) | (a[i] > b[i]));
    const auto result = static_cast<uint8_t>(compare(a[i], b[i]));
    out[i] = static_cast<Truth>(known ? result : kUnknownCode);
  }
}

template <typename T>
void Compare(CompareOp op, const CellState* cells_a, const CellState* cells_b,
             const void* values_a, const void* values_b, Truth* out,
             size_t rows) {
  const T* const a = static_cast<const T*>(values_a);
  const T* const b = static_cast<const T*>(values_b);
  const auto loop = [&](auto compare) {
    CompareLoop(cells_a, cells_b, a, b, out, rows, compare);
  };
  switch (op) {
    case CompareOp::kEq:
      return loop([](const T& x, const T& y) { return x == y; });
    case CompareOp::kNe:
      return loop([](const T& x, const T& y) { return x != y; });
    case CompareOp::kLt:
      return loop([](const T& x, const T& y) { return x < y; });
    case CompareOp::kLe:
      return loop([](const T& x, const T& y) { return x <= y; });
    case CompareOp::kGt:
      return loop([](const T& x, const T& y) { return x > y; });
    case CompareOp::kGe:
      return loop([](const T& x, const T& y) { return x >= y; });
  }
}

// A cell that is not valid holds no text: it may be a view of freed bytes.
void CompareTexts(CompareOp op, const CellState* cells_a,
                  const CellState* cells_b, const std::string_view* a,
                  const std::string_view* b, Truth* out, size_t rows) {
  for (size_t i = 0; i < rows; ++i) {
    if (!Known(cells_a[i], cells_b[i])) {
      out[i] = Truth::kUnknown;
    } else {
      const bool equal = a[i] == b[i];
      out[i] = equal == (op == CompareOp::kEq) ? Truth::kTrue : Truth::kFalse;
    }
  }
}

template <typename Logic>
void LogicLoop(const Truth* a, const Truth* b, Truth* out, size_t rows,
               Logic logic) {
  for (size_t i = 0; i < rows; ++i) {
    out[i] = static_cast<Truth>(logic(Code(a[i]), Code(b[i])));
  }
}

uint8_t AndCode(uint8_t a, uint8_t b) {
  const bool is_false = (a == 0) | (b == 0);
  const auto otherwise = static_cast<uint8_t>(a > b ? a : b);
  return is_false ? uint8_t{0} : otherwise;
}

uint8_t OrCode(uint8_t a, uint8_t b) {
  const bool is_true = (a == 1) | (b == 1);
  const auto otherwise = static_cast<uint8_t>(a > b ? a : b);
  return is_true ? uint8_t{1} : otherwise;
}

uint8_t EqualCode(uint8_t a, uint8_t b) {
  const bool unknown = (a == kUnknownCode) | (b == kUnknownCode);
  return unknown ? kUnknownCode : static_cast<uint8_t>(a == b);
}

// A comparison of an int64 with an int64.
struct WholeCompare {
  CompareOp op;
  int64_t with;
};

CompareOp Negated(CompareOp op) {
  switch (op) {
    case CompareOp::kEq:
      return CompareOp::kNe;
    case CompareOp::kNe:
      return CompareOp::kEq;
    case CompareOp::kLt:
      return CompareOp::kGe;
    case CompareOp::kLe:
      return CompareOp::kGt;
    case CompareOp::kGt:
      return CompareOp::kLe;
    case CompareOp::kGe:
      return CompareOp::kLt;
  }
  return op;
}

// What is true of x exactly when `x op constant` is.
WholeCompare ToWhole(CompareOp op, double constant) {
  constexpr auto kMin = std::numeric_limits<int64_t>::min();
  constexpr auto kMax = std::numeric_limits<int64_t>::max();
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  constexpr WholeCompare kAlways = {CompareOp::kLe, kMax};
  constexpr WholeCompare kNever = {CompareOp::kLt, kMin};
  const bool is_whole = std::floor(constant) == constant;
  switch (op) {
    case CompareOp::kLt:
    case CompareOp::kLe: {
      if (constant >= kLimit) return kAlways;
      if (constant < -kLimit) return kNever;
      const bool up = op == CompareOp::kLt;
      return {op, static_cast<int64_t>(up ? std::ceil(constant)
                                          : std::floor(constant))};
    }
    case CompareOp::kEq:
      if (constant >= kLimit || constant < -kLimit || !is_whole) return kNever;
      return {op, static_cast<int64_t>(constant)};
    default: {
      const WholeCompare opposite = ToWhole(Negated(op), constant);
      return {Negated(opposite.op), opposite.with};
    }
  }
}

// For the sides changed over.
CompareOp Mirrored(CompareOp op) {
  switch (op) {
    case CompareOp::kLt:
      return CompareOp::kGt;
    case CompareOp::kLe:
      return CompareOp::kGe;
    case CompareOp::kGt:
      return CompareOp::kLt;
    case CompareOp::kGe:
      return CompareOp::kLe;
    default:
      return op;
  }
}

bool IsIntegerSignal(const ExpressionNode& node) {
  return node.kind == NodeKind::kSignal && node.exact_integer;
}

}  // namespace

ExpressionProgram::ExpressionProgram(const ExpressionNode& checked) {
  all_valid_.fill(CellState::kValid);
  root_ = checked.type == ValueType::kTruth ? BuildTruth(checked)
                                            : BuildNumber(checked);
}

ExpressionProgram::Slot ExpressionProgram::AddSlot(const View& view,
                                                   const Target& target) {
  views_.push_back(view);
  targets_.push_back(target);
  return static_cast<Slot>(views_.size() - 1);
}

ExpressionProgram::Slot ExpressionProgram::AddTruths(Truth value) {
  auto& block = truths_.emplace_back();
  block.fill(value);
  return AddSlot({nullptr, block.data()}, {nullptr, nullptr, block.data()});
}

ExpressionProgram::Slot ExpressionProgram::AddNumbers(double value) {
  NumberBlock& block = numbers_.emplace_back();
  block.cells.fill(CellState::kValid);
  block.numbers.fill(value);
  return AddSlot({block.cells.data(), block.numbers.data()},
                 {block.cells.data(), block.numbers.data(), nullptr});
}

ExpressionProgram::Slot ExpressionProgram::AddIntegers(int64_t value) {
  auto& block = integers_.emplace_back();
  block.fill(value);
  return AddSlot({all_valid_.data(), block.data()}, {});
}

ExpressionProgram::Slot ExpressionProgram::AddTexts(std::string value) {
  const std::string& bytes = text_bytes_.emplace_back(std::move(value));
  const auto& block = texts_.emplace_back(kBlock, std::string_view(bytes));
  return AddSlot({all_valid_.data(), block.data()}, {});
}

ExpressionProgram::Slot ExpressionProgram::AddColumn(size_t column) {
  for (const ColumnSlot& known : columns_) {
    if (known.column == column) return known.slot;
  }
  const Slot slot = AddSlot({}, {});
  columns_.push_back({slot, column});
  return slot;
}

ExpressionProgram::Slot ExpressionProgram::Emit(enum Code code, Slot out,
                                                Slot a, Slot b,
                                                CompareOp compare) {
  instructions_.push_back({code, compare, out, a, b});
  return out;
}

ExpressionProgram::Slot ExpressionProgram::BuildTruth(
    const ExpressionNode& node) {
  switch (node.kind) {
    case NodeKind::kTruth:
      return AddTruths(node.truth ? Truth::kTrue : Truth::kFalse);
    case NodeKind::kSignal: {
      const Slot column = AddColumn(node.column);
      return Emit(Code::kTruthOfBool, AddTruths(Truth::kUnknown), column);
    }
    case NodeKind::kNot: {
      const Slot a = BuildTruth(*node.children[0]);
      return Emit(Code::kNot, AddTruths(Truth::kUnknown), a);
    }
    case NodeKind::kAnd:
    case NodeKind::kOr: {
      const Slot a = BuildTruth(*node.children[0]);
      const Slot b = BuildTruth(*node.children[1]);
      return Emit(node.kind == NodeKind::kAnd ? Code::kAnd : Code::kOr,
                  AddTruths(Truth::kUnknown), a, b);
    }
    default:
      CHECK(node.kind == NodeKind::kCompare);
      return BuildCompare(node);
  }
}

ExpressionProgram::Slot ExpressionProgram::BuildCompare(
    const ExpressionNode& node) {
  const ExpressionNode& left = *node.children[0];
  const ExpressionNode& right = *node.children[1];
  enum Code code = Code::kCompareNumbers;
  Slot a, b;
  if (left.type == ValueType::kTruth) {
    code = Code::kCompareTruths;
    a = BuildTruth(left);
    b = BuildTruth(right);
  } else if (left.type == ValueType::kText) {
    code = Code::kCompareTexts;
    a = BuildText(left);
    b = BuildText(right);
  } else if (left.exact_integer && right.exact_integer) {
    code = Code::kCompareIntegers;
    a = BuildInteger(left);
    b = BuildInteger(right);
  } else if (IsIntegerSignal(left) && right.kind == NodeKind::kNumber) {
    return BuildCompareWithConstant(left, node.compare, right.number);
  } else if (IsIntegerSignal(right) && left.kind == NodeKind::kNumber) {
    return BuildCompareWithConstant(right, Mirrored(node.compare), left.number);
  } else {
    a = BuildNumber(left);
    b = BuildNumber(right);
  }
  return Emit(code, AddTruths(Truth::kUnknown), a, b, node.compare);
}

ExpressionProgram::Slot ExpressionProgram::BuildCompareWithConstant(
    const ExpressionNode& integer, CompareOp op, double constant) {
  const WholeCompare whole = ToWhole(op, constant);
  const Slot a = BuildInteger(integer);
  const Slot b = AddIntegers(whole.with);
  return Emit(Code::kCompareIntegers, AddTruths(Truth::kUnknown), a, b,
              whole.op);
}

ExpressionProgram::Slot ExpressionProgram::BuildText(
    const ExpressionNode& node) {
  return node.kind == NodeKind::kText ? AddTexts(node.text)
                                      : AddColumn(node.column);
}

ExpressionProgram::Slot ExpressionProgram::BuildInteger(
    const ExpressionNode& node) {
  return node.kind == NodeKind::kNumber ? AddIntegers(node.integer)
                                        : AddColumn(node.column);
}

ExpressionProgram::Slot ExpressionProgram::BuildNumber(
    const ExpressionNode& node) {
  if (node.kind == NodeKind::kNumber) return AddNumbers(node.number);
  if (node.kind == NodeKind::kSignal) {
    const Slot column = AddColumn(node.column);
    if (!node.exact_integer) return column;
    return Emit(Code::kNumberOfInteger, AddNumbers(0), column);
  }
  static constexpr std::pair<NodeKind, enum Code> kCodes[] = {
      {NodeKind::kNegate, Code::kNegate},
      {NodeKind::kAbs, Code::kAbs},
      {NodeKind::kAdd, Code::kAdd},
      {NodeKind::kSubtract, Code::kSubtract},
      {NodeKind::kMultiply, Code::kMultiply},
      {NodeKind::kDivide, Code::kDivide},
      {NodeKind::kMin, Code::kMin},
      {NodeKind::kMax, Code::kMax}};
  const auto* const code =
      std::find_if(std::begin(kCodes), std::end(kCodes),
                   [&](const auto& pair) { return pair.first == node.kind; });
  CHECK(code != std::end(kCodes));
  Slot result = BuildNumber(*node.children[0]);
  if (node.kind == NodeKind::kNegate || node.kind == NodeKind::kAbs) {
    return Emit(code->second, AddNumbers(0), result, result);
  }
  for (size_t i = 1; i < node.children.size(); ++i) {
    const Slot next = BuildNumber(*node.children[i]);
    result = Emit(code->second, AddNumbers(0), result, next);
  }
  return result;
}

void ExpressionProgram::BindColumns(const Batch& batch, size_t base) {
  for (const ColumnSlot& bound : columns_) {
    const Column& column = batch.columns[bound.column];
    View& view = views_[bound.slot];
    view.cells = column.state.data() + base;
    switch (column.type) {
      case SignalType::kDouble:
        view.values = column.doubles.data() + base;
        break;
      case SignalType::kInt64:
        view.values = column.ints.data() + base;
        break;
      case SignalType::kBool:
        view.values = column.bools.data() + base;
        break;
      case SignalType::kString:
        view.values = column.strings.data() + base;
        break;
    }
  }
}

template <typename Combine>
void ExpressionProgram::Combine2(const Instruction& instruction, size_t rows,
                                 Combine combine) {
  const View& a = views_[instruction.a];
  const View& b = views_[instruction.b];
  const auto* const x = static_cast<const double*>(a.values);
  const auto* const y = static_cast<const double*>(b.values);
  const Target& out = targets_[instruction.out];
  for (size_t i = 0; i < rows; ++i) {
    const double value = combine(x[i], y[i]);
    // False for NaN too: what is not finite is unknown from here on.
    const bool finite = std::fabs(value) <= std::numeric_limits<double>::max();
    out.numbers[i] = value;
    out.cells[i] = (Known(a.cells[i], b.cells[i]) & finite) ? CellState::kValid
                                                            : CellState::kNull;
  }
}

void ExpressionProgram::Run(const Instruction& in, size_t rows) {
  const View& a = views_[in.a];
  const View& b = views_[in.b];
  const Target& out = targets_[in.out];
  const auto* const truths_a = static_cast<const Truth*>(a.values);
  const auto* const truths_b = static_cast<const Truth*>(b.values);
  switch (in.code) {
    case Code::kAnd:
      return LogicLoop(truths_a, truths_b, out.truths, rows, AndCode);
    case Code::kOr:
      return LogicLoop(truths_a, truths_b, out.truths, rows, OrCode);
    case Code::kNot:
      for (size_t i = 0; i < rows; ++i) {
        const uint8_t code = tacho::Code(truths_a[i]);
        out.truths[i] = static_cast<Truth>(code ^ (code < kUnknownCode));
      }
      return;
    case Code::kTruthOfBool: {
      const auto* const bools = static_cast<const uint8_t*>(a.values);
      for (size_t i = 0; i < rows; ++i) {
        const auto value = static_cast<uint8_t>(bools[i] != 0);
        out.truths[i] = static_cast<Truth>(
            a.cells[i] == CellState::kValid ? value : kUnknownCode);
      }
      return;
    }
    case Code::kCompareNumbers:
      return Compare<double>(in.compare, a.cells, b.cells, a.values, b.values,
                             out.truths, rows);
    case Code::kCompareIntegers:
      return Compare<int64_t>(in.compare, a.cells, b.cells, a.values, b.values,
                              out.truths, rows);
    case Code::kCompareTexts:
      return CompareTexts(in.compare, a.cells, b.cells,
                          static_cast<const std::string_view*>(a.values),
                          static_cast<const std::string_view*>(b.values),
                          out.truths, rows);
    case Code::kCompareTruths:
      LogicLoop(truths_a, truths_b, out.truths, rows, EqualCode);
      if (in.compare == CompareOp::kNe) {
        LogicLoop(out.truths, out.truths, out.truths, rows,
                  [](uint8_t code, uint8_t) {
                    return static_cast<uint8_t>(code ^ (code < kUnknownCode));
                  });
      }
      return;
    case Code::kNumberOfInteger: {
      const auto* const integers = static_cast<const int64_t*>(a.values);
      for (size_t i = 0; i < rows; ++i) {
        out.numbers[i] = static_cast<double>(integers[i]);
        out.cells[i] = a.cells[i];
      }
      return;
    }
    default:
      return RunArithmetic(in, rows);
  }
}

void ExpressionProgram::RunArithmetic(const Instruction& in, size_t rows) {
  switch (in.code) {
    case Code::kNegate:
      return Combine2(in, rows, [](double x, double) { return -x; });
    case Code::kAbs:
      return Combine2(in, rows, [](double x, double) { return std::fabs(x); });
    case Code::kAdd:
      return Combine2(in, rows, [](double x, double y) { return x + y; });
    case Code::kSubtract:
      return Combine2(in, rows, [](double x, double y) { return x - y; });
    case Code::kMultiply:
      return Combine2(in, rows, [](double x, double y) { return x * y; });
    case Code::kDivide:
      return Combine2(in, rows, [](double x, double y) { return x / y; });
    case Code::kMin:
      return Combine2(in, rows,
                      [](double x, double y) { return y < x ? y : x; });
    case Code::kMax:
      return Combine2(in, rows,
                      [](double x, double y) { return y > x ? y : x; });
    default:
      CHECK(false);
  }
}

void ExpressionProgram::RunTruths(const Batch& batch, const RowRange& range,
                                  Truth* out) {
  for (size_t base = range.begin; base < range.end; base += kBlock) {
    const size_t rows = std::min(kBlock, range.end - base);
    BindColumns(batch, base);
    for (const Instruction& in : instructions_) Run(in, rows);
    const auto* const truths = static_cast<const Truth*>(views_[root_].values);
    std::copy_n(truths, rows, out + base);
  }
}

void ExpressionProgram::RunNumbers(const Batch& batch, const RowRange& range,
                                   double* values, uint8_t* known) {
  for (size_t base = range.begin; base < range.end; base += kBlock) {
    const size_t rows = std::min(kBlock, range.end - base);
    BindColumns(batch, base);
    for (const Instruction& in : instructions_) Run(in, rows);
    const View& root = views_[root_];
    std::copy_n(static_cast<const double*>(root.values), rows, values + base);
    for (size_t i = 0; i < rows; ++i) {
      const bool finite = std::isfinite(values[base + i]);
      known[base + i] = root.cells[i] == CellState::kValid && finite;
    }
  }
}

}  // namespace tacho
