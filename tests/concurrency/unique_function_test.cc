#include "concurrency/unique_function.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>

namespace crawld::concurrency {
namespace {

TEST(UniqueFunctionTest, HoldsACallableThatCanOnlyBeMoved) {
  UniqueFunction<int(int)> fn = [held = std::make_unique<int>(40)](int n) { return *held + n; };
  EXPECT_EQ(fn(2), 42);
  UniqueFunction<int(int)> moved = std::move(fn);
  EXPECT_EQ(moved(3), 43);
  EXPECT_FALSE(fn);  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(UniqueFunctionTest, HoldsALargeCallable) {
  std::array<int, 100> large{};
  large[99] = 7;
  UniqueFunction<int()> fn = [large] { return large[99]; };
  UniqueFunction<int()> moved;
  moved = std::move(fn);
  EXPECT_EQ(moved(), 7);
}

TEST(UniqueFunctionTest, PassesReferencesAndMoveOnlyArguments) {
  UniqueFunction<void(int&, std::unique_ptr<int>)> fn = [](int& out, std::unique_ptr<int> in) {
    out = *in;
  };
  int out = 0;
  fn(out, std::make_unique<int>(9));
  EXPECT_EQ(out, 9);
}

TEST(UniqueFunctionTest, DestroysWhatItHoldsExactlyOnce) {
  const auto small = std::make_shared<int>(1);
  const std::array<char, 200> padding{};
  {
    UniqueFunction<void()> a = [small] {};
    UniqueFunction<void()> b = [small, padding] { static_cast<void>(padding); };
    EXPECT_EQ(small.use_count(), 3);
    a = std::move(b);
    EXPECT_EQ(small.use_count(), 2);
    a = {};
    EXPECT_EQ(small.use_count(), 1);
  }
  EXPECT_EQ(small.use_count(), 1);
}

TEST(UniqueFunctionDeathTest, CallingAnEmptyOneIsABrokenInvariant) {
  UniqueFunction<void()> fn;
  EXPECT_DEATH(fn(), "only a function that is there");
}

}  // namespace
}  // namespace crawld::concurrency
