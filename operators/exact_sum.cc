#include "operators/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tacho {

namespace {

constexpr double kMaxDouble = std::numeric_limits<double>::max();
constexpr int kScaleBits = 64;  // No count reaches 2^64.
// Every whole number up to here is a double.
constexpr Int128 kMaxExact = static_cast<Int128>(1) << 53;

constexpr double kNoOdometer = 1e18;

__extension__ typedef unsigned __int128 WideSize;

// sum / count, rounded once: in whole numbers with more bits than a double has,
// the last of which says whether anything follows.
// REQUIRES: sum > 2^53, 0 < count < 2^63.
double Quotient(WideSize sum, uint64_t count) {
  constexpr WideSize kEnough = WideSize{1} << 55;
  const WideSize whole = sum / count;
  const WideSize rest = sum % count;
  if (whole >= kEnough) {
    return static_cast<double>(whole | WideSize{rest != 0});
  }
  const WideSize fraction = (rest << 64) / count;
  const bool more = (rest << 64) % count != 0;
  const WideSize bits = (whole << 64) | fraction | WideSize{more};
  return std::ldexp(static_cast<double>(bits), -64);
}

// A mean in the making goes on at 2^-64 of its size, if it does not already.
void Scale(double& sum, double& rest, int64_t& count) {
  if (count < 0) return;
  sum = std::ldexp(sum, -kScaleBits);
  rest = std::ldexp(rest, -kScaleBits);
  count = -count;
}

}  // namespace

std::optional<int64_t> Narrow(Int128 value) {
  if (value < std::numeric_limits<int64_t>::min() ||
      value > std::numeric_limits<int64_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int64_t>(value);
}

void AddToScaledMean(double value, double& sum, double& rest, int64_t& count) {
  Scale(sum, rest, count);
  AddCompensated(std::ldexp(value, -kScaleBits), sum, rest);
  --count;
}

void MergeMean(double part, double part_rest, int64_t part_count, double& sum,
               double& rest, int64_t& count) {
  const bool in_range = std::fabs(sum + part) <= kMaxDouble;
  if (part_count < 0 || count < 0 || !in_range) {
    Scale(part, part_rest, part_count);
    Scale(sum, rest, count);
  }
  MergeCompensated(part, part_rest, sum, rest);
  count += part_count;
}

// The quotient's remainder is exact (fma), so the correction carries all that
// the pair knows.
double Mean(double sum, double rest, int64_t count) {
  const auto n = static_cast<double>(count < 0 ? -count : count);
  const double quotient = sum / n;
  const double remainder = std::fma(-quotient, n, sum);
  const double mean = quotient + (remainder + rest) / n;
  if (count >= 0) return mean;
  return std::clamp(std::ldexp(mean, kScaleBits), -kMaxDouble, kMaxDouble);
}

double Mean(Int128 sum, int64_t count) {
  const auto n = static_cast<double>(count);
  if (sum >= -kMaxExact && sum <= kMaxExact) {
    return static_cast<double>(sum) / n;
  }
  const WideSize size =
      sum < 0 ? -static_cast<WideSize>(sum) : static_cast<WideSize>(sum);
  const double mean = Quotient(size, static_cast<uint64_t>(count));
  return sum < 0 ? -mean : mean;
}

std::optional<Int128> DecimalReading(double value) {
  const double size = std::fabs(value);
  if (!(size < kNoOdometer)) return std::nullopt;
  double scale = kDecimalScale;
  Int128 unit = 1;
  for (double limit = kNineDecimals; size >= limit && scale > 1; limit *= 10) {
    scale /= 10;
    unit *= 10;
  }
  return static_cast<Int128>(std::llrint(value * scale)) * unit;
}

int64_t LargeDecimalStep(double from, double to) {
  const auto first = DecimalReading(from);
  const auto second = DecimalReading(to);
  if (!first.has_value() || !second.has_value()) return kBeyond;
  return Narrow(*second - *first).value_or(kBeyond);
}

double FromDecimal(int64_t value) {
  return static_cast<double>(value) / kDecimalScale;
}

}  // namespace tacho
