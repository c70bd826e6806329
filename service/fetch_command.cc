// `crawld fetch URL`: one URL through the real fetcher and parser.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>

#include "config/config.h"
#include "config/error.h"
#include "fetcher/fetcher.h"
#include "logs/logging.h"
#include "parser/html_parser.h"
#include "pipeline/answer.h"
#include "service/commands.h"
#include "service/wiring.h"
#include "web/media_type.h"
#include "web/utf8.h"

namespace crawld::service {
namespace {

namespace json = boost::json;

json::object PageObject(const parser::ParsedPage& page) {
  json::object object{{"title", page.title},
                      {"description", page.description},
                      {"language", page.language},
                      {"canonical", page.canonical},
                      {"robots", page.robots.raw},
                      {"encoding", page.encoding},
                      {"encoding_from", page.encoding_from}};
  json::array headings;
  for (const parser::Heading& heading : page.headings) {
    headings.push_back(json::object{{"level", heading.level}, {"text", heading.text}});
  }
  object["headings"] = std::move(headings);
  json::array links;
  for (const parser::Link& link : page.links) {
    json::object one{{"url", json::string(link.url.href())},
                     {"kind", json::string(parser::Name(link.kind))}};
    if (link.IsWithheld(parser::kRelAll)) one["nofollow"] = true;
    links.push_back(std::move(one));
  }
  object["links"] = std::move(links);
  return object;
}

}  // namespace

int FetchOne(const std::string& text, const std::optional<std::filesystem::path>& path) {
  logs::SetUpToolLogging();
  config::Config config;
  config.identity.user_agent = fmt::format("crawld/{} (fetch)", CRAWLD_VERSION);
  if (path) {
    config = config::Load(*path);
    CheckAgainstRooms(config);
  }
  auto url = web::Url::Parse(text);
  if (!url) {
    fmt::print(stderr, "crawld: '{}' is no URL: {}\n", text, web::Explain(url.error()));
    return kExitUsage;
  }
  url->DropFragment();
  url->DropCredentials();  // as in a crawl: they are not sent
  fetcher::FetcherOptions fetching = FetcherOptionsOf(config);
  fetching.cookie_file.clear();  // the crawl's own, which may be running
  // Without a config it is a person who says where to go, and no page.
  if (!path) fetching.allow_addresses = fetcher::AllAddresses();
  fetcher::Fetcher fetcher(fetching);
  fetcher::FetchRequest request;
  request.url = *url;
  fetcher::FetchResult fetched = fetcher.Submit(std::move(request)).Take();

  json::object out{{"url", json::string(url->href())}};
  const pipeline::Answer answer = pipeline::ReadAnswer(fetched, *url, config.identity.robots_token);
  if (fetched.error) {
    out["error"] = json::string(fetcher::Name(*fetched.error));
    out["detail"] = fetched.detail;
  }
  if (fetched.status != 0) {
    out["status"] = fetched.status;
    out["protocol"] = json::string(fetched.protocol);
    out["type"] = answer.media_type;
    const std::string_view type = pipeline::SniffAnswer(fetched, answer);
    if (type != answer.media_type) out["sniffed_type"] = json::string(type);
    if (!answer.robots.raw.empty()) out["x_robots_tag"] = answer.robots.raw;
    json::array fields;
    for (const web::HttpField& field : answer.head.fields) {
      fields.push_back(json::array{json::string(web::ReplaceInvalidUtf8(field.name)),
                                   json::string(web::ReplaceInvalidUtf8(field.value))});
    }
    out["headers"] = std::move(fields);
    if (answer.redirect) out["redirect"] = json::string(answer.redirect->href());
    if (web::IsHtml(type)) {
      parser::DecodeLimits limits;
      limits.max_output_bytes = config.parser.max_body_bytes;
      const auto body = pipeline::DecodeAnswer(fetched, answer, limits);
      if (body) {
        parser::ParseOptions options;
        options.max_links = config.parser.max_links;
        options.want_text = config.parser.text;
        options.robots_name = config.identity.robots_token;
        parser::HtmlParser html;
        if (const auto page = html.Parse(body->bytes, answer.charset, *url, options)) {
          out["page"] = PageObject(*page);
        } else {
          out["unread"] = json::string(parser::Name(page.error()));
        }
      } else {
        out["unread"] = json::string(parser::Name(body.error()));
      }
    }
  }
  out["bytes"] = fetched.body.size();
  out["ip"] = fetched.ip;
  out["connect_ms"] = std::chrono::duration_cast<Millis>(fetched.connect).count();
  out["first_byte_ms"] = std::chrono::duration_cast<Millis>(fetched.first_byte).count();
  out["total_ms"] = std::chrono::duration_cast<Millis>(fetched.total).count();
  fmt::print("{}\n", json::serialize(out));
  return fetched.error ? kExitFailed : kExitDone;
}

}  // namespace crawld::service
