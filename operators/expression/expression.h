#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/signal.h"

namespace tacho {

// Three-valued logic after Kleene.
enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

// Why a text is no expression. `offset` counts characters (code points), as
// the job parser's columns do.
struct ExpressionError {
  size_t offset = 0;
  std::string message;
};

// Limits on the source text.
inline constexpr size_t kMaxExpressionBytes = 4096;
inline constexpr size_t kMaxExpressionDepth = 64;  // Parentheses, calls, signs.

class ExpressionProgram;
struct ExpressionNode;

// What a condition watches: one side of its first ordering comparison
// (< <= > >=), as text, and whether more of it makes the condition true.
struct WatchedQuantity {
  std::string text;
  bool greatest = true;
};

// A condition over the signals of a record, compiled once and evaluated over
// the columns of a batch.
//
//   or || | and && | not ! | == != < <= > >= | + - | * / | -x | (x)
//   120, 75 mph, -40 °F | "text", 'text' | true, false | signal names
//   abs(x), min(x, ...), max(x, ...)
//
// from the loosest to the tightest operator. Types and dimensions are checked
// when it is compiled: a quantity with a unit is converted to its dimension's
// unit, a bare number takes the dimension of what it is compared with or added
// to, unless that is written or sent in another unit (then it must say its
// own; 0 needs none), and different dimensions do not mix. A product or a
// quotient keeps a dimension only if the other side is a bare number. Texts
// know == and != only.
//
// A comparison with a signal that is null, invalid or absent is unknown, and
// so is one with a result that is not a finite number (division by zero).
// An int64 signal compares exactly with its like and with every constant, as
// double otherwise; arithmetic is in double.
//
// Threading: one thread at a time. Evaluating allocates nothing once `truths`
// has grown.
class Condition {
 public:
  static std::optional<Condition> Compile(std::string_view text,
                                          const SignalSchema& schema,
                                          ExpressionError& error);
  Condition(Condition&&) noexcept;
  Condition& operator=(Condition&&) noexcept;
  ~Condition();

  // One truth for each row of the range, at the row's own index.
  void Evaluate(const Batch& batch, const RowRange& range,
                std::vector<Truth>& truths);

  const std::optional<WatchedQuantity>& watched() const { return watched_; }

 private:
  Condition();

  std::unique_ptr<ExpressionProgram> program_;
  std::optional<WatchedQuantity> watched_;
};

// A number over the signals of a record, in its dimension's unit. The same
// language as Condition.
class Quantity {
 public:
  static std::optional<Quantity> Compile(std::string_view text,
                                         const SignalSchema& schema,
                                         ExpressionError& error);
  Quantity(Quantity&&) noexcept;
  Quantity& operator=(Quantity&&) noexcept;
  ~Quantity();

  // One value for each row of the range, at the row's own index; it counts
  // where known[row] is 1.
  void Evaluate(const Batch& batch, const RowRange& range,
                std::vector<double>& values, std::vector<uint8_t>& known);

  Dimension dimension() const { return dimension_; }

 private:
  Quantity();

  std::unique_ptr<ExpressionProgram> program_;
  Dimension dimension_ = Dimension::kNone;
};

}  // namespace tacho
