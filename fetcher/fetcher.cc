#include "fetcher/fetcher.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <numeric>

#include "base/error.h"
#include "fetcher/cookie_jar.h"
#include "fetcher/loop.h"

namespace crawld::fetcher {
namespace {

void InitialiseCurlOnce() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
  if (code != CURLE_OK) {
    throw FatalError(std::string("libcurl cannot be initialised: ") + curl_easy_strerror(code));
  }
}

}  // namespace

Fetcher::Fetcher(const FetcherOptions& options) : budget_(options.memory_budget_bytes) {
  InitialiseCurlOnce();
  const auto trust = options.ca_file.empty() ? Trust::OfSystem() : Trust::FromFile(options.ca_file);
  const auto rules = std::make_shared<const HostRules>(options.hosts, options.headers);
  if (options.cookies) cookies_ = std::make_shared<CookieJar>(options.cookie_file);
  try {
    for (int i = 0; i < std::max(options.threads, 1); ++i) {
      loops_.push_back(
          std::make_unique<Loop>(options, i, trust, rules, cookies_, budget_, body_bytes_));
    }
  } catch (const FatalError&) {
    throw;
  } catch (const std::exception& e) {  // the standard library's, or Boost's
    throw FatalError(fmt::format(
        "no thread for fetches can be started (are there limits of threads or open files?): {}",
        e.what()));
  }
}

Fetcher::~Fetcher() = default;

concurrency::Future<FetchResult> Fetcher::Submit(FetchRequest request) {
  Loop& loop = *loops_[request.pin % loops_.size()];
  return loop.Submit(std::move(request));
}

concurrency::Future<std::string> Fetcher::LookUp(std::string host, uint64_t pin) {
  return loops_[pin % loops_.size()]->LookUp(std::move(host));
}

void Fetcher::SaveCookies() {
  if (cookies_) cookies_->Save();
}

void Fetcher::CancelAll() {
  for (const auto& loop : loops_) loop->CancelAll();
}

void Fetcher::Stop() {
  for (const auto& loop : loops_) loop->Stop();
}

size_t Fetcher::in_flight() const {
  return std::accumulate(loops_.begin(), loops_.end(), size_t{0},
                         [](size_t sum, const auto& loop) { return sum + loop->in_flight(); });
}

FetcherStats Fetcher::stats() const {
  FetcherStats stats;
  for (const auto& loop : loops_) loop->AddTo(stats);
  return stats;
}

}  // namespace crawld::fetcher
