#include "admin/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/error.h"
#include "config/seed_list.h"
#include "web/url.h"
#include "web/utf8.h"

namespace crawld::admin {
namespace {

namespace json = boost::json;
constexpr size_t kShownBytes = 200;  // of a line that is no URL

}  // namespace

void Submission::TakeLine(std::string_view line) {
  ++number_;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const std::string_view text = config::SeedLineContent(line);
  if (text.empty()) return;
  Line& result = lines_.emplace_back();
  ++bad_;
  result.number = number_;
  if (line.size() > config::kMaxSeedLineBytes) {
    result.error = fmt::format("the line has more than {} bytes", config::kMaxSeedLineBytes);
    return;
  }
  auto url = web::Url::Parse(text);
  if (!url || !url->IsHttp()) {
    result.error = fmt::format(
        "'{}': {}",
        web::ReplaceInvalidUtf8(web::WithoutCredentials(std::string(text)).substr(0, kShownBytes)),
        url ? "neither http nor https" : web::Explain(url.error()));
    return;
  }
  url->DropFragment();
  urls_.push_back(frontier_.scope().JudgeSeed(*std::move(url), kind_));
  --bad_;
}

void Submission::Take(std::string_view piece, bool last) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    // One byte more than there may be tells that there are too many.
    const size_t room = config::kMaxSeedLineBytes + 1 - rest_.size();
    rest_ += part.substr(0, room);
    if (end == piece.npos) break;
    TakeLine(rest_);
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
  if (last && !rest_.empty()) TakeLine(std::exchange(rest_, {}));
}

std::optional<concurrency::Future<void>> Submission::HandOver() {
  std::optional<concurrency::Promise<void>> promise(std::in_place);
  auto durable = promise->GetFuture();
  if (urls_.empty()) {
    pipeline_.CountBadLines(std::exchange(bad_, 0));
    promise->SetValue();
    return durable;
  }
  if (before_.empty()) before_ = frontier_.StatesOf(urls_);
  pipeline::SeedBatch batch;
  batch.seeds = urls_;
  batch.bad_lines = bad_;
  if (pipeline_.Put(batch, Millis(0), &promise)) {
    bad_ = 0;
    return durable;
  }
  durable.Cancel();
  if (pipeline_.stopping()) {
    throw FatalError("the crawl is being stopped: this line and those after it were not taken");
  }
  return std::nullopt;
}

std::string Submission::Answer() {
  const States after = urls_.empty() ? States() : frontier_.StatesOf(urls_);
  std::string out;
  size_t next = 0;
  for (const Line& line : lines_) {
    json::object answer{{"line", line.number}};
    if (!line.error.empty()) {
      answer["result"] = "error";
      answer["message"] = line.error;
    } else {
      const size_t i = next++;
      answer["url"] = urls_[i].url.href();
      const auto& now = after[i];
      if (!now) {
        answer["result"] = "error";
        answer["message"] = "it was not taken";
      } else if (now->first == frontier::UrlState::kExcluded) {
        answer["result"] = "excluded";
        answer["reason"] = frontier::Name(now->second);
      } else if (before_[i] && before_[i]->first != frontier::UrlState::kExcluded) {
        answer["result"] = "known";
        answer["state"] = frontier::Name(now->first);
      } else {
        answer["result"] = "queued";
      }
    }
    out += json::serialize(answer) + "\n";
  }
  lines_.clear();
  urls_.clear();
  before_.clear();
  return out;
}

}  // namespace crawld::admin
