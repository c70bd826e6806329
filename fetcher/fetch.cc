#include "fetcher/fetch.h"

namespace crawld::fetcher {

std::string_view Name(FetchError error) {
  switch (error) {
    case FetchError::kBadUrl:
      return "bad_url";
    case FetchError::kDns:
      return "dns";
    case FetchError::kAddressForbidden:
      return "address_forbidden";
    case FetchError::kConnect:
      return "connect";
    case FetchError::kConnectTimeout:
      return "connect_timeout";
    case FetchError::kTls:
      return "tls";
    case FetchError::kFirstByteTimeout:
      return "first_byte_timeout";
    case FetchError::kIdleTimeout:
      return "idle_timeout";
    case FetchError::kTooSlow:
      return "too_slow";
    case FetchError::kTotalTimeout:
      return "total_timeout";
    case FetchError::kEmptyReply:
      return "empty_reply";
    case FetchError::kReset:
      return "reset";
    case FetchError::kBodyShort:
      return "body_short";
    case FetchError::kHeadTooLarge:
      return "head_too_large";
    case FetchError::kProxy:
      return "proxy";
    case FetchError::kProtocol:
      return "protocol";
    case FetchError::kHttp2:
      return "http2";
    case FetchError::kCancelled:
      return "cancelled";
    case FetchError::kInternal:
      return "internal";
  }
  return "internal";
}

RetryAdvice AdviceFor(FetchError error) {
  switch (error) {
    case FetchError::kBadUrl:
    case FetchError::kAddressForbidden:
    case FetchError::kHeadTooLarge:
      return RetryAdvice::kNever;
    case FetchError::kDns:
    case FetchError::kConnect:
    case FetchError::kConnectTimeout:
    case FetchError::kTls:
    case FetchError::kFirstByteTimeout:
    case FetchError::kIdleTimeout:
    case FetchError::kTooSlow:
    case FetchError::kTotalTimeout:
    case FetchError::kEmptyReply:
    case FetchError::kReset:
    case FetchError::kBodyShort:
    case FetchError::kProxy:
    case FetchError::kProtocol:
    case FetchError::kHttp2:
    case FetchError::kCancelled:
    case FetchError::kInternal:
      return RetryAdvice::kLater;
  }
  return RetryAdvice::kLater;
}

Contact ContactOf(FetchError error) {
  switch (error) {
    case FetchError::kDns:
    case FetchError::kConnect:
    case FetchError::kConnectTimeout:
    case FetchError::kTls:
    case FetchError::kFirstByteTimeout:
    case FetchError::kIdleTimeout:
    case FetchError::kTotalTimeout:
    case FetchError::kEmptyReply:
    case FetchError::kReset:
      return Contact::kSilence;
    case FetchError::kTooSlow:
    case FetchError::kBodyShort:
    case FetchError::kHeadTooLarge:
    case FetchError::kProtocol:
    case FetchError::kHttp2:
      return Contact::kAnswer;
    case FetchError::kBadUrl:
    case FetchError::kAddressForbidden:
    case FetchError::kProxy:
    case FetchError::kCancelled:
    case FetchError::kInternal:
      return Contact::kNone;
  }
  return Contact::kNone;
}

Contact FetchResult::contact() const {
  if (!error || status != 0) return Contact::kAnswer;
  const Contact contact = ContactOf(*error);
  return by_proxy && contact == Contact::kSilence ? Contact::kNone : contact;
}

void FetchResult::Fail(FetchError why, std::string_view what) {
  error = why;
  retry = AdviceFor(why);
  detail = what.empty() ? Name(why) : what;
}

}  // namespace crawld::fetcher
