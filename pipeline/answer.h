// Answer: what a response says of itself, read once from its head.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "fetcher/fetch.h"
#include "frontier/scheduler.h"
#include "frontier/task.h"
#include "parser/content_coding.h"
#include "parser/parsed_page.h"
#include "web/http_head.h"
#include "web/robots_directives.h"
#include "web/url.h"

namespace crawld::pipeline {

// So much of a robots.txt is fetched, and so much read; RFC 9309 section 2.5 asks for 500 KiB.
inline constexpr uint64_t kMaxRobotsBody = 512 << 10;

struct Answer {
  web::HttpHead head;                // empty if there was no answer, or an unreadable one
  std::string media_type;            // essence of Content-Type; empty: none or unreadable
  std::string charset;               // its charset parameter
  bool nosniff = false;              // X-Content-Type-Options
  web::RobotsDirectives robots;      // X-Robots-Tag, all fields
  std::optional<web::Url> redirect;  // Location of a 301, 302, 303, 307 or 308, without fragment
};

bool IsRedirect(int status);

// What a fetch says of its host, in the frontier's words.
frontier::Reach ReachOf(const fetcher::FetchResult& fetched);
frontier::FetchEnd EndOf(const fetcher::FetchResult& fetched, WallTime now);

// Until when a 429 or 503 asks to be left alone (RFC 9110 section 10.2.3): at least a second, at
// most `limit`. The epoch if it does not say so.
WallTime RetryAfterOf(const fetcher::FetchResult& fetched, WallTime now, Millis limit);

// Until when its host is to be left alone: of a 429 or 503 without such a header for `backoff`.
WallTime HoldOf(const fetcher::FetchResult& fetched, WallTime now, Millis backoff, Millis limit);

// `robots_token`: whose directives in X-Robots-Tag count, besides those for all. An answer whose
// head cannot be read is none: `fetched` becomes a protocol error.
Answer ReadAnswer(fetcher::FetchResult& fetched, const web::Url& url,
                  std::string_view robots_token);

// Takes transfer and content codings off the body.
Result<parser::DecodedBody, parser::ParseError> DecodeAnswer(const fetcher::FetchResult& fetched,
                                                             const Answer& answer,
                                                             const parser::DecodeLimits& limits);
Result<parser::DecodeEnd, parser::ParseError> DecodeAnswerTo(
    const fetcher::FetchResult& fetched, const Answer& answer, const parser::DecodeLimits& limits,
    const std::function<bool(std::string_view)>& take);

// What the body is by its first bytes and its label (web/mime_sniff.h); its label if it cannot be
// decoded. Cheaper than to decode it.
std::string_view SniffAnswer(const fetcher::FetchResult& fetched, const Answer& answer);

}  // namespace crawld::pipeline
