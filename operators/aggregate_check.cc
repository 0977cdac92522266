#include <algorithm>
#include <cmath>

#include "operators/aggregate.h"
#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

constexpr int64_t kMostCount = INT64_MAX / 4;

// Of counts and sums that records can have made; more can be added to them
// without an overflow.
bool IsSum(const Accumulators::Cell* cells) {
  constexpr Int128 kMost = static_cast<Int128>(1) << 126;
  const Int128 sum = Join(cells[0].i, cells[1].i);
  return sum >= -kMost && sum <= kMost;
}

}  // namespace

const char* AggregateSet::Check(const Accumulators& state, Timestamp start,
                                Timestamp end) const {
  if (state.size() != cells_ || state.texts.size() != texts_) {
    return "a window of another layout";
  }
  const uint64_t known = steps_.size() == kMaxAggregates
                             ? ~uint64_t{0}
                             : (uint64_t{1} << steps_.size()) - 1;
  if ((state.valid & ~known) != 0) return "a valid bit of no aggregate";
  for (const Step& step : steps_) {
    const char* const wrong = CheckStep(step, state, start, end);
    if (wrong != nullptr) return wrong;
  }
  const bool all_text =
      std::all_of(state.texts.begin(), state.texts.end(), [](const auto& t) {
        return FindInvalidUtf8(t) == std::string_view::npos;
      });
  return all_text ? nullptr : "a text that is not UTF-8";
}

// What is not looked at may have any bits: a sum may have passed the greatest
// double, and what is not finite is written as null.
const char* AggregateSet::CheckStep(const Step& step, const Accumulators& state,
                                    Timestamp start, Timestamp end) {
  const Accumulators::Cell* const c = state.cells() + step.cell;
  const bool seen = (state.valid & step.bit) != 0;
  switch (step.op) {
    case Op::kCount:
    case Op::kCountValid:
      return c[0].i < 0 || c[0].i > kMostCount ? "an impossible count"
                                               : nullptr;
    case Op::kMean:
      if (!seen) return nullptr;
      if (c[2].i == 0 || c[2].i > kMostCount || c[2].i < -kMostCount) {
        return "a mean of an impossible count";
      }
      return nullptr;
    case Op::kMeanInteger:
      if (!IsSum(c)) return "a sum out of range";
      return seen && (c[2].i <= 0 || c[2].i > kMostCount)
                 ? "a mean of an impossible count"
                 : nullptr;
    case Op::kSumInteger:
      return IsSum(c) ? nullptr : "a sum out of range";
    case Op::kDistance:
    case Op::kDistanceInteger:
      return c[0].i < kBeyond ? "a distance out of range" : nullptr;
    case Op::kMin:
    case Op::kMax:
      return seen && std::isnan(c[0].d) ? "a value that is not a number"
                                        : nullptr;
    case Op::kFirst:
    case Op::kFirstInteger:
    case Op::kFirstBool:
    case Op::kFirstText:
    case Op::kLast:
    case Op::kLastInteger:
    case Op::kLastBool:
    case Op::kLastText:
      break;
    default:
      return nullptr;
  }
  if (!seen) return nullptr;
  const Timestamp at = FromEpochMillis(c[0].i);
  if (at < start || at >= end) return "a time outside its window";
  if (step.op == Op::kFirst || step.op == Op::kLast) {
    return std::isnan(c[1].d) ? "a value that is not a number" : nullptr;
  }
  if (step.op == Op::kFirstBool || step.op == Op::kLastBool) {
    return c[1].i != 0 && c[1].i != 1 ? "a bool that is neither" : nullptr;
  }
  return nullptr;
}

}  // namespace tacho
