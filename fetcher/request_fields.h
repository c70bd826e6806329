// RequestFields: the header fields that go with every request, after Host and User-Agent.
//
// Immutable after construction; any thread may read it. libcurl has the list by pointer: it must
// outlive the handles that were given it.
#pragma once

#include <curl/curl.h>

#include <string>
#include <utility>
#include <vector>

namespace crawld::fetcher {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

class RequestFields {
 public:
  // Accept and Accept-Encoding, and `headers`, which may take their place.
  explicit RequestFields(const HeaderList& headers);
  ~RequestFields();
  RequestFields(const RequestFields&) = delete;
  RequestFields& operator=(const RequestFields&) = delete;

  // As CURLOPT_HTTPHEADER wants them.
  curl_slist* list() const { return list_; }
  // As they are sent, a line each.
  const std::string& text() const { return text_; }

 private:
  curl_slist* list_ = nullptr;
  std::string text_;
};

}  // namespace crawld::fetcher
