#include "concurrency/histogram.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace crawld::concurrency {
namespace {

using std::chrono::microseconds;

TEST(HistogramTest, ADurationCountsInTheFirstBucketThatHoldsIt) {
  Histogram histogram;
  histogram.Observe(microseconds(-5));
  histogram.Observe(microseconds(0));
  histogram.Observe(microseconds(500));  // a bound belongs to its bucket
  histogram.Observe(microseconds(501));
  histogram.Observe(std::chrono::seconds(120));
  histogram.Observe(std::chrono::hours(1));
  const auto counts = histogram.Read();
  EXPECT_EQ(counts.buckets.front(), 3U);
  EXPECT_EQ(counts.buckets[1], 1U);
  EXPECT_EQ(counts.buckets[Histogram::kBounds.size() - 1], 1U);
  EXPECT_EQ(counts.buckets.back(), 1U);
  EXPECT_EQ(counts.total(), 6U);
  EXPECT_EQ(counts.sum, microseconds(1001) + std::chrono::seconds(3720));
}

TEST(HistogramTest, NoDurationIsLostBetweenThreads) {
  Histogram histogram;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&histogram] {
        for (int n = 0; n < 10'000; ++n) histogram.Observe(microseconds(n));
      });
    }
  }
  EXPECT_EQ(histogram.Read().total(), 40'000U);
  EXPECT_EQ(histogram.Read().sum, microseconds(4LL * 10'000 * 9'999 / 2));
}

}  // namespace
}  // namespace crawld::concurrency
