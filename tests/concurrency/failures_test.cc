#include "concurrency/failures.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace crawld::concurrency {
namespace {

TEST(FailuresTest, DescribesAnyException) {
  EXPECT_EQ(DescribeException(nullptr), "");
  EXPECT_EQ(DescribeException(std::make_exception_ptr(std::runtime_error("no room"))), "no room");
  EXPECT_EQ(DescribeException(std::make_exception_ptr(42)),
            "an exception that is not a std::exception");
}

TEST(FailuresTest, CountsEachKindByItself) {
  const auto timers = FailureCount(FailureKind::kTimer);
  const auto threads = FailureCount(FailureKind::kThread);
  ReportFailure(FailureKind::kTimer, "a test", std::make_exception_ptr(std::runtime_error("x")));
  EXPECT_EQ(FailureCount(FailureKind::kTimer), timers + 1);
  EXPECT_EQ(FailureCount(FailureKind::kThread), threads);
}

TEST(FailuresTest, EveryKindHasALabelOfItsOwn) {
  EXPECT_EQ(ToString(FailureKind::kDoneCallback), "done_callback");
  EXPECT_EQ(ToString(FailureKind::kUnobservedError), "unobserved_error");
  EXPECT_EQ(ToString(FailureKind::kTimer), "timer");
  EXPECT_EQ(ToString(FailureKind::kBackground), "background");
  EXPECT_EQ(ToString(FailureKind::kThread), "thread");
}

}  // namespace
}  // namespace crawld::concurrency
