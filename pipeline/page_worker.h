// PageWorker: what a parser thread does with one fetch. Bytes in; a completion for the frontier and
// a bundle for the archive out.
//
// Decides what an answer means (done, again later, given up), decodes and parses the body, judges
// the links, and builds and compresses the WARC records, so that the committer only appends.
// No I/O, no clock: the caller passes `now`.
//
// One per thread; not thread safe. `scope` and `seen` may be shared.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "archive/bundle.h"
#include "base/result.h"
#include "base/time.h"
#include "concurrency/semaphore.h"
#include "fetcher/fetch.h"
#include "frontier/scope.h"
#include "frontier/task.h"
#include "parser/html_parser.h"
#include "parser/parsed_page.h"

namespace crawld::pipeline {

struct PageWorkerOptions {
  uint16_t follow = 0;               // parser::KindBit() of the kinds of link to follow
  bool honour_page_nofollow = true;  // meta robots, X-Robots-Tag
  uint8_t honour_rel = 0;            // parser::kRel* bits: links that are not followed
  bool drop_noindex = false;         // archive nothing of pages that say noindex
  bool follow_sitemaps = true;
  bool want_text = false;
  bool write_warc = true;
  bool write_pages = true;
  uint64_t max_parse_bytes = 10ULL << 20;
  uint64_t max_links = 100'000;
  uint64_t max_tree_bytes = UINT64_MAX;        // of a page's tree; what stands by then is read
  uint64_t max_small_tree_bytes = UINT64_MAX;  // beyond this the page is a large one
  std::string robots_token;
  uint16_t max_tries = 4;
  Millis backoff{5000};
  Millis max_backoff{3600 * 1000};
  archive::BundleOptions bundle;
};

// One fetch on its way to the committer.
struct PageResult {
  frontier::Completion completion;
  archive::Bundle bundle;
  // Of the fetch.
  int status = 0;
  std::optional<fetcher::FetchError> error;
  fetcher::Truncation truncated = fetcher::Truncation::kNone;
  uint64_t dropped_links = 0;  // links and entries beyond what is taken of one page

  // Bytes it holds, about.
  size_t size() const;
};

// How long to wait after this try of the task, if it has failed.
Millis BackoffOf(const PageWorkerOptions& options, const frontier::Task& task);

class PageWorker {
 public:
  static constexpr size_t kLargePageBytes = size_t{1} << 20;

  // `seen`: true for discoveries that need not be handed on (Frontier::Seen). `wait_for_large`:
  // called before a large page is parsed (kLargePageBytes decoded, or a tree beyond
  // max_small_tree_bytes); what it returns is held until that is done. It may block.
  PageWorker(const PageWorkerOptions& options, const frontier::Scope& scope,
             std::function<bool(const frontier::Discovery&)> seen,
             std::function<concurrency::Semaphore::Permit()> wait_for_large = {});
  ~PageWorker();

  PageResult Process(frontier::Task task, fetcher::FetchResult fetched, WallTime now);

 private:
  struct Page;  // the work on one fetch

  void Decide(Page& page);
  void DecideRobots(Page& page);
  void ReadBody(Page& page);
  void ReadHtml(Page& page, const std::string& body);
  Result<parser::ParsedPage, parser::ParseError> ParseHtml(const Page& page,
                                                           const std::string& body);
  void ReadSitemap(Page& page);
  void Discover(Page& page, frontier::Discovery found);
  void FillBundle(Page& page);

  const PageWorkerOptions options_;
  const frontier::Scope& scope_;
  const std::function<bool(const frontier::Discovery&)> seen_;
  const std::function<concurrency::Semaphore::Permit()> wait_for_large_;
  parser::HtmlParser html_;
  archive::BundleBuilder builder_;
};

}  // namespace crawld::pipeline
