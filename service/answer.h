// Answer: what a response says of itself, read once from its head.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "fetcher/fetch.h"
#include "parser/content_coding.h"
#include "parser/parsed_page.h"
#include "web/http_head.h"
#include "web/url.h"

namespace crawld::service {

struct Answer {
  web::HttpHead head;                // empty if there was no answer, or an unreadable one
  std::string media_type;            // essence of Content-Type; empty: none or unreadable
  std::string charset;               // its charset parameter
  std::optional<web::Url> redirect;  // Location of a 301, 302, 303, 307 or 308, without fragment
};

bool IsRedirect(int status);

Answer ReadAnswer(const fetcher::FetchResult& fetched, const web::Url& url);

// Takes transfer and content codings off the body.
Result<parser::DecodedBody, parser::ParseError> DecodeAnswer(const fetcher::FetchResult& fetched,
                                                             const Answer& answer,
                                                             const parser::DecodeLimits& limits);

}  // namespace crawld::service
