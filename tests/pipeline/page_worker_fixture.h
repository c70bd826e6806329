// A worker of its own a page, with answers made by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/page_worker.h"
#include "tests/support/http_server.h"

namespace crawld::pipeline {

inline constexpr WallTime kNow{Millis(1'700'000'000'000)};  // Tue, 14 Nov 2023 22:13:20 GMT
inline constexpr std::chrono::seconds kBackoff{5};
inline constexpr std::chrono::seconds kMaxBackoff{3600};

class PageWorkerTest : public testing::Test {
 protected:
  PageWorkerTest() {
    options_.follow = parser::KindBit(parser::LinkKind::kA);
    options_.max_tries = 4;
    options_.backoff = kBackoff;
    options_.max_backoff = kMaxBackoff;
    options_.robots_token = "crawld";
    scope_options_.max_redirects = 3;
  }

  static frontier::Task TaskFor(frontier::TaskKind kind, const std::string& url,
                                uint16_t tries = 0) {
    frontier::Task task;
    task.url = *web::Url::Parse(url);
    task.info.kind = kind;
    task.info.tries = tries;
    if (kind == frontier::TaskKind::kRobots) task.robots_origin = task.url;
    return task;
  }
  static fetcher::FetchResult Fetched(int status, test::Headers headers = {},
                                      std::string body = "") {
    fetcher::FetchResult result;
    result.status = status;
    result.request_head = "GET / HTTP/1.1\r\n\r\n";
    result.response_head = test::ResponseHead(status, headers);
    result.body = std::move(body);
    result.protocol = "http/1.1";
    result.ip = "127.0.0.1";
    result.begun = kNow;
    return result;
  }
  static fetcher::FetchResult Failed(fetcher::FetchError error) {
    fetcher::FetchResult result;
    result.Fail(error);
    result.detail = "why";
    result.begun = kNow;
    return result;
  }
  static fetcher::FetchResult HtmlPage(std::string body) {
    return Fetched(200, {{"Content-Type", "text/html"}}, std::move(body));
  }
  PageResult Process(frontier::Task task, fetcher::FetchResult fetched) {
    scope_ = *frontier::Scope::Create(scope_options_);
    PageWorker worker(options_, *scope_, [this](const frontier::Discovery& found) {
      return seen_.contains(std::string(found.url.href()));
    });
    return worker.Process(std::move(task), std::move(fetched), kNow);
  }
  PageResult ProcessPage(fetcher::FetchResult fetched, uint16_t tries = 0) {
    return Process(TaskFor(frontier::TaskKind::kPage, "http://a.test/dir/page", tries),
                   std::move(fetched));
  }
  static std::vector<std::string> Urls(const PageResult& result,
                                       std::optional<frontier::Verdict> verdict = std::nullopt) {
    std::vector<std::string> urls;
    for (const frontier::Discovery& found : result.completion.found) {
      if (!verdict || found.verdict == *verdict) urls.emplace_back(found.url.href());
    }
    return urls;
  }
  static boost::json::object PageRecord(const PageResult& result) {
    return boost::json::parse(result.bundle.page + "}").as_object();
  }
  static boost::json::object LogLine(const PageResult& result) {
    return boost::json::parse(result.bundle.log).as_object();
  }

  PageWorkerOptions options_;
  frontier::ScopeOptions scope_options_;
  std::unique_ptr<frontier::Scope> scope_;
  std::set<std::string> seen_;
};

}  // namespace crawld::pipeline
