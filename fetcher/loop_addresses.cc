// Where a transfer goes: straight to its host or by a proxy, and what must be looked up for that.
#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "fetcher/multi.h"
#include "fetcher/transfer.h"
#include "web/ascii.h"

namespace crawld::fetcher {
namespace {

constexpr IpAddress kLoopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};

// RFC 6761 section 6.3.
bool IsLocalhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view kName = "localhost";
  if (host.size() < kName.size()) return false;
  const size_t at = host.size() - kName.size();
  return web::EqualIgnoringCase(host.substr(at), kName) && (at == 0 || host[at - 1] == '.');
}

}  // namespace

const ProxyUrl* Fetcher::Loop::ProxyFor(const Transfer& transfer) const {
  if (transfer.rule != nullptr && transfer.rule->options.proxy) {
    const ProxyChoice& choice = *transfer.rule->options.proxy;
    return choice ? &*choice : nullptr;
  }
  const web::Url& url = transfer.request.url;
  if (!options_.proxy || options_.no_proxy.Contains(url.host(), url.EffectivePort())) {
    return nullptr;
  }
  return &*options_.proxy;
}

std::optional<AddressKind> Fetcher::Loop::ProxiedRefusal(const Transfer& transfer) const {
  const web::Url& url = transfer.request.url;
  auto address = AddressOf(url.host());
  if (!address && IsLocalhost(url.host())) address = kLoopback;
  return address ? guard_.Refusal(*address, url.EffectivePort()) : std::nullopt;
}

void Fetcher::Loop::FindAddresses(std::unique_ptr<Transfer> transfer) {
  const std::string host(transfer->request.url.host());
  if (const ProxyUrl* proxy = transfer->proxy; proxy != nullptr) {
    if (const auto refusal = ProxiedRefusal(*transfer)) {
      DescribeRefusal(*transfer, *refusal, host);
      return End(*transfer);
    }
    if (!transfer->proxy_found && !AddressOf(proxy->host)) {
      return LookUp(std::move(transfer), proxy->host);
    }
    transfer->proxy_found = true;
    if (proxy->kind != ProxyUrl::Kind::kSocks5) return Launch(std::move(transfer));
  }
  if (AddressOf(host)) return Launch(std::move(transfer));
  LookUp(std::move(transfer), host);
}

void Fetcher::Loop::LookUp(std::unique_ptr<Transfer> transfer, const std::string& name) {
  const uint64_t number = next_number_++;
  transfer->asked = Clock::now();
  resolving_.emplace(number, std::move(transfer));
  resolver_->Resolve(
      name, [this, number](const Resolution& resolution) { Resolved(number, resolution); });
  CountResolving();
}

void Fetcher::Loop::AddAddresses(Transfer& transfer, std::string_view host, uint16_t port,
                                 const std::vector<IpAddress>& addresses) {
  std::string name = fmt::format("{}:{}", host, port);
  ++transfer.multi->names[name];
  transfer.names.push_back({std::move(name), addresses});
}

void Fetcher::Loop::PrepareAddresses(Transfer& transfer) {
  curl_slist* list = nullptr;
  // What no transfer needs any more is taken out by the next one; before that, libcurl has no ear.
  Multi& multi = *transfer.multi;
  while (!multi.unneeded.empty()) {
    const std::string old = std::move(multi.unneeded.back());
    multi.unneeded.pop_back();
    if (multi.names.contains(old)) continue;
    list = curl_slist_append(list, ("-" + old).c_str());
  }
  for (const auto& [name, addresses] : transfer.names) {
    std::string entry = "+" + name + ":";  // "+": in place of what it may have
    for (const IpAddress& address : addresses) {
      if (&address != &addresses.front()) entry += ',';
      entry += address.IsV4() ? address.ToString() : "[" + address.ToString() + "]";
    }
    list = curl_slist_append(list, entry.c_str());
  }
  CRAWLD_CHECK(curl_easy_setopt(transfer.easy, CURLOPT_RESOLVE, list) == CURLE_OK,
               "this libcurl takes addresses");
  curl_slist_free_all(std::exchange(transfer.addresses, list));  // of its first launch
}

void Fetcher::Loop::ForgetNames(const Transfer& transfer) {
  for (const auto& [name, addresses] : transfer.names) {
    Multi& multi = *transfer.multi;
    const auto it = multi.names.find(name);
    if (--it->second > 0) continue;
    multi.names.erase(it);
    multi.unneeded.push_back(name);
  }
}

}  // namespace crawld::fetcher
