// Submission: URLs that a client of the admin API sends, on their way into the crawl.
//
// The text is that of a URL list (config/seed_list.h): a URL a line, comments after '#'. For each
// line with something on it there is one JSON object a line in the answer, given once the URLs are
// durable:
//
//   {"line":1,"url":"https://example.org/","result":"queued"}
//   {"line":2,"url":"https://example.org/a","result":"known","state":"done"}
//   {"line":3,"url":"https://example.net/","result":"excluded","reason":"excluded"}
//   {"line":4,"result":"error","message":"not a URL: ..."}
//
// Piece by piece: what one piece of the body has is one batch, so that memory is bounded however
// long the list is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/http_server.h"
#include "frontier/frontier.h"
#include "pipeline/pipeline.h"

namespace crawld::admin {

class Submission final : public BodyHandler {
 public:
  // `kind`: page or sitemap. The rooms must outlive it.
  Submission(const frontier::Frontier& frontier, pipeline::Pipeline& pipeline,
             frontier::TaskKind kind)
      : frontier_(frontier), pipeline_(pipeline), kind_(kind) {}

  void Take(std::string_view piece, bool last) override;
  std::optional<concurrency::Future<void>> HandOver() override;
  std::string Answer() override;

 private:
  using States = std::vector<std::optional<std::pair<frontier::UrlState, frontier::Verdict>>>;
  struct Line {
    uint64_t number = 0;
    std::string error;  // else the next of urls_
  };
  void TakeLine(std::string_view line);

  const frontier::Frontier& frontier_;
  pipeline::Pipeline& pipeline_;
  const frontier::TaskKind kind_;

  std::string rest_;  // of a line that goes on in the next piece
  uint64_t number_ = 0;
  std::vector<Line> lines_;
  uint64_t bad_ = 0;  // of them
  std::vector<frontier::Discovery> urls_;
  States before_;  // what was known of them
};

}  // namespace crawld::admin
