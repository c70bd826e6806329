#include "service/answer.h"

#include <utility>

#include "web/media_type.h"

namespace crawld::service {

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Answer ReadAnswer(const fetcher::FetchResult& fetched, const web::Url& url) {
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

Result<parser::DecodedBody, parser::ParseError> DecodeAnswer(const fetcher::FetchResult& fetched,
                                                             const Answer& answer,
                                                             const parser::DecodeLimits& limits) {
  bool chunked = false;
  for (const std::string_view value : answer.head.All("transfer-encoding")) {
    chunked = chunked || value.find("chunked") != std::string_view::npos;
  }
  std::string coding;
  for (const std::string_view value : answer.head.All("content-encoding")) {
    if (!coding.empty()) coding += ", ";
    coding += value;
  }
  return parser::DecodeBody(fetched.body, chunked, coding, limits);
}

}  // namespace crawld::service
