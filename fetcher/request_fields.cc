#include "fetcher/request_fields.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <string_view>

namespace crawld::fetcher {
namespace {

constexpr std::string_view kAccept =
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
constexpr std::string_view kAcceptEncoding = "gzip, deflate, br, zstd";

// A header that is configured takes the place of the default of its name.
HeaderList WithDefaults(const HeaderList& given) {
  HeaderList headers;
  for (const auto& [name, value] :
       {std::pair("Accept", kAccept), std::pair("Accept-Encoding", kAcceptEncoding)}) {
    const bool there = std::any_of(given.begin(), given.end(), [name = name](const auto& header) {
      return strcasecmp(header.first.c_str(), name) == 0;
    });
    if (!there) headers.emplace_back(name, value);
  }
  headers.insert(headers.end(), given.begin(), given.end());
  return headers;
}

// A field as sent. libcurl's "Name;" is a field without a value, its "Name:" is no field at all.
std::string FieldOf(const std::string& name, const std::string& value) {
  return value.empty() ? name + ":" : fmt::format("{}: {}", name, value);
}

}  // namespace

RequestFields::RequestFields(const HeaderList& headers) {
  for (const auto& [name, value] : WithDefaults(headers)) {
    const std::string field = FieldOf(name, value);
    list_ = curl_slist_append(list_, value.empty() ? (name + ";").c_str() : field.c_str());
    text_ += field + "\r\n";
  }
}

RequestFields::~RequestFields() { curl_slist_free_all(list_); }

}  // namespace crawld::fetcher
