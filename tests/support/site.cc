#include "tests/support/site.h"

#include <zlib.h>

#include <utility>

#include "base/check.h"

namespace crawld::test {
namespace {

// splitmix64: the same site for the same seed, on every machine.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::string PagePath(int number) {
  // A query now and then: it is part of the URL.
  return (number % 9 == 4 ? "/p?n=" : "/p/") + std::to_string(number);
}

std::string Words(uint64_t seed, size_t bytes) {
  static constexpr const char* kWords[] = {"frontier ", "seed ",  "scope ",   "polite ",
                                           "delay ",    "lease ", "archive ", "caf\xc3\xa9 "};
  std::string text;
  for (uint64_t i = 0; text.size() < bytes; ++i) text += kWords[Mix(seed + i) % 8];
  return text;
}

Headers HtmlType() { return {{"Content-Type", "text/html; charset=utf-8"}}; }

}  // namespace

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  CRAWLD_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
               "zlib has memory");
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  std::string in(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CRAWLD_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "the output has deflate's bound");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Site::Site(const SiteOptions& options) : options_(options) {
  Add("/robots.txt",
      {200,
       {{"Content-Type", "text/plain"}},
       "User-agent: *\nDisallow: /private/\nSitemap: /sitemap.xml\n"},
      Kept::kNotAPage);
  std::string sitemap = R"(<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/)"
                        R"(schemas/sitemap/0.9">)";
  for (int i = 0; i < options_.pages; i += 25) {
    const std::string path = "/from-sitemap/" + std::to_string(i);
    // Relative locs are against the letter of sitemaps.org, and common.
    sitemap += "<url><loc>" + path + "</loc></url>";
    Add(path, {200, HtmlType(), "<title>only in the sitemap</title>"});
  }
  Add("/sitemap.xml", {200, {{"Content-Type", "application/xml"}}, sitemap + "</urlset>"},
      Kept::kNotAPage);
  Add("/", Page(0));
  for (int i = 1; i < options_.pages; ++i) Add(PagePath(i), Page(i));
  for (int i = 0; i < options_.pages; ++i) {
    const std::string n = std::to_string(i);
    if (i % 7 == 3) Add("/dead/" + n, {404, HtmlType(), "<a href=/never>gone</a>"});
    if (i % 11 == 5) {
      Add("/rr/" + n, {302, {{"Location", "/r/" + n}}, ""});
      Add("/r/" + n, {301, {{"Location", "../moved/" + n + "#there"}}, "moved"});
      Add("/moved/" + n, {200, HtmlType(), "<title>only by a redirect</title>"});
    }
    if (i % 13 == 6) {
      Add("/file/" + n, {200,
                         {{"Content-Type", "application/octet-stream"}},
                         std::string("\0\r\n\xff<a href=/never>", 19) + n});
    }
    if (i % 10 == 8) forbidden_.insert("/private/" + n);
    if (i % 10 == 9) forbidden_.insert("/nofollow/" + n);
    if (options_.flaky && i % 17 == 9) {
      Resource flaky{200, HtmlType(), "<title>at the second try</title>"};
      flaky.flaky = true;
      Add("/flaky/" + n, std::move(flaky));
    }
  }
  forbidden_.insert("/never");
}

void Site::Add(const std::string& path, Resource resource, Kept kept) {
  truth_[path] = {kept, resource.status};
  resources_[path] = std::move(resource);
}

Site::Resource Site::Page(int number) const {
  const std::string n = std::to_string(number);
  Resource page;
  page.headers = HtmlType();
  std::string& body = page.body;
  body = "<!doctype html><html lang=en><head><title>Page " + n + "</title></head><body><h1>Page " +
         n + "</h1>\n";
  const auto link = [&](const std::string& target, const char* attributes = "") {
    body += "<a " + std::string(attributes) + " href=\"" + target + "\">x</a>\n";
  };
  for (const int child : {2 * number + 1, 2 * number + 2}) {
    if (child < options_.pages) link(PagePath(child));
  }
  for (uint64_t i = 0; i < 5; ++i) {
    const uint64_t roll = Mix(options_.seed * 1000003 + static_cast<uint64_t>(number) * 31 + i);
    const int target = static_cast<int>(roll % static_cast<uint64_t>(options_.pages));
    if (target == 0) continue;
    link(PagePath(target) + (i % 2 == 0 ? "#part-" + n : ""));
  }
  link("/");
  if (number % 7 == 3) link("/dead/" + n);
  if (number % 11 == 5) link("/rr/" + n);
  if (number % 13 == 6) link("/x/../file/./" + n);
  if (number % 10 == 8) link("/private/" + n);
  if (number % 10 == 9) link("/nofollow/" + n, "rel=nofollow");
  if (options_.flaky && number % 17 == 9) link("/flaky/" + n);
  if (number % 5 == 0) link("http://elsewhere.invalid/" + n);
  body += "<p>" + Words(static_cast<uint64_t>(number), 600) + "</p>";
  if (number % 23 == 11) body += "<p>" + Words(static_cast<uint64_t>(number), 150'000) + "</p>";
  body += "</body></html>";
  if (number % 6 == 1) page.framing = Framing::kChunked;
  if (number % 31 == 7) page.framing = Framing::kUntilClose;
  page.gzip = number % 4 == 2;
  return page;
}

std::string Site::BodyOf(const std::string& path) const { return resources_.at(path).body; }

Reply Site::Handle(const Request& request) {
  const auto it = resources_.find(request.target);
  if (it == resources_.end()) return Answer(404, "no such page");
  const Resource& resource = it->second;
  Reply reply;
  if (options_.latency.count() > 0) reply.Delay(options_.latency);
  if (resource.flaky && ++tries_[request.target] == 1) {
    return reply.Send(ResponseBytes(500, "not now", {{"Content-Type", "text/plain"}}));
  }
  Headers headers = resource.headers;
  std::string body = resource.body;
  if (resource.gzip) {
    headers.emplace_back("Content-Encoding", "gzip");
    body = Gzip(body);
  }
  reply.Send(ResponseBytes(resource.status, body, headers, resource.framing));
  if (resource.framing == Framing::kUntilClose) reply.Close();
  return reply;
}

}  // namespace crawld::test
