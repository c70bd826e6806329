// What a transfer's end means: libcurl's codes and ours, as a FetchResult.
#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "fetcher/transfer.h"

namespace crawld::fetcher {
namespace {

// libcurl's own limit on heads, less the longest line that it takes.
constexpr uint64_t kLibcurlsHeads = (300 - 100) << 10;

FetchError ErrorOf(CURLcode code, bool answered) {
  // Not a switch over all of CURLcode: it has a hundred values, most of other protocols.
  switch (static_cast<int>(code)) {
    case CURLE_URL_MALFORMAT:
      return FetchError::kBadUrl;
    case CURLE_UNSUPPORTED_PROTOCOL:  // of the answer: HTTP/0.9, SSH; the URL's was looked at
      return FetchError::kProtocol;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return FetchError::kDns;
    case CURLE_COULDNT_CONNECT:
      return FetchError::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return FetchError::kConnectTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return FetchError::kTls;
    case CURLE_GOT_NOTHING:
      return FetchError::kEmptyReply;
    case CURLE_PARTIAL_FILE:
      return FetchError::kBodyShort;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return answered ? FetchError::kBodyShort : FetchError::kReset;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP_RETURNED_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:  // our callbacks end a transfer with a reason of their own, see
                             // Describe
      return FetchError::kProtocol;
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return FetchError::kHttp2;
    default:
      return FetchError::kInternal;
  }
}

}  // namespace

void Fetcher::Loop::DescribeRefusal(Transfer& transfer, AddressKind kind, const std::string& ip) {
  transfer.result.Fail(FetchError::kAddressForbidden,
                       kind == AddressKind::kOwn
                           ? fmt::format("{} is where this daemon itself is asked", ip)
                           : fmt::format("{} is a {} address; fetcher.allow_addresses can allow it",
                                         ip, Name(kind)));
}

bool Fetcher::Loop::DescribeProxyError(Transfer& transfer, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_HTTP_CONNECTCODE, &status);
  // Behind a tunnel it is the host that we talk to. SOCKS has no status; but who shakes hands with
  // us is the host, since the proxy does not.
  const bool tunnel = transfer.proxy->IsSocks() ? transfer.shaking_hands : status / 100 == 2;
  const bool peers = ContactOf(ErrorOf(code, false)) != Contact::kNone &&
                     code != CURLE_COULDNT_RESOLVE_HOST;  // or it is ours
  if (code != CURLE_PROXY && (transfer.sent || tunnel || !peers)) return false;
  transfer.result.Fail(
      FetchError::kProxy,
      status >= 300 ? fmt::format("{} answers CONNECT with {}", transfer.proxy->ToString(), status)
                    : fmt::format("{}: {}", transfer.proxy->ToString(), curl_easy_strerror(code)));
  return true;
}

void Fetcher::Loop::DescribeError(Transfer& transfer, CURLcode code) {
  FetchResult& result = transfer.result;
  if (transfer.refused && !transfer.connecting) {
    return DescribeRefusal(transfer, *transfer.refused, transfer.refused_ip);
  }
  if (transfer.proxy != nullptr && DescribeProxyError(transfer, code)) return;
  result.Fail(ErrorOf(code, transfer.answering), curl_easy_strerror(code));
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    long verdict = X509_V_OK;
    curl_easy_getinfo(transfer.easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    result.detail = fmt::format("the certificate is not good: {}",
                                verdict == X509_V_OK || verdict == X509_V_ERR_UNSPECIFIED
                                    ? "it is for another name"
                                    : X509_verify_cert_error_string(verdict));
  }
  // One line of a head that outgrows libcurl's buffer (100 KB) comes as this.
  if (code == CURLE_OUT_OF_MEMORY && transfer.sent && !transfer.answering) {
    result.Fail(FetchError::kHeadTooLarge);
  }
  // And heads of more than 300 KiB, whatever our limit, as this.
  if (code == CURLE_RECV_ERROR && transfer.head_open && transfer.head_bytes > kLibcurlsHeads) {
    result.Fail(FetchError::kHeadTooLarge, "libcurl takes no head of more than 300 KiB");
  }
  if (result.error == FetchError::kBodyShort && !transfer.answering) {
    result.Fail(FetchError::kProtocol, "the connection was closed within the head");
  }
  long connections = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_NUM_CONNECTS, &connections);
  const bool broke = result.error == FetchError::kReset || result.error == FetchError::kHttp2 ||
                     result.error == FetchError::kEmptyReply;
  if (broke && transfer.sent && connections == 0 && transfer.head_bytes == 0) {
    result.retry = RetryAdvice::kFresh;
  }
}

// libcurl 7.88 gives up a connection whose server breaks HTTP/2, and calls what it has of an answer
// whole if its head says no length. Of a head without a body that is found out: a server has no
// reason to end the connection there.
bool Fetcher::Loop::IsCutBehindHead(const Transfer& transfer) {
  const FetchResult& result = transfer.result;
  if (result.protocol != "h2" || !result.body.empty() || result.status < 200 ||
      result.status == 204 || result.status == 304) {
    return false;
  }
  curl_off_t length = -1;
  curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) return false;
  curl_socket_t socket = CURL_SOCKET_BAD;
  return curl_easy_getinfo(transfer.easy, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK ||
         socket == CURL_SOCKET_BAD;
}

void Fetcher::Loop::Describe(Transfer& transfer, CURLcode code) {
  FetchResult& result = transfer.result;
  CURL* easy = transfer.easy;
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &number);
  result.status = transfer.answering ? static_cast<int>(number) : 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &number);
  result.protocol = number == CURL_HTTP_VERSION_1_0   ? "http/1.0"
                    : number == CURL_HTTP_VERSION_1_1 ? "http/1.1"
                    : number == CURL_HTTP_VERSION_2_0 ? "h2"
                                                      : "";
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &number);
  result.reused = number == 0 && transfer.head_bytes > 0;
  const char* ip = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
  if (ip != nullptr) result.ip = ip;
  // libcurl's clock begins when it gets the transfer: the name has been looked up by then.
  using std::chrono::microseconds;
  const auto before = std::chrono::duration_cast<microseconds>(transfer.launched - transfer.begun);
  const auto since_begun = [&](CURLINFO info) {
    curl_off_t micros = 0;
    curl_easy_getinfo(easy, info, &micros);
    return micros == 0 ? microseconds(0) : before + microseconds(micros);
  };
  result.connect = since_begun(CURLINFO_PRETRANSFER_TIME_T);
  result.first_byte = since_begun(CURLINFO_STARTTRANSFER_TIME_T);
  result.total = std::chrono::duration_cast<microseconds>(Clock::now() - transfer.begun);
  if (transfer.ended_by_us) {
    result.Fail(*transfer.ended_by_us, std::string(result.detail));
    const bool timed_out = result.error == FetchError::kIdleTimeout ||
                           result.error == FetchError::kTotalTimeout ||
                           result.error == FetchError::kTooSlow;
    if (transfer.answering) {
      result.truncated = timed_out ? Truncation::kTime : Truncation::kDisconnect;
    }
  } else if (result.truncated == Truncation::kLength) {
    // As much of the body as was asked for: not an error.
  } else if (transfer.died) {
    result.Fail(FetchError::kReset, "a kept connection broke before the answer");
    result.retry = RetryAdvice::kFresh;
  } else if (code != CURLE_OK) {
    DescribeError(transfer, code);
    if (transfer.answering) result.truncated = Truncation::kDisconnect;
  } else if (transfer.answering && IsCutBehindHead(transfer)) {
    result.Fail(FetchError::kHttp2, "the connection was given up behind the head");
    result.truncated = Truncation::kDisconnect;
  } else if (!transfer.answering) {
    result.Fail(FetchError::kProtocol, "the response ended within its head");
  }
  if (transfer.proxy != nullptr) {
    result.by_proxy = true;
    result.ip.clear();  // it is the proxy's
    // RFC 9110 section 15.5.8: no one but a proxy says so.
    if (result.status == 407 && !transfer.proxy->IsSocks()) {
      result.Fail(FetchError::kProxy, transfer.proxy->ToString() + " wants to know who we are");
      result.status = 0;
    }
  }
  if (result.status == 0) {
    result.response_head.clear();
    result.body.clear();
  }
}

}  // namespace crawld::fetcher
