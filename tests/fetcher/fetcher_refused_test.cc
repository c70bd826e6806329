// The fetcher: what the system refuses it: memory, threads, descriptors.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/sanitized.h"

namespace crawld::fetcher {
namespace {

using test::Request;

// What an event loop asks for at once, from so many bytes on, is refused.
std::atomic<size_t> refused_from = SIZE_MAX;

[[maybe_unused]] bool OnEventLoop() {
  std::array<char, 16> name{};
  return pthread_getname_np(pthread_self(), name.data(), name.size()) == 0 &&
         std::string_view(name.data()).starts_with("fetch-");
}

}  // namespace
}  // namespace crawld::fetcher

#if CRAWLD_SANITIZED == 0
#if defined(__GNUC__) && !defined(__clang__)
// Once it is inlined, the compiler no longer sees that the two belong together.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(size_t size) {
  if (size >= crawld::fetcher::refused_from.load(std::memory_order_relaxed) &&
      crawld::fetcher::OnEventLoop()) {
    throw std::bad_alloc();
  }
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace crawld::fetcher {
namespace {

class FetcherRefusedTest : public FetcherTest {
 protected:
  ~FetcherRefusedTest() override { refused_from = SIZE_MAX; }
};

TEST_F(FetcherRefusedTest, WithoutMemoryForABodyTheTransferEndsAndNothingElse) {
  if (test::kSanitized) GTEST_SKIP();
  Serve([](const Request& request) {
    return test::Answer(200, std::string(request.target == "/" ? 10 : 3'000'000, 'x'));
  });
  EXPECT_EQ(Fetch("/").status, 200);
  refused_from = 1 << 20;
  EXPECT_EQ(Fetch("/big").error, FetchError::kInternal);
  EXPECT_EQ(Fetch("/").body.size(), 10U);
  refused_from = SIZE_MAX;
  EXPECT_EQ(Fetch("/big").body.size(), 3'000'000U);
  EXPECT_EQ(fetcher().budget().used(), 0U);
  EXPECT_EQ(fetcher().body_bytes(), 0U);
}

TEST_F(FetcherRefusedTest, WithoutMemoryForAHeadTheTransferEndsAndNothingElse) {
  if (test::kSanitized) GTEST_SKIP();
  test::Headers fields;
  for (int i = 0; i < 100; ++i) fields.emplace_back("X-Field", std::string(1000, 'x'));
  Serve([fields](const Request& request) {
    return test::Answer(200, "x", request.target == "/" ? test::Headers() : fields);
  });
  EXPECT_EQ(Fetch("/").status, 200);
  refused_from = 40'000;
  const FetchResult result = Fetch("/big");
  EXPECT_EQ(result.error, FetchError::kInternal);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(Fetch("/").status, 200);
  refused_from = SIZE_MAX;
  EXPECT_EQ(Fetch("/big").status, 200);
}

TEST_F(FetcherRefusedTest, WithoutAThreadItDoesNotStart) {
  pthread_attr_t usual{};
  pthread_attr_t huge{};
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(pthread_getattr_default_np(&huge), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 46), 0);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  EXPECT_THROW(fetcher(), FatalError);
  ASSERT_EQ(pthread_setattr_default_np(&usual), 0);
  pthread_attr_destroy(&usual);
  pthread_attr_destroy(&huge);
}

TEST_F(FetcherRefusedTest, WithoutDescriptorsItDoesNotStart) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer needs descriptors itself";
  fetcher();  // what is read once a process is read
  fetcher_.reset();
  rlimit usual{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_THROW(fetcher(), FatalError);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  Serve([](const Request&) { return test::Html("x"); });
  EXPECT_EQ(Fetch().status, 200);
}

}  // namespace
}  // namespace crawld::fetcher
