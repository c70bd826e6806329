// `crawld url | links | robots | sitemap | charset`: one piece of the web's grammar each.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>

#include "base/error.h"
#include "parser/charset.h"
#include "parser/html_parser.h"
#include "parser/sitemap.h"
#include "service/commands.h"
#include "web/media_type.h"
#include "web/robots.h"
#include "web/url.h"

namespace crawld::service {
namespace {

constexpr size_t kMaxInput = size_t{256} << 20;

std::string ReadAll(std::istream& in) {
  std::string bytes;
  std::string block(1 << 16, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    bytes.append(block, 0, static_cast<size_t>(in.gcount()));
    if (bytes.size() > kMaxInput) throw FatalError("the input is larger than 256 MiB");
  }
  return bytes;
}

// One line, whatever its length; without its line feed, and without a carriage return before it.
bool ReadLine(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

void Print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

web::Url BaseOf(const std::string& text) {
  auto base = web::Url::Parse(text);
  if (!base) {
    throw UsageError(fmt::format("--base '{}' is no URL: {}", text, web::Explain(base.error())));
  }
  return *std::move(base);
}

}  // namespace

int UrlTool(const std::optional<std::string>& base_text) {
  std::optional<web::Url> base;
  if (base_text) base = BaseOf(*base_text);
  std::string line;
  while (ReadLine(std::cin, line)) {
    auto url = base ? web::Url::Parse(line, *base) : web::Url::Parse(line);
    if (!url) {
      Print(fmt::format("error: {}", web::Explain(url.error())));
    } else if (url->has_opaque_path()) {
      Print(fmt::format("error: the path of a {}: URL is opaque, there is nothing to crawl",
                        url->scheme()));
    } else {
      Print(url->HrefWithoutFragment());
    }
  }
  return kExitDone;
}

int LinksTool(const std::string& base, const std::string& charset, bool resources) {
  const std::string html = ReadAll(std::cin);
  parser::HtmlParser parser;
  parser::ParseOptions options;
  options.max_input_bytes = kMaxInput;
  options.max_links = std::numeric_limits<size_t>::max();
  options.max_link_bytes = kMaxInput;
  options.want_resources = resources;
  options.want_refresh = false;  // it is none of the kinds that are printed
  const auto page = parser.Parse(html, charset, BaseOf(base), options);
  if (!page) {
    fmt::print(stderr, "crawld: {}\n", parser::Name(page.error()));
    return kExitFailed;
  }
  for (const parser::Link& link : page->links) Print(link.url.HrefWithoutFragment());
  return kExitDone;
}

int RobotsTool(const RobotsToolOptions& options) {
  if (!options.list && !options.url && !options.urls_from) {
    throw UsageError("robots: nothing to answer; give --url, --urls-from or --list");
  }
  std::string robots_txt = ReadAll(std::cin);
  parser::Utf16ToUtf8(robots_txt);
  const auto rules = web::RobotsRules::Parse(robots_txt, options.agent);
  if (options.list) {
    boost::json::object out;
    if (const auto delay = rules.crawl_delay()) {
      out["crawl_delay"] = std::chrono::duration<double>(*delay).count();
    } else {
      out["crawl_delay"] = nullptr;
    }
    boost::json::array sitemaps;
    for (const std::string& sitemap : rules.sitemaps())
      sitemaps.push_back(boost::json::string(sitemap));
    out["sitemaps"] = std::move(sitemaps);
    Print(boost::json::serialize(out));
  }
  const auto judge = [&](const std::string& text) {
    const auto url = web::Url::Parse(text);
    std::string_view path = text;
    if (url) path = url->PathAndQuery();
    if (path.empty()) path = "/";
    Print(rules.Allows(path) ? "allow" : "disallow");
  };
  if (options.url) {
    if (!options.url->starts_with('/') && !web::Url::Parse(*options.url)) {
      throw UsageError(fmt::format("'{}' is neither a URL nor a path", *options.url));
    }
    judge(*options.url);
  }
  if (options.urls_from) {
    std::ifstream file(*options.urls_from);
    if (!file) {
      throw UsageError(fmt::format("cannot read {}", options.urls_from->string()));
    }
    std::string line;
    while (ReadLine(file, line)) judge(line);
  }
  return kExitDone;
}

int SitemapTool(const std::optional<std::string>& url_text) {
  std::optional<web::Url> base;
  if (url_text) base = BaseOf(*url_text);
  parser::SitemapReader reader({}, [&](parser::SitemapEntry&& entry) {
    const auto url = base ? web::Url::Parse(entry.loc, *base) : web::Url::Parse(entry.loc);
    if (url && url->IsHttp()) {
      Print(fmt::format("{}\t{}", parser::Name(entry.kind), url->HrefWithoutFragment()));
    } else {
      fmt::print(stderr, "crawld: skipped '{}': {}\n", entry.loc.substr(0, 100),
                 url ? "neither http nor https" : web::Explain(url.error()));
    }
  });
  std::string block(1 << 16, '\0');
  while (std::cin.read(block.data(), static_cast<std::streamsize>(block.size())),
         std::cin.gcount() > 0) {
    if (!reader.Write(std::string_view(block).substr(0, static_cast<size_t>(std::cin.gcount())))) {
      break;
    }
  }
  const auto end = reader.Finish();
  if (!end) {
    fmt::print(stderr, "crawld: {}\n", parser::Name(end.error()));
    return kExitFailed;
  }
  if (!end->complete)
    fmt::print(stderr, "crawld: the document is broken; what was whole is above\n");
  if (end->truncated) fmt::print(stderr, "crawld: a limit has cut the sitemap\n");
  return kExitDone;
}

int CharsetTool(const std::string& content_type) {
  const auto media = web::ParseMediaType(content_type);
  Print(parser::DetermineCharset(ReadAll(std::cin), media ? media->charset : "").name);
  return kExitDone;
}

}  // namespace crawld::service
