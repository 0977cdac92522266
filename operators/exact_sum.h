#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace tacho {

// The arithmetic of sums, means and distances: what a person who adds the
// written numbers by hand would get, printed in full. Every function is a pure
// left fold: the same numbers in the same order give the same bits everywhere.

// Wide enough for any number of int64 that a window can see.
__extension__ typedef __int128 Int128;

// A wide number as two words, for cells of 64 bits.
struct WideWords {
  int64_t low;
  int64_t high;
};
inline Int128 Join(int64_t low, int64_t high) {
  return static_cast<Int128>(high) * (static_cast<Int128>(1) << 64) +
         static_cast<uint64_t>(low);
}
inline WideWords Split(Int128 value) {
  return {static_cast<int64_t>(value), static_cast<int64_t>(value >> 64)};
}
// Nothing beyond an int64.
std::optional<int64_t> Narrow(Int128 value);

// Adds `value` to the unevaluated sum `sum + rest`: `rest` collects what
// rounding took from `sum` (Neumaier; the error term after Knuth, which needs
// no branch). Once `sum` is not finite it stays so.
inline void AddCompensated(double value, double& sum, double& rest) {
  const double total = sum + value;
  const double taken = total - sum;
  rest += (sum - (total - taken)) + (value - taken);
  sum = total;
}

// Adds one such sum to another.
inline void MergeCompensated(double part, double part_rest, double& sum,
                             double& rest) {
  AddCompensated(part, sum, rest);
  rest += part_rest;
}

// A mean in the making: values, what rounding took, and how many. When the sum
// leaves the range of doubles it goes on at 2^-64 of its size, and the count is
// negative from then on.
void AddToScaledMean(double value, double& sum, double& rest, int64_t& count);
inline void AddToMean(double value, double& sum, double& rest, int64_t& count) {
  const bool in_range =
      std::fabs(sum + value) <= std::numeric_limits<double>::max();
  if (count < 0 || !in_range) [[unlikely]] {
    return AddToScaledMean(value, sum, rest, count);
  }
  AddCompensated(value, sum, rest);
  ++count;
}
// Adds one mean in the making, of `part_count` values, to another.
void MergeMean(double part, double part_rest, int64_t part_count, double& sum,
               double& rest, int64_t& count);
// (sum + rest) / count, rounded once: the mean of equal values is their value.
double Mean(double sum, double rest, int64_t count);
double Mean(Int128 sum, int64_t count);

// An odometer's reading in units of 10^-9, as the decimal that was sent: a
// double is good for 15 decimal digits, so of a reading beyond 10^6 fewer than
// nine decimals are taken. Differences and sums of such numbers are exact.
// Nothing beyond +-10^18: no odometer.
inline constexpr double kDecimalScale = 1e9;
inline constexpr double kNineDecimals = 1e6;  // Less than 15 digits up to here.
std::optional<Int128> DecimalReading(double value);

// How far the second reading is above the first; 0 if it is not. kBeyond if an
// int64 does not hold it or one of them is no odometer's.
inline constexpr int64_t kBeyond = -1;
int64_t LargeDecimalStep(double from, double to);
inline int64_t DecimalStep(double from, double to) {
  if (to <= from) return 0;
  if (!(from > -kNineDecimals && to < kNineDecimals)) [[unlikely]] {
    return LargeDecimalStep(from, to);
  }
  // Rounds to a whole number, ties to even: below 2^51 there is room for no
  // fraction beside it.
  constexpr double kRounder = 6755399441055744.0;  // 1.5 * 2^52
  const double second = (to * kDecimalScale + kRounder) - kRounder;
  const double first = (from * kDecimalScale + kRounder) - kRounder;
  return static_cast<int64_t>(second - first);
}
// The same for whole numbers.
inline int64_t WholeStep(int64_t from, int64_t to) {
  if (to <= from) return 0;
  int64_t step = 0;
  return __builtin_sub_overflow(to, from, &step) ? kBeyond : step;
}
// The sum of two steps, or kBeyond.
inline int64_t AddSteps(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return kBeyond;
  return sum;
}
double FromDecimal(int64_t value);

}  // namespace tacho
