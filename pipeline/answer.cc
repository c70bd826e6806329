#include "pipeline/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "web/ascii.h"
#include "web/date.h"
#include "web/media_type.h"
#include "web/mime_sniff.h"

namespace crawld::pipeline {

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

Answer ReadAnswer(fetcher::FetchResult& fetched, const web::Url& url,
                  std::string_view robots_token) {
  Answer answer;
  if (fetched.status == 0) return answer;
  auto head = web::HttpHead::Parse(fetched.response_head);
  if (!head) {  // libcurl takes more than we do
    fetched.Fail(fetcher::FetchError::kProtocol,
                 fmt::format("its head cannot be read ({})", web::Name(head.error())));
    fetched.status = 0;
    fetched.response_head.clear();
    fetched.body.clear();
    return answer;
  }
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
  bool chunked_twice = false;  // so it says
  std::string content;
};

// RFC 9112 section 6.1: chunked is the last transfer coding; names of codings are the same in
// either case. Others lie over the content codings. What is against these rules is left to the
// decoder, as a coding that it does not know.
Codings CodingsOf(const Answer& answer) {
  Codings codings;
  const auto add = [&codings](std::string_view coding) {
    if (!codings.content.empty()) codings.content += ", ";
    codings.content += coding;
  };
  for (const std::string_view value : answer.head.All("content-encoding")) add(value);
  std::vector<std::string_view> transfer;
  for (std::string_view value : answer.head.All("transfer-encoding")) {
    while (!value.empty()) {
      const size_t comma = std::min(value.find(','), value.size());
      const std::string_view item = value.substr(0, comma);
      const auto name = web::TrimAsciiSpace(item.substr(0, item.find(';')));
      if (!name.empty()) transfer.push_back(name);
      value.remove_prefix(std::min(comma + 1, value.size()));
    }
  }
  const auto last_is_chunked = [&transfer] {
    return !transfer.empty() && web::EqualIgnoringCase(transfer.back(), "chunked");
  };
  while (last_is_chunked()) {
    codings.chunked_twice = std::exchange(codings.chunked, true);
    transfer.pop_back();
  }
  for (const std::string_view coding : transfer) add(coding);
  return codings;
}

// Who says twice that his body is chunked has mostly a proxy that says so too, and sometimes means
// it. `room` holds what is returned, if it is not the body itself.
std::string_view RawBody(const fetcher::FetchResult& fetched, const Codings& codings,
                         std::string& room) {
  if (!codings.chunked_twice) return fetched.body;
  room = parser::Dechunk(fetched.body).bytes;
  return parser::Dechunk(room).complete ? std::string_view(room) : fetched.body;
}

}  // namespace

Result<parser::DecodedBody, parser::ParseError> DecodeAnswer(const fetcher::FetchResult& fetched,
                                                             const Answer& answer,
                                                             const parser::DecodeLimits& limits) {
  const Codings codings = CodingsOf(answer);
  std::string room;
  return parser::DecodeBody(RawBody(fetched, codings, room), codings.chunked, codings.content,
                            limits);
}

Result<parser::DecodeEnd, parser::ParseError> DecodeAnswerTo(
    const fetcher::FetchResult& fetched, const Answer& answer, const parser::DecodeLimits& limits,
    const std::function<bool(std::string_view)>& take) {
  const Codings codings = CodingsOf(answer);
  std::string room;
  return parser::DecodeBodyTo(RawBody(fetched, codings, room), codings.chunked, codings.content,
                              limits, take);
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

}  // namespace crawld::pipeline
