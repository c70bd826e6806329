#include "pipeline/page_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "base/backoff.h"
#include "parser/charset.h"
#include "parser/sitemap.h"
#include "pipeline/answer.h"
#include "web/date.h"
#include "web/media_type.h"
#include "web/mime_sniff.h"
#include "web/robots.h"
#include "web/surt.h"

namespace crawld::pipeline {
namespace {

namespace json = boost::json;
using frontier::Outcome;
using frontier::RobotsResult;
using frontier::TaskKind;
using frontier::Verdict;

// Answers that say "not now": worth another try, and not worth archiving before the last one.
bool IsTransient(int status) {
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
         status == 503 || status == 504;
}

archive::Truncation ToArchive(fetcher::Truncation truncation) {
  switch (truncation) {
    case fetcher::Truncation::kNone:
      return archive::Truncation::kNone;
    case fetcher::Truncation::kLength:
      return archive::Truncation::kLength;
    case fetcher::Truncation::kTime:
      return archive::Truncation::kTime;
    case fetcher::Truncation::kDisconnect:
      return archive::Truncation::kDisconnect;
  }
  return archive::Truncation::kNone;
}

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// What a sitemap says of a URL. A date that nobody can read, or from before 1970, is none.
frontier::SitemapHints HintsOf(const parser::SitemapEntry& entry, WallTime now) {
  frontier::SitemapHints hints;
  if (const auto date = web::ParseDate(entry.lastmod, now)) {
    hints.lastmod = std::max(WallTime{}, std::chrono::floor<Millis>(*date));
  }
  for (uint8_t i = 1; i <= static_cast<uint8_t>(frontier::ChangeFrequency::kNever); ++i) {
    const auto frequency = static_cast<frontier::ChangeFrequency>(i);
    if (frontier::Name(frequency) == entry.changefreq) hints.frequency = frequency;
  }
  if (entry.priority) hints.priority = static_cast<uint8_t>(std::lround(*entry.priority * 100));
  return hints;
}

// Header values are bytes from outside; JSON wants text.
std::string Printable(std::string_view bytes) {
  std::string text(bytes.substr(0, 256));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kRetry:
      return "retry";
    case Outcome::kGivenBack:
      return "given_back";
  }
  return "";
}

}  // namespace

struct PageWorker::Page {
  PageResult out;
  fetcher::FetchResult fetched;
  Answer answer;
  std::optional<parser::ParsedPage> parsed;
  web::RobotsDirectives robots;  // of the header and the page
  std::string_view sniffed;      // what the body is, by its bytes; empty: not looked at
  std::string body_note;         // what was wrong with the body
  WallTime now;
  bool archived = false;
  // Of a sitemap its locations, of a robots file its sitemap lines.
  size_t entries = 0;
  size_t links_bad = 0;        // of them, those that are no URLs
  size_t entries_dropped = 0;  // beyond what is taken of them

  const frontier::Task& task() const { return out.completion.task; }
};

size_t PageResult::size() const {
  size_t bytes = bundle.size();
  for (const frontier::Discovery& found : completion.found) {
    bytes += sizeof found + found.url.href().size();
  }
  return bytes;
}

PageWorker::PageWorker(const PageWorkerOptions& options, const frontier::Scope& scope,
                       std::function<bool(const frontier::Discovery&)> seen,
                       std::function<concurrency::Semaphore::Permit()> wait_for_large)
    : options_(options),
      scope_(scope),
      seen_(std::move(seen)),
      wait_for_large_(std::move(wait_for_large)),
      builder_(options.bundle) {}

PageWorker::~PageWorker() = default;

PageResult PageWorker::Process(frontier::Task task, fetcher::FetchResult fetched, WallTime now) {
  Page page;
  page.out.completion.task = std::move(task);
  page.fetched = std::move(fetched);
  page.now = now;
  frontier::Completion& completion = page.out.completion;
  if (page.fetched.error == fetcher::FetchError::kCancelled) {
    completion.outcome = Outcome::kGivenBack;
    page.out.error = page.fetched.error;
    return std::move(page.out);
  }
  completion.reach = ReachOf(page.fetched);
  completion.took = std::chrono::ceil<Millis>(page.fetched.total);
  page.answer = ReadAnswer(page.fetched, completion.task.url, options_.robots_token);
  page.out.status = page.fetched.status;
  page.out.error = page.fetched.error;
  completion.status = static_cast<uint16_t>(page.fetched.status);
  page.robots = page.answer.robots;
  Decide(page);
  if (page.archived) ReadBody(page);
  FillBundle(page);
  return std::move(page.out);
}

Millis BackoffOf(const PageWorkerOptions& options, const frontier::Task& task) {
  return Backoff(options.backoff, options.max_backoff, task.info.tries + 1U,
                 task.hash.lo ^ task.place.host);
}

// Done, again later, or given up; and whether the answer goes into the archive.
void PageWorker::Decide(Page& page) {
  frontier::Completion& completion = page.out.completion;
  const fetcher::FetchResult& fetched = page.fetched;
  const Millis backoff = BackoffOf(options_, completion.task);
  completion.hold_host_until = HoldOf(fetched, page.now, backoff, options_.max_backoff);
  if (completion.task.info.kind == TaskKind::kRobots) return DecideRobots(page);

  const bool transient =
      fetched.error ? fetched.retry != fetcher::RetryAdvice::kNever : IsTransient(fetched.status);
  if (fetched.error) completion.reason = fetcher::Name(*fetched.error);
  if (transient && completion.task.info.tries + 1 < options_.max_tries) {
    if (completion.reason.empty()) completion.reason = fmt::format("status_{}", fetched.status);
    completion.outcome = Outcome::kRetry;
    // A kept connection that broke says nothing of the server: no back-off, only its host's delay.
    const bool fresh = fetched.error && fetched.retry == fetcher::RetryAdvice::kFresh;
    completion.retry_at =
        std::max(page.now + (fresh ? Millis(0) : backoff), completion.hold_host_until);
    return;
  }
  // The last try. What has come of a response is kept, and marked where it was cut.
  page.archived = fetched.status > 0;
  completion.outcome = page.archived ? Outcome::kDone : Outcome::kFailed;
}

void PageWorker::DecideRobots(Page& page) {
  const fetcher::FetchResult& fetched = page.fetched;
  frontier::Completion& completion = page.out.completion;
  RobotsResult result;
  const int status = fetched.status;
  if (fetched.error) completion.reason = fetcher::Name(*fetched.error);
  // RFC 9309 section 2.3.1: success, redirects, unavailable (4xx), unreachable (the rest).
  if (fetched.error || status == 429 || status >= 500 || status < 200) {
    result.kind = fetched.error == fetcher::FetchError::kAddressForbidden
                      ? RobotsResult::Kind::kForbidden
                      : RobotsResult::Kind::kUnreachable;
    if (completion.reason.empty()) completion.reason = fmt::format("status_{}", status);
  } else if (IsRedirect(status) && page.answer.redirect && page.answer.redirect->IsHttp()) {
    result.kind = RobotsResult::Kind::kRedirect;
    result.redirect_to = page.answer.redirect;
  } else if (status < 300) {
    result.kind = RobotsResult::Kind::kRules;
  } else {
    result.kind = RobotsResult::Kind::kAllowAll;
  }
  page.archived = result.kind != RobotsResult::Kind::kUnreachable &&
                  result.kind != RobotsResult::Kind::kForbidden;
  completion.outcome = page.archived ? Outcome::kDone : Outcome::kRetry;
  completion.robots = std::move(result);
}

void PageWorker::Discover(Page& page, frontier::Discovery found) {
  if (seen_(found)) return;
  page.out.completion.found.push_back(std::move(found));
}

void PageWorker::ReadBody(Page& page) {
  frontier::Completion& completion = page.out.completion;
  const frontier::Task& task = completion.task;
  if (page.answer.redirect && task.info.kind != TaskKind::kRobots) {
    if (page.answer.redirect->IsHttp()) {
      Discover(page, scope_.JudgeRedirect(*page.answer.redirect, task.url, task.info));
    }
    return;
  }
  const int status = page.fetched.status;
  if (status < 200 || status >= 300 || page.fetched.body.empty()) return;
  if (task.info.kind == TaskKind::kSitemap) return ReadSitemap(page);
  const bool labelled = web::IsHtml(page.answer.media_type);
  if (task.info.kind == TaskKind::kPage && !labelled) {
    page.sniffed = SniffAnswer(page.fetched, page.answer);
    if (!web::IsHtml(page.sniffed)) return;
  }

  parser::DecodeLimits limits;
  limits.max_output_bytes =
      task.info.kind == TaskKind::kRobots ? kMaxRobotsBody : options_.max_parse_bytes;
  auto decoded = DecodeAnswer(page.fetched, page.answer, limits);
  if (!decoded) {
    page.body_note = parser::Name(decoded.error());
  } else if (decoded->truncated || page.fetched.truncated == fetcher::Truncation::kLength) {
    page.body_note = "cut_at_limit";
  } else if (!decoded->complete) {
    page.body_note = "broken_coding";
  }
  const bool in_part = !decoded || page.body_note == "broken_coding";
  if (task.info.kind == TaskKind::kRobots && in_part) {
    // Rules that cannot be read are not the same as no rules.
    completion.robots->kind = RobotsResult::Kind::kUnreachable;
    completion.outcome = Outcome::kRetry;
    completion.reason = page.body_note;
    page.archived = false;
    return;
  }
  if (!decoded) return;
  switch (task.info.kind) {
    case TaskKind::kPage:
      if (labelled) {
        page.sniffed =
            web::SniffMediaType(page.answer.media_type, page.answer.nosniff, decoded->bytes);
      }
      if (web::IsHtml(page.sniffed)) ReadHtml(page, decoded->bytes);
      break;
    case TaskKind::kSitemap:
      break;  // above
    case TaskKind::kRobots: {
      RobotsResult& robots = *completion.robots;
      if (robots.kind != RobotsResult::Kind::kRules) break;
      robots.body = std::move(decoded->bytes);
      parser::Utf16ToUtf8(robots.body);
      if (!options_.follow_sitemaps) break;
      const auto rules = web::RobotsRules::Parse(robots.body, options_.robots_token);
      page.entries = rules.sitemaps().size();
      page.entries_dropped = rules.sitemaps_dropped();
      for (const std::string& sitemap : rules.sitemaps()) {
        auto url = web::Url::Parse(sitemap, task.robots_origin);
        if (!url || !url->IsHttp()) {
          ++page.links_bad;
          continue;
        }
        url->DropFragment();
        Discover(page, scope_.JudgeSitemap(*std::move(url), task.robots_origin, task.info));
      }
      break;
    }
  }
}

Result<parser::ParsedPage, parser::ParseError> PageWorker::ParseHtml(const Page& page,
                                                                     const std::string& body) {
  parser::ParseOptions options;
  options.max_input_bytes = options_.max_parse_bytes;
  options.max_links = options_.max_links;
  options.max_arena_bytes = std::min(options_.max_small_tree_bytes, options_.max_tree_bytes);
  options.want_text = options_.want_text;
  options.want_resources = (options_.follow & parser::kResourceKinds) != 0;
  options.robots_name = options_.robots_token;
  const auto parse = [&] {
    return html_.Parse(body, page.answer.charset, page.task().url, options);
  };
  if (body.size() < kLargePageBytes) {
    auto parsed = parse();
    if (!parsed || !parsed->truncated_tree || options.max_arena_bytes == options_.max_tree_bytes) {
      return parsed;
    }
  }
  concurrency::Semaphore::Permit permit;
  if (wait_for_large_) permit = wait_for_large_();
  options.max_arena_bytes = options_.max_tree_bytes;
  return parse();
}

void PageWorker::ReadHtml(Page& page, const std::string& body) {
  const frontier::Task& task = page.task();
  auto parsed = ParseHtml(page, body);
  if (!parsed) {
    page.body_note = parser::Name(parsed.error());
    return;
  }
  page.parsed = *std::move(parsed);
  page.robots.Add(page.parsed->robots);
  const bool page_nofollow = options_.honour_page_nofollow && page.robots.nofollow;
  for (const parser::Link& link : page.parsed->links) {
    if ((link.kinds & options_.follow) == 0) continue;
    frontier::Discovery found = scope_.JudgeLink(link.url, task.url, task.info);
    if (found.verdict == Verdict::kAdmit &&
        (page_nofollow || link.IsWithheld(options_.honour_rel))) {
      found.verdict = Verdict::kNofollow;
    }
    Discover(page, std::move(found));
  }
}

void PageWorker::ReadSitemap(Page& page) {
  const frontier::Task& task = page.task();
  const parser::SitemapLimits limits;
  parser::SitemapReader reader(limits, [&](parser::SitemapEntry&& entry) {
    auto url = web::Url::Parse(entry.loc, task.url);
    if (!url || !url->IsHttp()) {
      ++page.links_bad;
      return;
    }
    url->DropFragment();
    Discover(page, entry.kind == parser::SitemapKind::kSitemap
                       ? scope_.JudgeSitemap(*std::move(url), task.url, task.info)
                       : scope_.JudgeLink(*std::move(url), task.url, task.info,
                                          HintsOf(entry, page.now)));
  });
  parser::DecodeLimits decode;
  decode.max_output_bytes = limits.max_bytes + 1;  // one more, so that a longer one is known
  const auto decoded = DecodeAnswerTo(page.fetched, page.answer, decode,
                                      [&](std::string_view piece) { return reader.Write(piece); });
  if (!decoded) {
    page.body_note = parser::Name(decoded.error());
    return;
  }
  const auto end = reader.Finish();
  if (!end) {
    page.body_note = parser::Name(end.error());
  } else if (end->truncated) {
    page.body_note = "cut_at_limit";
  } else if (!decoded->complete) {
    page.body_note = "broken_coding";
  } else if (!end->complete) {
    page.body_note = "broken_off";
  }
  if (end) page.entries = end->count;
}

void PageWorker::FillBundle(Page& page) {
  const frontier::Completion& completion = page.out.completion;
  const frontier::Task& task = completion.task;
  const fetcher::FetchResult& fetched = page.fetched;
  const std::string_view url = task.url.HrefWithoutFragment();
  archive::Bundle& bundle = page.out.bundle;
  const bool noindex = page.robots.NoindexAt(page.now);
  const bool dropped = noindex && options_.drop_noindex && task.info.kind == TaskKind::kPage;
  if (page.archived && options_.write_warc && !dropped) {
    archive::HttpExchange exchange;
    const std::string surt = web::Surt(task.url);
    exchange.url = url;
    exchange.request_head = fetched.request_head;
    exchange.response_head = fetched.response_head;
    exchange.body = fetched.body;
    exchange.surt = surt;
    exchange.media_type = page.answer.media_type;
    exchange.ip = fetched.ip;
    exchange.protocol = fetched.protocol;
    exchange.status = static_cast<uint16_t>(fetched.status);
    exchange.truncated = ToArchive(fetched.truncated);
    exchange.begun = fetched.begun;
    builder_.AddExchange(exchange, bundle);
  }
  if (page.archived && options_.write_pages && task.info.kind == TaskKind::kPage) {
    json::object record;
    record["url"] = View(url);
    record["status"] = fetched.status;
    record["fetched"] = archive::FormatDate(fetched.begun);
    record["type"] = page.answer.media_type;
    if (!page.sniffed.empty() && page.sniffed != page.answer.media_type) {
      record["sniffed_type"] = View(page.sniffed);
    }
    record["bytes"] = fetched.body.size();
    record["depth"] = task.info.depth;
    if (page.answer.redirect) record["redirect"] = View(page.answer.redirect->href());
    if (fetched.truncated != fetcher::Truncation::kNone) {
      record["truncated"] = View(archive::Name(ToArchive(fetched.truncated)));
    }
    if (!page.answer.robots.raw.empty()) record["x_robots_tag"] = page.answer.robots.raw;
    if (page.parsed && !page.parsed->robots.raw.empty()) record["robots"] = page.parsed->robots.raw;
    if (noindex) record["noindex"] = true;
    if (page.robots.nofollow) record["nofollow"] = true;
    if (const auto after = page.robots.unavailable_after) {
      record["unavailable_after"] = archive::FormatDate(std::chrono::floor<Millis>(*after));
    }
    if (dropped) record["dropped"] = "noindex";
    if (page.parsed && !dropped) {
      const parser::ParsedPage& parsed = *page.parsed;
      record["title"] = parsed.title;
      if (!parsed.description.empty()) record["description"] = parsed.description;
      if (!parsed.language.empty()) record["language"] = parsed.language;
      if (!parsed.canonical.empty()) record["canonical"] = parsed.canonical;
      record["encoding"] = parsed.encoding;
      record["encoding_from"] = parsed.encoding_from;
      record["links"] = parsed.links.size();
      if (parsed.links_bad > 0) record["links_bad"] = parsed.links_bad;
      if (parsed.links_dropped > 0) record["links_dropped"] = parsed.links_dropped;
      if (parsed.headings_dropped > 0) record["headings_dropped"] = parsed.headings_dropped;
      if (parsed.truncated_titles) record["titles_cut"] = true;
      // The page was more than the parser takes; what it had of links and text may be incomplete.
      if (parsed.truncated_tree || parsed.truncated_input) record["parsed_in_part"] = true;
      if (parsed.truncated_text) record["text_cut"] = true;
      json::array headings;
      for (const parser::Heading& heading : parsed.headings) {
        headings.push_back(json::object{{"level", heading.level}, {"text", heading.text}});
      }
      if (!headings.empty()) record["headings"] = std::move(headings);
      if (options_.want_text) record["text"] = parsed.text;
    }
    if (!page.body_note.empty()) record["unread"] = page.body_note;
    bundle.page = json::serialize(record);
    bundle.page.pop_back();  // the archive adds where the response lies
  }
  json::object log;
  log["t"] = archive::FormatDate(fetched.begun);
  log["url"] = View(url);
  log["kind"] = View(frontier::Name(task.info.kind));
  log["outcome"] = View(Name(completion.outcome));
  log["status"] = fetched.status;
  log["try"] = task.info.tries + 1;
  log["ms"] = std::chrono::duration_cast<Millis>(fetched.total).count();
  log["first_byte_ms"] = std::chrono::duration_cast<Millis>(fetched.first_byte).count();
  log["connect_ms"] = std::chrono::duration_cast<Millis>(fetched.connect).count();
  log["bytes"] = fetched.bytes();
  log["reused"] = fetched.reused;
  log["depth"] = task.info.depth;
  if (!fetched.ip.empty()) log["ip"] = fetched.ip;
  if (!page.answer.media_type.empty()) log["type"] = Printable(page.answer.media_type);
  if (!completion.reason.empty()) log["reason"] = completion.reason;
  if (!fetched.detail.empty()) log["detail"] = Printable(fetched.detail);
  if (completion.outcome == Outcome::kRetry && task.info.kind != TaskKind::kRobots) {
    log["retry_at"] = archive::FormatDate(completion.retry_at);
  }
  if (fetched.truncated != fetcher::Truncation::kNone) {
    log["truncated"] = View(archive::Name(ToArchive(fetched.truncated)));
  }
  if (!page.body_note.empty()) log["unread"] = page.body_note;
  if (task.info.kind != TaskKind::kPage && page.archived) log["entries"] = page.entries;
  if (page.links_bad > 0) log["entries_bad"] = page.links_bad;
  if (page.entries_dropped > 0) log["entries_dropped"] = page.entries_dropped;
  if (page.archived) page.out.truncated = fetched.truncated;
  page.out.dropped_links =
      page.entries_dropped + (page.parsed ? page.parsed->links_dropped : size_t{0});
  if (page.answer.redirect) log["redirect"] = View(page.answer.redirect->href());
  bundle.log = json::serialize(log);
}

}  // namespace crawld::pipeline
