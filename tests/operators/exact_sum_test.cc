#include "operators/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace tacho {
namespace {

constexpr double kMaxDouble = std::numeric_limits<double>::max();
constexpr double kTiniest = std::numeric_limits<double>::denorm_min();

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  double rest = 0;
  int64_t count = 0;
  for (const double value : values) AddToMean(value, sum, rest, count);
  return Mean(sum, rest, count);
}

double SumOf(const std::vector<double>& values) {
  double sum = 0;
  double rest = 0;
  for (const double value : values) AddCompensated(value, sum, rest);
  return sum + rest;
}

// Of the values in parts of `size`, merged in their order.
double MergedMean(const std::vector<double>& values, size_t size) {
  double sum = 0;
  double rest = 0;
  int64_t count = 0;
  for (size_t begin = 0; begin < values.size(); begin += size) {
    double part = 0;
    double part_rest = 0;
    int64_t part_count = 0;
    const size_t end = std::min(values.size(), begin + size);
    for (size_t i = begin; i < end; ++i) {
      AddToMean(values[i], part, part_rest, part_count);
    }
    MergeMean(part, part_rest, part_count, sum, rest, count);
  }
  return Mean(sum, rest, count);
}

TEST(ExactSumTest, MergedPartsHaveTheMeanOfTheWhole) {
  std::mt19937 random(11);
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(static_cast<double>(random() % 2000000) / 1000);
  }
  for (const size_t size : {1U, 7U, 60U, 1000U}) {
    EXPECT_EQ(MergedMean(values, size), MeanOf(values)) << size;
    EXPECT_EQ(MergedMean(std::vector<double>(60, 36.6), size), 36.6) << size;
    // Parts that leave the range of doubles, alone and only together.
    const std::vector<double> huge(10, kMaxDouble);
    EXPECT_EQ(MergedMean(huge, size), kMaxDouble) << size;
    EXPECT_EQ(MergedMean({kMaxDouble, -kMaxDouble, 1.0, kMaxDouble, kMaxDouble},
                         size),
              MeanOf({kMaxDouble, -kMaxDouble, 1.0, kMaxDouble, kMaxDouble}))
        << size;
  }
}

TEST(ExactSumTest, MergedSumsKeepWhatCancels) {
  double sum = 0;
  double rest = 0;
  for (const double value : {1.0, 1e100, 1.0, -1e100}) {
    MergeCompensated(value, 0, sum, rest);
  }
  EXPECT_EQ(sum + rest, 2.0);
  MergeCompensated(1e16, 1.0, sum, rest);
  MergeCompensated(-1e16, 0.0, sum, rest);
  EXPECT_EQ(sum + rest, 3.0);
}

TEST(ExactSumTest, WordsOfAWideNumberJoinAgain) {
  const Int128 one = 1;
  for (const Int128 value :
       {Int128{0}, one, -one, one << 63, -(one << 63), (one << 64) - 1,
        (one << 126) + 12345, -(one << 126)}) {
    const WideWords words = Split(value);
    EXPECT_TRUE(Join(words.low, words.high) == value);
  }
}

TEST(ExactSumTest, NarrowKnowsBothEdges) {
  const Int128 most = std::numeric_limits<int64_t>::max();
  const Int128 least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Narrow(most), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Narrow(least), std::numeric_limits<int64_t>::min());
  EXPECT_FALSE(Narrow(most + 1).has_value());
  EXPECT_FALSE(Narrow(least - 1).has_value());
}

TEST(ExactSumTest, ASumKeepsWhatCancels) {
  EXPECT_EQ(SumOf({1e16, 1.0, -1e16}), 1.0);
  EXPECT_EQ(SumOf({1.0, 1e100, 1.0, -1e100}), 2.0);
  EXPECT_EQ(SumOf(std::vector<double>(10, 0.1)), 1.0);
}

TEST(ExactSumTest, TheMeanOfEqualValuesIsTheirValue) {
  for (const double value :
       {144.6, 0.1, -0.7, 1.0 / 3, 1e-300, 1e300, kMaxDouble, -kMaxDouble,
        kTiniest, 3 * kTiniest, std::numeric_limits<double>::min()}) {
    std::vector<double> values;
    for (int count = 1; count <= 1000; ++count) {
      values.push_back(value);
      ASSERT_EQ(MeanOf(values), value) << count;
    }
  }
}

TEST(ExactSumTest, AMeanGoesOnWhereASumWouldOverflow) {
  EXPECT_EQ(MeanOf({kMaxDouble, kMaxDouble, -kMaxDouble, -kMaxDouble}), 0);
  EXPECT_EQ(MeanOf({1.5e308, 0.5e308, 1e308}), 1e308);
  EXPECT_FALSE(std::isfinite(SumOf({kMaxDouble, kMaxDouble})));
}

// Doubles of every magnitude: their bits are random.
double AnyDouble(std::mt19937_64& random) {
  while (true) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) return value;
  }
}

TEST(ExactSumTest, AMeanLiesBetweenTheLeastAndTheGreatest) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20000; ++round) {
    const int kind = round % 4;
    const double base = AnyDouble(random);
    std::vector<double> values(1 + random() % 200);
    for (double& value : values) {
      value = AnyDouble(random);
      // Neighbours, which leave a mean next to no room.
      if (kind == 1) value = std::nextafter(base, random() % 2 ? 1e308 : 0);
      if (kind == 2) value = std::ldexp(value, random() % 2 ? -1000 : 0);
      if (kind == 3) value = random() % 50 ? base : base * 0.999;
    }
    const auto [least, greatest] = std::ranges::minmax(values);
    const double mean = MeanOf(values);
    ASSERT_LE(least, mean) << round;
    ASSERT_GE(greatest, mean) << round;
  }
}

TEST(ExactSumTest, TheMeanOfWholeNumbersIsRoundedOnce) {
  EXPECT_EQ(Mean(Int128{10}, 4), 2.5);
  EXPECT_EQ(Mean(Int128{-1}, 3), -1.0 / 3);
  EXPECT_EQ(Mean(Int128{100}, 3), 100.0 / 3);
  const Int128 most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Mean(most * 60, 60), 9223372036854775807.0);
  EXPECT_EQ(Mean(-most * 60, 60), -9223372036854775807.0);
}

TEST(ExactSumTest, AReadingIsTheDecimalThatWasSent) {
  const auto thousandths = [](const char* text) {
    double value = 0;
    std::from_chars(text, text + std::string_view(text).size(), value);
    return static_cast<int64_t>(*DecimalReading(value) / 1000);
  };
  EXPECT_EQ(thousandths("48211.123456"), 48211123456);
  EXPECT_EQ(thousandths("-0.000001"), -1);
  EXPECT_EQ(thousandths("999999.999999"), 999999999999);
  EXPECT_EQ(thousandths("48211123.4"), 48211123400000);
  EXPECT_EQ(thousandths("123456789012.3"), 123456789012300000);
  EXPECT_EQ(thousandths("1000000"), 1000000000000);
  EXPECT_TRUE(DecimalReading(999999999999999872.0).has_value());
  EXPECT_FALSE(DecimalReading(1e18).has_value());
  EXPECT_FALSE(DecimalReading(-kMaxDouble).has_value());
}

TEST(ExactSumTest, StepsBetweenDecimalReadingsAddUpAsDecimals) {
  // No neighbour is nearer, in 2^-20ths.
  const auto scaled = [](double mean) {
    return static_cast<Int128>(std::ldexp(mean, 20));
  };
  std::mt19937_64 random(11);
  for (int round = 0; round < 100000; ++round) {
    const auto count = static_cast<int64_t>(random() % 1000 + 1);
    const auto value = static_cast<int64_t>(random()) >> (random() % 14);
    const Int128 sum = static_cast<Int128>(value) * count +
                       static_cast<int64_t>(random() % 1000);
    const auto distance = [&](double mean) {
      const Int128 off = scaled(mean) * count - sum * (1 << 20);
      return off < 0 ? -off : off;
    };
    const double mean = Mean(sum, count);
    for (const double end : {-kMaxDouble, kMaxDouble}) {
      ASSERT_TRUE(distance(mean) <= distance(std::nextafter(mean, end)))
          << value << " " << count;
    }
  }
}

// The least and the greatest are rounded like the mean, which is between them.
TEST(ExactSumTest, AMeanOfWholeNumbersLiesBetweenThem) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 20000; ++round) {
    const auto base = static_cast<int64_t>(random()) / 2;
    Int128 sum = 0;
    int64_t least = std::numeric_limits<int64_t>::max();
    int64_t greatest = std::numeric_limits<int64_t>::min();
    const auto count = static_cast<int64_t>(random() % 9 + 1);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t value = base + static_cast<int64_t>(random() % 4);
      sum += value;
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
    ASSERT_GE(Mean(sum, count), static_cast<double>(least));
    ASSERT_LE(Mean(sum, count), static_cast<double>(greatest));
  }
}

}  // namespace
}  // namespace tacho
