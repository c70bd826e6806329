// What libcurl is told of a transfer, and what it tells of the answer.
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "fetcher/multi.h"
#include "fetcher/socket.h"
#include "fetcher/transfer.h"
#include "web/ascii.h"

namespace crawld::fetcher {
namespace {

constexpr size_t kMaxIdleHandles = 64;
constexpr uint64_t kMaxFirstReserve = 1 << 20;
constexpr long kReceiveBuffer = 16 << 10;  // libcurl's own: there may be thousands
constexpr long kMaxIdleSeconds = 60;       // after which a connection is not used again

template <typename T>
void Set(CURL* easy, CURLoption option, T value) {
  CRAWLD_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK,
               "this libcurl knows the options that are set");
}

// No exception may leave through libcurl's frames: it ends the transfer, and nothing else.
template <typename Transfer, typename Take>
size_t Guarded(Transfer& transfer, const Take& take) {
  try {
    return take();
  } catch (const std::exception&) {  // no memory
    transfer.ended_by_us = FetchError::kInternal;
    return 0;
  }
}

constexpr std::string_view kTransferEncoding = "transfer-encoding:";
constexpr std::string_view kContentLength = "content-length:";
constexpr std::string_view kSetCookie = "set-cookie:";

std::string_view TrimBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// Whether the connection is an HTTP/2 one, whatever its answers call themselves.
bool SpeaksHttp2(CURL* easy) {
  curl_tlssessioninfo* tls = nullptr;
  curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls);
  if (tls == nullptr || tls->backend != CURLSSLBACKEND_OPENSSL || tls->internals == nullptr) {
    return false;
  }
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(static_cast<SSL*>(tls->internals), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "h2";
}

}  // namespace

void Fetcher::Loop::Transfer::NoteLength(std::string_view field_value) {
  while (true) {
    const size_t comma = std::min(field_value.find(','), field_value.size());
    const std::string_view text = TrimBlanks(field_value.substr(0, comma));
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) value = UINT64_MAX;  // more than will ever come
    if (error == std::errc::invalid_argument || end != text.data() + text.size() ||
        length.value_or(value) != value) {
      bad_length = true;
    }
    length = value;
    if (comma == field_value.size()) return;
    field_value.remove_prefix(comma + 1);
  }
}

CURL* Fetcher::Loop::TakeHandle() {
  if (!idle_handles_.empty()) {
    CURL* easy = idle_handles_.back();
    idle_handles_.pop_back();
    return easy;
  }
  CURL* easy = curl_easy_init();
  if (easy == nullptr) return nullptr;
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_PATH_AS_IS, 1L);
  Set(easy, CURLOPT_PROXY, "");  // not what the environment says
  Set(easy, CURLOPT_NOPROXY, "");
  // The addresses that a transfer brings (CURLOPT_RESOLVE) outlast it, even when it first waits for
  // another's connection: libcurl is never to look a name up itself, past the guard and the loop.
  // For ever, until a later transfer takes them away (PrepareAddresses()): else libcurl would look
  // through all of them at the end of each transfer for those that are too old.
  Set(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
  Set(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  Set(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  Set(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  Set(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  Set(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  // Certificates and sessions are ours, see tls.h; libcurl loads none and keeps none.
  Set<const char*>(easy, CURLOPT_CAINFO, nullptr);
  Set<const char*>(easy, CURLOPT_CAPATH, nullptr);
  Set<const char*>(easy, CURLOPT_PROXY_CAINFO, nullptr);
  Set<const char*>(easy, CURLOPT_PROXY_CAPATH, nullptr);
  Set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  Set(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  Set(easy, CURLOPT_SSL_CTX_FUNCTION, &OnTls);
  if (cookies_) {
    Set(easy, CURLOPT_SHARE, cookies_->share());
    Set(easy, CURLOPT_COOKIEFILE, "");  // no file: they are taken and sent
  }
  Set(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  Set(easy, CURLOPT_PREREQFUNCTION, &OnRequest);
  Set(easy, CURLOPT_OPENSOCKETFUNCTION, &OnOpen);
  Set(easy, CURLOPT_CLOSESOCKETFUNCTION, &OnClose);
  Set(easy, CURLOPT_CLOSESOCKETDATA, this);
  return easy;
}

void Fetcher::Loop::GiveHandleBack(CURL* easy) {
  if (idle_handles_.size() < kMaxIdleHandles) {
    idle_handles_.push_back(easy);
  } else {
    curl_easy_cleanup(easy);
  }
}

void Fetcher::Loop::Prepare(Transfer& transfer) {
  const web::Url& url = transfer.request.url;
  CURL* easy = transfer.easy;
  Set(easy, CURLOPT_URL, std::string(url.HrefWithoutFragment()).c_str());
  // Of several requests to an HTTP/2 host, the later ones wait for the first one's connection.
  const HostRules::Rule* const rule = transfer.rule;
  const bool tls = url.scheme() == "https";
  const bool http2 =
      tls && (rule != nullptr ? rule->options.http2.value_or(options_.http2) : options_.http2);
  Set(easy, CURLOPT_PIPEWAIT, http2 ? 1L : 0L);
  // HTTP/2 comes by ALPN alone. Elsewhere it would let libcurl believe an answer in plain text that
  // calls itself HTTP/2, and send several requests at once behind it.
  Set(easy, CURLOPT_HTTP_VERSION,
      static_cast<long>(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (tls) {
    const bool verify = rule == nullptr || rule->options.verify_tls;
    Set(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    Set(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  }
  if (any_proxy_) PrepareProxy(transfer);
  // Set anew each time: a handle that is used again must not bring one host's key to another.
  const RequestFields& fields = rule != nullptr ? *rule->fields : fields_;
  Set(easy, CURLOPT_HTTPHEADER, fields.list());
  Set(easy, CURLOPT_PRIVATE, &transfer);
  Set(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  Set(easy, CURLOPT_PREREQDATA, &transfer);
  Set(easy, CURLOPT_SSL_CTX_DATA, &transfer);
  Set(easy, CURLOPT_FORBID_REUSE, 0L);
  Set(easy, CURLOPT_FRESH_CONNECT, transfer.request.fresh_connection ? 1L : 0L);
  PrepareAddresses(transfer);
  // What is left of the time after the name was looked up.
  const auto spent = std::chrono::floor<Millis>(Clock::now() - transfer.begun);
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::max(options_.connect_timeout - spent, Millis(1)).count()));
  Set(easy, CURLOPT_HEADERDATA, &transfer);
  Set(easy, CURLOPT_WRITEDATA, &transfer);
  // As libcurl writes it; tests/fetcher compares it with what a server reads.
  const auto port = url.port();
  transfer.result.request_head = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}{}\r\nUser-Agent: {}\r\n{}\r\n", url.PathAndQuery(), url.host(),
      port ? fmt::format(":{}", *port) : "", options_.user_agent, fields.text());
}

CURLcode Fetcher::Loop::OnTls(CURL*, void* context, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  Loop& loop = *transfer.loop;
  transfer.shaking_hands = true;
  const web::Url& url = transfer.request.url;
  const HostRules::Rule* const rule = transfer.rule;
  const bool verify = rule == nullptr || rule->options.verify_tls;
  const bool own = rule != nullptr && rule->trust != nullptr;
  try {
    const bool done = loop.tls_.SetUp(
        static_cast<SSL_CTX*>(context), own ? *rule->trust : *loop.trust_,
        // An https proxy's handshakes come here too; its sessions are not the host's.
        transfer.proxy != nullptr && transfer.proxy->kind == ProxyUrl::Kind::kHttps
            ? ""
            : fmt::format("{}:{}{}", url.host(), url.EffectivePort(), verify ? "" : " unverified"));
    return done ? CURLE_OK : CURLE_OUT_OF_MEMORY;
  } catch (const std::exception&) {
    return CURLE_OUT_OF_MEMORY;  // no exception may leave through libcurl's frames
  }
}

// libcurl is about to send the request. It sends it again by itself, at once and on any connection,
// when a kept one breaks before the answer: a request that the rules of politeness know nothing of.
int Fetcher::Loop::OnRequest(void* user, char* peer_ip, char*, int peer_port, int local_port) {
  auto& transfer = *static_cast<Transfer*>(user);
  // What lies in a kept connection before the request is sent is no answer, but would be taken for
  // one. HTTP/2 has frames of its own that come at any time.
  Loop& loop = *transfer.loop;
  const Socket* const kept = loop.FindKept(peer_ip, peer_port, local_port);
  // A new connection's peer that speaks first would do so again: that is judged by its answer.
  if (!transfer.sent && !transfer.request.fresh_connection && kept != nullptr && kept->HasInput() &&
      !SpeaksHttp2(transfer.easy)) {
    transfer.spoiled = true;
    return CURL_PREREQFUNC_ABORT;
  }
  // libcurl finds out that a server has closed one when it opens another with the same handle:
  // those of a handle with nothing to do must not take the places of all, so each has its share.
  if (kept == nullptr && loop.kept_.size() >= loop.options_.max_kept_connections &&
      transfer.multi->kept >= loop.max_kept_) {
    Set(transfer.easy, CURLOPT_FORBID_REUSE, 1L);
  }
  transfer.died = std::exchange(transfer.sent, true);
  transfer.sent_at = Clock::now();
  return transfer.died ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

void Fetcher::Loop::PrepareProxy(Transfer& transfer) const {
  CURL* easy = transfer.easy;
  const ProxyUrl* const proxy = transfer.proxy;
  const auto text = [](const std::string& s) { return s.empty() ? nullptr : s.c_str(); };
  Set(easy, CURLOPT_PROXY, proxy == nullptr ? "" : proxy->ToString().c_str());
  Set(easy, CURLOPT_PROXYUSERNAME, proxy == nullptr ? nullptr : text(proxy->username));
  Set(easy, CURLOPT_PROXYPASSWORD, proxy == nullptr ? nullptr : text(proxy->password));
}

size_t Fetcher::Loop::OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  return Guarded(transfer, [&] { return TakeHeader(transfer, {data, size * count}); });
}

size_t Fetcher::Loop::TakeHeader(Transfer& transfer, std::string_view line) {
  if (!transfer.sent) {  // a proxy's answer to CONNECT
    const FetcherOptions& options = transfer.loop->options_;
    transfer.tunnel_bytes += line.size();
    if (transfer.tunnel_bytes <= options.max_header_bytes &&
        ++transfer.tunnel_fields <= options.max_header_fields) {
      return line.size();
    }
    transfer.ended_by_us = FetchError::kHeadTooLarge;
    return 0;
  }
  transfer.NoteProgress(Clock::now());
  const bool empty = line == "\r\n" || line == "\n";
  const bool status_line = !transfer.head_open && line.starts_with("HTTP/");
  transfer.head_bytes += line.size();
  transfer.head_fields += empty || status_line ? 0 : 1;
  if (transfer.head_bytes > transfer.loop->options_.max_header_bytes ||
      transfer.head_fields > transfer.loop->options_.max_header_fields) {
    transfer.ended_by_us = FetchError::kHeadTooLarge;
    return 0;
  }
  std::string& head = transfer.result.response_head;
  if (transfer.answering) return line.size();  // HTTP/2's trailer
  const auto refuse = [&transfer] {
    transfer.ended_by_us = FetchError::kProtocol;
    return size_t{0};
  };
  if (!transfer.head_open) {
    // RFC 9112 section 2.3. libcurl takes "http/1.1" and more; see SpeaksHttp2() for "HTTP/2".
    const bool version =
        line.starts_with("HTTP/1.") || (line.starts_with("HTTP/2 ") && SpeaksHttp2(transfer.easy));
    if (!version) return refuse();
    head.clear();
    transfer.head_open = true;
    transfer.coded = transfer.chunked = transfer.bad_length = false;
    transfer.length.reset();
  }
  head.append(line);
  if (web::StartsWithIgnoringCase(line, kTransferEncoding)) {
    transfer.coded = true;
    transfer.chunked |= web::ContainsIgnoringCase(line.substr(kTransferEncoding.size()), "chunked");
  } else if (web::StartsWithIgnoringCase(line, kContentLength)) {
    transfer.NoteLength(line.substr(kContentLength.size()));
  } else if (CookieJar* const cookies = transfer.loop->cookies_.get();
             cookies != nullptr && web::StartsWithIgnoringCase(line, kSetCookie)) {
    cookies->NoteCookie();
  }
  if (empty) {
    if (transfer.bad_length && !transfer.coded) return refuse();
    transfer.head_open = false;
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    transfer.answering = status >= 200 || status == 101;
  }
  return line.size();
}

size_t Fetcher::Loop::OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  return Guarded(transfer, [&] { return TakeBody(transfer, {data, size * count}); });
}

size_t Fetcher::Loop::TakeBody(Transfer& transfer, std::string_view piece) {
  std::string& body = transfer.result.body;
  const size_t bytes = piece.size();
  Loop& loop = *transfer.loop;
  transfer.NoteProgress(Clock::now());
  if (!transfer.is_linked()) {
    loop.bodies_.push_back(transfer);
    long version = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_HTTP_VERSION, &version);
    transfer.multiplexed = version == CURL_HTTP_VERSION_2_0;
  }
  const size_t taken = std::min<uint64_t>(bytes, transfer.max_body - body.size());
  if (!loop.TakeRoom(transfer, taken)) {
    loop.Pause(transfer);
    return CURL_WRITEFUNC_PAUSE;  // libcurl keeps the piece, and brings it again
  }
  try {
    if (body.empty()) {
      curl_off_t announced = -1;
      curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
      if (announced > 0) {
        body.reserve(
            std::min({static_cast<uint64_t>(announced), transfer.max_body, kMaxFirstReserve}));
      }
    }
    body.append(piece.substr(0, taken));
  } catch (...) {
    loop.GiveRoomBack(taken);
    throw;
  }
  if (transfer.chunked) {
    const FetcherOptions& options = loop.options_;
    transfer.chunks.Scan(piece.substr(0, taken));
    if (transfer.head_bytes + transfer.chunks.trailer_bytes() > options.max_header_bytes ||
        transfer.head_fields + transfer.chunks.trailer_fields() > options.max_header_fields) {
      transfer.ended_by_us = FetchError::kHeadTooLarge;
      return 0;
    }
  }
  if (taken < bytes) {
    transfer.result.truncated = Truncation::kLength;
    return taken;  // libcurl ends the transfer
  }
  return bytes;
}

}  // namespace crawld::fetcher
