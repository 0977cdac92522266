#include "pipeline/base/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace tacho {
namespace {

TEST(LatencyHistogramTest, EmptyHasNoQuantile) {
  EXPECT_EQ(LatencyHistogram().Quantile(0.5), 0u);
}

TEST(LatencyHistogramTest, QuantilesAreAtMostAnEighthOff) {
  std::mt19937_64 random(7);
  for (const uint64_t scale : {10u, 1000u, 1000000u, 2000000000u}) {
    LatencyHistogram histogram;
    std::vector<uint64_t> values;
    for (int i = 0; i < 5000; ++i) {
      values.push_back(random() % scale);
      histogram.Add(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.001, 0.25, 0.5, 0.9, 0.99, 1.0}) {
      const auto rank = static_cast<size_t>(std::ceil(q * 5000)) - 1;
      const uint64_t exact = values[rank];
      const uint64_t got = histogram.Quantile(q);
      EXPECT_NEAR(static_cast<double>(got), static_cast<double>(exact),
                  static_cast<double>(exact) * 0.126)
          << q << " of " << scale;
    }
    EXPECT_EQ(histogram.count(), 5000u);
  }
}

TEST(LatencyHistogramTest, AQuantileIsNoEdgeOfABucket) {
  LatencyHistogram histogram;
  for (uint64_t value = 458752; value < 524288; value += 64) {
    histogram.Add(value);
  }
  EXPECT_NEAR(static_cast<double>(histogram.Quantile(0.5)), 491520, 64);
  EXPECT_NEAR(static_cast<double>(histogram.Quantile(0.99)), 523632, 128);
}

TEST(LatencyHistogramTest, WhatIsOffTheScaleIsCountedInTheLastBucket) {
  LatencyHistogram histogram;
  histogram.Add(UINT64_MAX);
  EXPECT_GT(histogram.Quantile(1.0), uint64_t{3900} * 1000 * 1000);
}

}  // namespace
}  // namespace tacho
