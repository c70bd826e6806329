#include "fetcher/request_fields.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <string_view>

#include "web/ascii.h"

namespace crawld::fetcher {
namespace {

constexpr std::string_view kAccept =
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
constexpr std::string_view kAcceptEncoding = "gzip, deflate, br, zstd";

bool Has(const HeaderList& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [name](const auto& header) {
    return web::EqualIgnoringCase(header.first, name);
  });
}

bool IsSecret(std::string_view name) {
  return web::EqualIgnoringCase(name, "authorization") ||
         web::EqualIgnoringCase(name, "proxy-authorization") ||
         web::EqualIgnoringCase(name, "cookie");
}

// A field as sent. libcurl's "Name;" is a field without a value, its "Name:" is no field at all.
std::string FieldOf(std::string_view name, std::string_view value) {
  return value.empty() ? fmt::format("{}:", name) : fmt::format("{}: {}", name, value);
}

}  // namespace

std::string BasicCredentials(const std::string& username, const std::string& password) {
  const std::string plain = username + ":" + password;
  std::string text((plain.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(plain.data()),
                                   static_cast<int>(plain.size()));
  text.resize(static_cast<size_t>(size));
  return "Basic " + text;
}

RequestFields::RequestFields(const HeaderList& headers, const HeaderList& own) {
  const auto add = [this](std::string_view name, std::string_view value, bool secret) {
    const std::string field = FieldOf(name, value);
    list_ =
        curl_slist_append(list_, value.empty() ? fmt::format("{};", name).c_str() : field.c_str());
    if (!secret) text_ += field + "\r\n";
  };
  for (const auto& [name, value] :
       {std::pair("Accept", kAccept), std::pair("Accept-Encoding", kAcceptEncoding)}) {
    if (!Has(headers, name) && !Has(own, name)) add(name, value, false);
  }
  for (const auto& [name, value] : headers) {
    if (!Has(own, name)) add(name, value, IsSecret(name));
  }
  for (const auto& [name, value] : own) add(name, value, true);
}

RequestFields::~RequestFields() { curl_slist_free_all(list_); }

}  // namespace crawld::fetcher
