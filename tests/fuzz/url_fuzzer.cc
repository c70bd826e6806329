// Any bytes as a URL, alone and against bases. What parses must serialise to something that parses
// to the same, and the values made from it must hold their promises.
//
// The input is "base\nreference"; without a newline there is no base.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "web/host.h"
#include "web/registrable_domain.h"
#include "web/surt.h"
#include "web/url.h"
#include "web/url_key.h"

namespace {

using namespace crawld::web;  // NOLINT(google-build-using-namespace)

void Check(const Url& url) {
  const auto again = Url::Parse(url.href());
  CRAWLD_CHECK(again && again->href() == url.href(), "parse of serialise is the identity");
  CRAWLD_CHECK(again->scheme() == url.scheme() && again->username() == url.username() &&
                   again->password() == url.password() && again->host() == url.host() &&
                   again->port() == url.port() && again->path() == url.path() &&
                   again->query() == url.query() && again->fragment() == url.fragment() &&
                   again->has_opaque_path() == url.has_opaque_path(),
               "component by component");
  CRAWLD_CHECK(url.href().size() <= kMaxUrlBytes, "the length limit holds");
  for (const char c : url.href()) {
    CRAWLD_CHECK(static_cast<unsigned char>(c) < 0x80, "a serialised URL is ASCII");
  }
  for (unsigned bits = 0; bits < 8; ++bits) {
    const CrawlKeyOptions options{.drop_session_ids = (bits & 1) != 0,
                                  .drop_tracking = (bits & 2) != 0,
                                  .sort_query = (bits & 4) != 0};
    const std::string key = CrawlKey(url, options);
    const auto parsed = Url::Parse(key);
    CRAWLD_CHECK(parsed && CrawlKey(*parsed, options) == key, "key of key is key");
  }
  (void)Surt(url);
  const std::string_view domain = RegistrableDomain(url.host());
  CRAWLD_CHECK(url.host().ends_with(domain), "a registrable domain is the end of its host");
  Url bare = url;
  bare.DropFragment();
  bare.DropCredentials();
  const auto parsed = Url::Parse(bare.href());
  CRAWLD_CHECK(parsed && parsed->href() == bare.href() && parsed->path() == bare.path() &&
                   parsed->host() == bare.host(),
               "what is left after dropping is a URL");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t newline = input.find('\n');
  const std::string_view reference =
      newline == std::string_view::npos ? input : input.substr(newline + 1);
  if (const auto url = Url::Parse(reference)) Check(*url);
  if (newline == std::string_view::npos) return 0;
  const auto base = Url::Parse(input.substr(0, newline));
  if (!base) return 0;
  if (const auto url = Url::Parse(reference, *base)) Check(*url);
  return 0;
}
