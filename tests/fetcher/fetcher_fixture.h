// What the fetcher's tests share: a server, a fetcher that may go everywhere, one fetch at a time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "fetcher/fetcher.h"
#include "tests/support/http_server.h"

namespace crawld::fetcher {

class FetcherTest : public testing::Test {
 protected:
  FetcherTest() {
    options_.user_agent = "crawld-test/1 (+https://example.org/)";
    options_.allow_addresses = AllAddresses();
  }

  test::HttpServer& Serve(test::HttpServer::Handler handler) {
    server_ = std::make_unique<test::HttpServer>(std::move(handler));
    return *server_;
  }
  // Every request gets these bytes, and then the end of the connection.
  test::HttpServer& ServeBytes(const std::string& bytes) {
    return Serve([bytes](const test::Request&) { return test::Reply().Send(bytes).Close(); });
  }
  Fetcher& fetcher() {
    if (!fetcher_) fetcher_ = std::make_unique<Fetcher>(options_);
    return *fetcher_;
  }
  static FetchRequest RequestFor(const std::string& url) {
    FetchRequest request;
    request.url = *web::Url::Parse(url);
    return request;
  }
  FetchResult FetchUrl(const std::string& url, uint64_t pin = 0, uint64_t max_body = 0) {
    FetchRequest request = RequestFor(url);
    request.pin = pin;
    request.max_body = max_body;
    return fetcher().Submit(std::move(request)).Take();
  }
  FetchResult Fetch(const std::string& target = "/") { return FetchUrl(server_->Url(target)); }

  FetcherOptions options_;
  std::unique_ptr<test::HttpServer> server_;
  std::unique_ptr<Fetcher> fetcher_;
};

}  // namespace crawld::fetcher
