// Any bytes as a chunked body, a proxy, a host pattern, a range of addresses and a name server. The
// first byte says in what pieces the body comes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "fetcher/address_guard.h"
#include "fetcher/chunk_scanner.h"
#include "fetcher/host_rules.h"
#include "fetcher/proxy.h"
#include "fetcher/resolver.h"
#include "web/host_patterns.h"

namespace {

using namespace crawld;  // NOLINT(google-build-using-namespace)

void ScanChunks(std::string_view body, size_t piece) {
  fetcher::ChunkScanner whole;
  whole.Scan(body);
  CRAWLD_CHECK(whole.trailer_bytes() <= body.size(), "a trailer is part of its body");
  CRAWLD_CHECK(whole.trailer_fields() <= whole.trailer_bytes(), "a field has a byte at least");
  fetcher::ChunkScanner pieces;
  for (size_t at = 0; at < body.size(); at += piece) pieces.Scan(body.substr(at, piece));
  CRAWLD_CHECK(pieces.trailer_bytes() == whole.trailer_bytes() &&
                   pieces.trailer_fields() == whole.trailer_fields(),
               "how the bytes come makes no difference");
}

void ReadProxy(std::string_view text) {
  const auto proxy = fetcher::ProxyUrl::Parse(text);
  if (!proxy) return;
  CRAWLD_CHECK(!proxy->host.empty() && proxy->port != 0, "a proxy has a host and a port");
  const auto again = fetcher::ProxyUrl::Parse(proxy->ToString());
  CRAWLD_CHECK(again && again->host == proxy->host && again->port == proxy->port &&
                   again->kind == proxy->kind,
               "a proxy is read as it is written");
  CRAWLD_CHECK(again->username.empty() && again->password.empty(), "and written without secrets");
}

void ReadPattern(std::string_view text) {
  const auto pattern = web::HostPattern::Parse(text);
  if (!pattern) return;
  web::HostIndex index;
  index.Add(*pattern, 7);
  const std::string host = pattern->below ? "x." + pattern->name : pattern->name;
  CRAWLD_CHECK(index.Find(host) == size_t{7}, "a pattern matches what it names");
  if (!pattern->below) {
    const auto again = web::HostPattern::Parse(pattern->name);
    CRAWLD_CHECK(again && *again == *pattern, "a name is read as it is written");
  }
}

void ReadRange(std::string_view text) {
  if (const auto range = fetcher::AddressRange::Parse(text)) {
    CRAWLD_CHECK(range->bits <= 128 && range->first_port <= range->last_port,
                 "a range has a beginning and an end");
  }
  (void)fetcher::IsNameServer(text);
  fetcher::ProxyBypass bypass;
  if (!bypass.Add(text)) CRAWLD_CHECK(!bypass.empty(), "what was added is there");
  (void)bypass.Contains(text, 80);
  if (const auto address = fetcher::AddressOf(text)) {
    const bool v4 = address->IsV4();
    const std::string written = v4 ? address->ToString() : "[" + address->ToString() + "]";
    CRAWLD_CHECK(fetcher::AddressOf(written) == address, "an address is read as it is written");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ScanChunks(bytes, std::max<size_t>(data[0], 1));
  ReadProxy(bytes);
  ReadPattern(bytes);
  ReadRange(bytes);
  return 0;
}
