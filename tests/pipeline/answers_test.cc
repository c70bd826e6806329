// What an answer means: done, again later, or given up.
#include <chrono>
#include <optional>

#include "tests/pipeline/page_worker_fixture.h"
#include "tests/support/site.h"

namespace crawld::pipeline {
namespace {

using fetcher::FetchError;
using fetcher::FetchResult;
using frontier::Outcome;
using frontier::TaskKind;

struct Case {
  const char* name;
  int status;  // 0: `error` alone
  std::optional<FetchError> error;
  uint16_t tries;           // failed before
  const char* retry_after;  // "" if there is none
  Outcome outcome;
  bool archived;
  int64_t retry_s;  // after now; kRetry only
  int64_t hold_s;   // after now; -1: the host is not held
  const char* reason;
};

constexpr std::optional<FetchError> kNoError = std::nullopt;

const Case kCases[] = {
    {"an answer is done", 200, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"so is a missing page", 404, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"and a forbidden one", 403, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"and one that is gone", 410, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"not implemented stays so", 501, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"nothing changed", 304, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"a status out of the ordinary", 999, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"a server's error may pass", 500, kNoError, 0, "", Outcome::kRetry, false, 5, -1,
     "status_500"},
    {"and is asked for after twice the time", 500, kNoError, 1, "", Outcome::kRetry, false, 10, -1,
     "status_500"},
    {"and four times", 500, kNoError, 2, "", Outcome::kRetry, false, 20, -1, "status_500"},
    {"the last try is kept", 500, kNoError, 3, "", Outcome::kDone, true, 0, -1, ""},
    {"also after more tries than allowed", 500, kNoError, 9, "", Outcome::kDone, true, 0, -1, ""},
    {"408", 408, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_408"},
    {"425", 425, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_425"},
    {"502", 502, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_502"},
    {"504", 504, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_504"},
    {"too many requests hold the host", 429, kNoError, 0, "", Outcome::kRetry, false, 5, 5,
     "status_429"},
    {"so does unavailable", 503, kNoError, 1, "", Outcome::kRetry, false, 10, 10, "status_503"},
    {"at the last try too", 503, kNoError, 3, "", Outcome::kDone, true, 0, 40, ""},
    {"Retry-After in seconds", 503, kNoError, 0, "120", Outcome::kRetry, false, 120, 120,
     "status_503"},
    {"Retry-After as a date", 429, kNoError, 0, "Tue, 14 Nov 2023 22:14:50 GMT", Outcome::kRetry,
     false, 90, 90, "status_429"},
    {"Retry-After of now is a second, and the back-off holds", 429, kNoError, 0, "0",
     Outcome::kRetry, false, 5, 1, "status_429"},
    {"a date in the past is a second", 503, kNoError, 0, "Tue, 14 Nov 2023 22:00:00 GMT",
     Outcome::kRetry, false, 5, 1, "status_503"},
    {"Retry-After has a bound", 503, kNoError, 0, "99999999", Outcome::kRetry, false, 3600, 3600,
     "status_503"},
    {"garbage in Retry-After is the back-off", 503, kNoError, 0, "soon", Outcome::kRetry, false, 5,
     5, "status_503"},
    {"negative Retry-After is garbage", 503, kNoError, 0, "-5", Outcome::kRetry, false, 5, 5,
     "status_503"},
    {"Retry-After of another status holds nobody", 500, kNoError, 0, "120", Outcome::kRetry, false,
     5, -1, "status_500"},
    {"no connection may pass", 0, FetchError::kConnect, 0, "", Outcome::kRetry, false, 5, -1,
     "connect"},
    {"no name may pass", 0, FetchError::kDns, 2, "", Outcome::kRetry, false, 20, -1, "dns"},
    {"no answer at the last try is a failure", 0, FetchError::kFirstByteTimeout, 3, "",
     Outcome::kFailed, false, 0, -1, "first_byte_timeout"},
    {"garbage may pass", 0, FetchError::kProtocol, 0, "", Outcome::kRetry, false, 5, -1,
     "protocol"},
    {"no URL stays none", 0, FetchError::kBadUrl, 0, "", Outcome::kFailed, false, 0, -1, "bad_url"},
    {"a head beyond the limit stays so", 0, FetchError::kHeadTooLarge, 0, "", Outcome::kFailed,
     false, 0, -1, "head_too_large"},
    {"half a body is asked for again", 200, FetchError::kBodyShort, 0, "", Outcome::kRetry, false,
     5, -1, "body_short"},
    {"half a body at the last try is kept", 200, FetchError::kBodyShort, 3, "", Outcome::kDone,
     true, 0, -1, "body_short"},
    {"a stalled body at the last try is kept", 200, FetchError::kIdleTimeout, 3, "", Outcome::kDone,
     true, 0, -1, "idle_timeout"},
};

// Of a back-off up to a quarter is taken off, so that not all come back at once.
testing::AssertionResult IsBackoff(Millis wait, Millis whole) {
  if (wait <= whole && wait >= whole * 3 / 4) return testing::AssertionSuccess();
  return testing::AssertionFailure() << wait << " of " << whole;
}

TEST_F(PageWorkerTest, AnAnswerIsDoneAgainLaterOrGivenUp) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    test::Headers headers;
    if (*c.retry_after != '\0') headers.emplace_back("Retry-After", c.retry_after);
    FetchResult fetched = c.status != 0 ? Fetched(c.status, headers, "body") : Failed(*c.error);
    if (c.error) fetched.Fail(*c.error);
    const PageResult result = ProcessPage(std::move(fetched), c.tries);
    const frontier::Completion& completion = result.completion;
    EXPECT_EQ(completion.outcome, c.outcome);
    EXPECT_EQ(!result.bundle.warc.empty(), c.archived);
    EXPECT_EQ(!result.bundle.page.empty(), c.archived);
    EXPECT_EQ(completion.status, c.status);
    EXPECT_EQ(completion.reason, c.reason);
    if (c.outcome == Outcome::kRetry) {
      EXPECT_TRUE(IsBackoff(completion.retry_at - kNow, std::chrono::seconds(c.retry_s)));
      EXPECT_GE(completion.retry_at, completion.hold_host_until);
    }
    const bool asked_for = c.hold_s == 1 || c.hold_s >= 90;
    if (asked_for) {
      EXPECT_EQ(completion.hold_host_until - kNow, std::chrono::seconds(c.hold_s));
    } else if (c.hold_s >= 0) {
      EXPECT_TRUE(IsBackoff(completion.hold_host_until - kNow, std::chrono::seconds(c.hold_s)));
    } else {
      EXPECT_EQ(completion.hold_host_until, WallTime{});
    }
    EXPECT_EQ(completion.reach,
              c.status != 0                                       ? frontier::Reach::kAnswered
              : ContactOf(*c.error) == fetcher::Contact::kSilence ? frontier::Reach::kSilent
              : ContactOf(*c.error) == fetcher::Contact::kAnswer  ? frontier::Reach::kAnswered
                                                                  : frontier::Reach::kUnknown);
    EXPECT_EQ(LogLine(result).at("try").to_number<int>(), c.tries + 1);
  }
}

TEST_F(PageWorkerTest, AKeptConnectionThatBrokeIsTriedAgainWithoutBackOff) {
  FetchResult broken = Failed(FetchError::kReset);
  broken.retry = fetcher::RetryAdvice::kFresh;
  const PageResult again = ProcessPage(broken, 2);
  EXPECT_EQ(again.completion.outcome, Outcome::kRetry);
  EXPECT_EQ(again.completion.retry_at, kNow);
  EXPECT_EQ(ProcessPage(broken, 3).completion.outcome, Outcome::kFailed) << "it counts as a try";
}

TEST_F(PageWorkerTest, TheBackOffHasABound) {
  options_.max_tries = 100;
  EXPECT_TRUE(IsBackoff(ProcessPage(Fetched(500), 9).completion.retry_at - kNow,
                        std::chrono::seconds(2560)));
  for (const uint16_t tries : {10, 64, 98}) {
    EXPECT_TRUE(
        IsBackoff(ProcessPage(Fetched(500), tries).completion.retry_at - kNow, kMaxBackoff));
  }
  options_.backoff = Millis(0);
  EXPECT_EQ(ProcessPage(Fetched(500), 98).completion.retry_at, kNow);
}

TEST_F(PageWorkerTest, WithOneTryTheFirstIsTheLast) {
  options_.max_tries = 1;
  EXPECT_EQ(ProcessPage(Fetched(503)).completion.outcome, Outcome::kDone);
  EXPECT_EQ(ProcessPage(Failed(FetchError::kConnect)).completion.outcome, Outcome::kFailed);
}

TEST_F(PageWorkerTest, WhatWasCancelledIsGivenBackAndLeavesNoTrace) {
  for (const TaskKind kind : {TaskKind::kPage, TaskKind::kRobots, TaskKind::kSitemap}) {
    const PageResult result =
        Process(TaskFor(kind, "http://a.test/x", 2), Failed(FetchError::kCancelled));
    EXPECT_EQ(result.completion.outcome, Outcome::kGivenBack);
    EXPECT_EQ(result.completion.task.info.tries, 2);
    EXPECT_EQ(result.bundle.size(), 0U);
  }
}

}  // namespace
}  // namespace crawld::pipeline
