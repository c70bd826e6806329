// RequestFields: the header fields that go with every request, after Host and User-Agent.
//
// What identifies us to a server is sent and not told of: Authorization, Proxy-Authorization and
// Cookie, and all fields that single hosts have of their own, for they are where keys are.
//
// Immutable after construction; any thread may read it. libcurl has the list by pointer: it must
// outlive the transfers that were given it.
#pragma once

#include <curl/curl.h>

#include <string>
#include <utility>
#include <vector>

namespace crawld::fetcher {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// The value of Authorization, RFC 7617 section 2.
std::string BasicCredentials(const std::string& username, const std::string& password);

class RequestFields {
 public:
  // Accept and Accept-Encoding, and `headers`, which may take their place; then what is a host's
  // own, which may take the place of both.
  explicit RequestFields(const HeaderList& headers, const HeaderList& own = {});
  ~RequestFields();
  RequestFields(const RequestFields&) = delete;
  RequestFields& operator=(const RequestFields&) = delete;

  // As CURLOPT_HTTPHEADER wants them.
  curl_slist* list() const { return list_; }
  // As they are sent, a line each, but for what is secret.
  const std::string& text() const { return text_; }

 private:
  curl_slist* list_ = nullptr;
  std::string text_;
};

}  // namespace crawld::fetcher
