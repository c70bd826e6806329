#include "service/answer.h"

#include <algorithm>
#include <utility>

#include "web/ascii.h"
#include "web/date.h"
#include "web/media_type.h"
#include "web/mime_sniff.h"

namespace crawld::service {

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

frontier::Reach ReachOf(const fetcher::FetchResult& fetched) {
  switch (fetched.contact()) {
    case fetcher::Contact::kNone:
      return frontier::Reach::kUnknown;
    case fetcher::Contact::kAnswer:
      return frontier::Reach::kAnswered;
    case fetcher::Contact::kSilence:
      return frontier::Reach::kSilent;
  }
  return frontier::Reach::kUnknown;
}

frontier::FetchEnd EndOf(const fetcher::FetchResult& fetched, WallTime now) {
  frontier::FetchEnd end;
  end.when = now;
  end.took = std::chrono::ceil<Millis>(fetched.total);
  end.address = fetched.ip;
  end.reach = ReachOf(fetched);
  if (fetched.error) end.reason = fetcher::Name(*fetched.error);
  return end;
}

WallTime RetryAfterOf(const fetcher::FetchResult& fetched, WallTime now, Millis limit) {
  if (fetched.status != 429 && fetched.status != 503) return {};
  const auto head = web::HttpHead::Parse(fetched.response_head);
  const std::string* header = head ? head->Find("retry-after") : nullptr;
  const auto asked = header != nullptr ? web::ParseRetryAfter(*header, now) : std::nullopt;
  if (!asked) return {};
  return now + std::min<Millis>(std::max<Millis>(*asked, Millis(1000)), limit);
}

WallTime HoldOf(const fetcher::FetchResult& fetched, WallTime now, Millis backoff, Millis limit) {
  if (fetched.status != 429 && fetched.status != 503) return {};
  const WallTime asked = RetryAfterOf(fetched, now, limit);
  return asked != WallTime{} ? asked : now + backoff;
}

Answer ReadAnswer(const fetcher::FetchResult& fetched, const web::Url& url,
                  std::string_view robots_token) {
  Answer answer;
  if (fetched.status == 0) return answer;
  auto head = web::HttpHead::Parse(fetched.response_head);
  if (!head) return answer;
  answer.head = *std::move(head);
  if (const std::string* type = answer.head.Find("content-type")) {
    if (auto media = web::ParseMediaType(*type)) {
      answer.media_type = std::move(media->essence);
      answer.charset = std::move(media->charset);
    }
  }
  for (const std::string_view value : answer.head.All("x-robots-tag")) {
    web::ReadXRobotsTag(value, robots_token, answer.robots);
  }
  if (const std::string* options = answer.head.Find("x-content-type-options")) {
    answer.nosniff = web::IsNosniff(*options);
  }
  const std::string* location = answer.head.Find("location");
  if (location != nullptr && IsRedirect(fetched.status)) {
    if (auto target = web::Url::Parse(*location, url)) {
      target->DropFragment();
      target->DropCredentials();
      answer.redirect = *std::move(target);
    }
  }
  return answer;
}

namespace {

struct Codings {
  bool chunked = false;
  std::string content;
};

Codings CodingsOf(const Answer& answer) {
  Codings codings;
  for (const std::string_view value : answer.head.All("transfer-encoding")) {
    // Names of codings are the same in either case (RFC 9112 section 7).
    codings.chunked = codings.chunked || web::ContainsIgnoringCase(value, "chunked");
  }
  for (const std::string_view value : answer.head.All("content-encoding")) {
    if (!codings.content.empty()) codings.content += ", ";
    codings.content += value;
  }
  return codings;
}

}  // namespace

Result<parser::DecodedBody, parser::ParseError> DecodeAnswer(const fetcher::FetchResult& fetched,
                                                             const Answer& answer,
                                                             const parser::DecodeLimits& limits) {
  const Codings codings = CodingsOf(answer);
  return parser::DecodeBody(fetched.body, codings.chunked, codings.content, limits);
}

Result<parser::DecodeEnd, parser::ParseError> DecodeAnswerTo(
    const fetcher::FetchResult& fetched, const Answer& answer, const parser::DecodeLimits& limits,
    const std::function<bool(std::string_view)>& take) {
  const Codings codings = CodingsOf(answer);
  return parser::DecodeBodyTo(fetched.body, codings.chunked, codings.content, limits, take);
}

std::string_view SniffAnswer(const fetcher::FetchResult& fetched, const Answer& answer) {
  std::string head;
  parser::DecodeLimits limits;
  limits.max_output_bytes = web::kMaxSniffBytes;
  const auto end = DecodeAnswerTo(fetched, answer, limits, [&](std::string_view piece) {
    head += piece;
    return head.size() < web::kMaxSniffBytes;
  });
  return end ? web::SniffMediaType(answer.media_type, answer.nosniff, head)
             : std::string_view(answer.media_type);
}

}  // namespace crawld::service
