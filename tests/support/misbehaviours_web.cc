// Misbehaviours of content codings, redirects, pages, and what a host asks of a crawler.
#include "tests/support/bombs.h"
#include "tests/support/hostile_scripts.h"
#include "tests/support/hostile_server.h"

namespace crawld::test {
namespace {

constexpr uint64_t kGigabyte = 1'000'000'000;
constexpr std::string_view kPage = "<title>page</title><p>some text</p>";

Script Coded(std::string_view coding, std::string_view body) {
  return Page(Join("Content-Encoding: ", coding, "\r\n"), body);
}

// Sends a bomb as it goes, until somebody has enough.
Script Explodes(std::string_view coding, const Bomb& bomb) {
  const std::string head = Join(kHtmlOk, "Content-Encoding: ", coding) +
                           "\r\nContent-Length: " + std::to_string(bomb.size()) + "\r\n\r\n";
  return [head, bomb](const Scene&) {
    return Reply().Send(head + bomb.first).Send(bomb.piece, bomb.times).Send(bomb.last);
  };
}

std::string GzipTimes(std::string_view bytes, int times) {
  std::string out(bytes);
  for (int i = 0; i < times; ++i) out = Deflate(out, 31);
  return out;
}

// A redirect with these bytes for a location; CANARY in them is the one of the scene.
Script Leads(std::string location, int status = 302) {
  return [location = std::move(location), status](const Scene& scene) {
    std::string target = location;
    if (const size_t at = target.find("CANARY"); at != std::string::npos) {
      target.replace(at, 6, scene.canary);
    }
    if (const size_t at = target.find("SELF"); at != std::string::npos) {
      target.replace(at, 4, scene.self);
    }
    if (const size_t at = target.find("PORT"); at != std::string::npos) {
      target.replace(at, 4, scene.canary.substr(scene.canary.rfind(':') + 1));
    }
    return RedirectTo(target, status);
  };
}

Script Says(int status, std::string_view retry_after) {
  Headers headers = {{"Content-Type", "text/html"}};
  if (!retry_after.empty()) headers.emplace_back("Retry-After", retry_after);
  return Keeps(ResponseBytes(status, "not now", headers));
}

std::string Robots(std::string_view bytes, std::string_view fields = "") {
  return Join("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", fields, "Content-Length: ") +
         std::to_string(bytes.size()) + "\r\n\r\n" + std::string(bytes);
}
std::string Utf16(std::string_view ascii) {
  std::string out;
  for (const char c : ascii) {
    out.push_back(c);
    out.push_back('\0');
  }
  return out;
}

constexpr std::string_view kRules = "User-agent: *\nDisallow: /forbidden\n";

// To the first host, which has good rules there.
Script ToFrontRules() {
  return [](const Scene& scene) {
    const std::string& host = scene.request.host;
    return RedirectTo("http://127.0.0.1" + host.substr(host.rfind(':')) + "/rules");
  };
}

Misbehaviour OddRobots(std::string name, std::string_view what, Script script, Due due,
                       Taken taken) {
  return {std::move(name), what, std::move(script), std::move(due), nullptr, Place::kRobots, taken};
}

}  // namespace

std::vector<Misbehaviour> CodingMisbehaviours() {
  const std::string gzip = Deflate(kPage, 31);
  const Bomb small_gzip = GzipBomb(60'000'000);
  const Bomb small_brotli = BrotliBomb(kGigabyte);
  const Bomb small_zstd = ZstdBomb(kGigabyte);
  const std::string matryoshka = GzipTimes(GzipBomb(kGigabyte / 2).Bytes(), 2);
  std::string wrong_crc = gzip;
  wrong_crc[gzip.size() - 8] = static_cast<char>(wrong_crc[gzip.size() - 8] ^ 1);
  std::string wrong_length = gzip;
  wrong_length[gzip.size() - 1] = 'x';
  std::string members;
  while (members.size() < 60'000) members += Deflate("", 31);
  const std::string endless_name = Raw("\x1f\x8b\x08\x08\0\0\0\0\0\xff") + std::string(50'000, 'n');
  std::vector<Misbehaviour> all = {
      {"GzipBombOf10GB", "10 MB of gzip that are 10 GB", Explodes("gzip", GzipBomb(10 * kGigabyte)),
       Cut(200, "cut_at_limit")},
      {"BrotliBombOf100GB", "100 KB of brotli that are 100 GB",
       Explodes("br", BrotliBomb(100 * kGigabyte)), Cut(200, "cut_at_limit")},
      {"ZstdBombOf10GB", "300 KB of zstd that are 10 GB",
       Explodes("zstd", ZstdBomb(10 * kGigabyte)), Cut(200, "cut_at_limit")},
      {"GzipHeadEndless", "a gzip file with a name without end",
       Floods(Join(kHtmlOk, "Content-Encoding: gzip\r\n\r\n", "\x1f\x8b\x08\x08nnnnnn"),
              std::string(1000, 'n')),
       Cut(200, "cut_at_limit")},
  };
  const auto add = [&](const char* name, const char* what, const std::string& coding,
                       const std::string& body, std::string_view unread) {
    all.push_back({name, what, Coded(coding, body), Whole(200, body.size(), unread)});
  };
  add("GzipBombSmall", "60 KB of gzip that are 60 MB", "gzip", small_gzip.Bytes(), "cut_at_limit");
  add("BrotliBombSmall", "a kilobyte of brotli that is 1 GB", "br", small_brotli.Bytes(),
      "cut_at_limit");
  add("ZstdBombSmall", "30 KB of zstd that are 1 GB", "zstd", small_zstd.Bytes(), "cut_at_limit");
  add("GzipInGzipBomb", "gzip in gzip in gzip that is 500 MB", "gzip, gzip, gzip", matryoshka,
      "cut_at_limit");
  add("GzipTenTimes", "gzip ten times over, and says so",
      "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip", GzipTimes(kPage, 10),
      "too_many_codings");
  add("GzipTenTimesSilently", "gzip ten times over, and says once", "gzip", GzipTimes(kPage, 10),
      "");
  add("ZstdHugeWindow", "zstd that wants a window of 2 GB", "zstd",
      Raw("\x28\xb5\x2f\xfd\x00\xa8\x02\x00\x00x\x01\x00\x00"), "broken_coding");
  add("ZstdHugeSize", "zstd that says it is 2^64 - 1 bytes", "zstd",
      Raw("\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"), "broken_coding");
  add("ZstdSkips", "zstd of skippable frames alone", "zstd",
      Times(Raw("\x50\x2a\x4d\x18\x01\x00\x00\x00x"), 5000), "broken_coding");
  add("BrotliGarbage", "brotli that is none", "br", std::string(1000, '\xff'), "broken_coding");
  add("BrotliLargeWindow", "brotli with a window beyond its standard", "br",
      Raw("\x11\x1e\xff\xff\xff\xff\xff\xff"), "broken_coding");
  add("DeflateZlib", "deflate as it should be", "deflate", Deflate(kPage, 15), "");
  add("DeflateRaw", "deflate as some send it", "deflate", Deflate(kPage, -15), "");
  add("DeflateGarbage", "deflate that is none", "deflate", std::string(1000, '\xff'),
      "broken_coding");
  add("DeflateIsGzip", "deflate that is gzip", "deflate", gzip, "broken_coding");
  add("GzipTruncated", "gzip that breaks off", "gzip", gzip.substr(0, gzip.size() - 12),
      "broken_coding");
  add("GzipHeadAlone", "a gzip file's first ten bytes", "gzip", gzip.substr(0, 10),
      "broken_coding");
  add("GzipTrailingGarbage", "gzip with garbage behind it", "gzip", gzip + "garbage", "");
  add("GzipWrongCrc", "gzip with a wrong checksum", "gzip", wrong_crc, "broken_coding");
  add("GzipWrongLength", "gzip with a wrong length", "gzip", wrong_length, "broken_coding");
  add("GzipEmptyMembers", "3,000 empty gzip members", "gzip", members, "");
  add("GzipHeadOf50KB", "a gzip file with a name of 50,000 bytes", "gzip", endless_name,
      "broken_coding");
  add("GzipButPlain", "says gzip, and is plain", "gzip", std::string(kPage), "broken_coding");
  add("GzipButEmpty", "says gzip, and is empty", "gzip", "", "");
  add("BrotliButGzip", "says br, and is gzip", "br", gzip, "broken_coding");
  add("PlainButGzip", "says nothing, and is gzip", "identity", gzip, "");
  add("CodingUnknown", "has a coding that nobody knows", "x-unknown", std::string(kPage),
      "unknown_coding");
  add("CodingAes128Gcm", "is encrypted", "aes128gcm", std::string(kPage), "unknown_coding");
  add("Codings1000", "has a thousand codings", Times("gzip, ", 1000) + "gzip", std::string(kPage),
      "too_many_codings");
  add("CodingsIdentity1000", "has a thousand times no coding", Times("identity,", 1000) + "gzip",
      gzip, "");
  add("CodingsEmpty", "has a thousand commas for a coding", Times(",", 1000), std::string(kPage),
      "");
  add("CodingInOddCase", "says its coding in odd case", " , GZip ,", gzip, "");
  all.push_back({"CodingTwoFields", "says its two codings in two fields",
                 Page("Content-Encoding: gzip\r\nContent-Encoding: deflate\r\n", Deflate(gzip, 15)),
                 Whole(200, Deflate(gzip, 15).size(), "")});
  all.push_back({"TransferGzip", "has a bomb under a transfer coding",
                 Closes(Join(kHtmlOk, "Transfer-Encoding: gzip\r\n\r\n", small_gzip.Bytes())),
                 Whole(200, small_gzip.size())});
  all.push_back({"TransferGzipChunked", "has a bomb under two transfer codings",
                 Closes(Join(kHtmlOk, "Transfer-Encoding: gzip, chunked\r\n\r\n",
                             Chunked(small_gzip.Bytes()))),
                 Whole(200, Chunked(small_gzip.Bytes()).size())});
  all.push_back(
      {"ChunkedGzipCut", "has gzip in chunks, and closes",
       Closes(Join(kHtmlOk, "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
                   "400\r\n" + gzip)),
       Broken("body_short", 200, gzip.size() + 5)});
  return all;
}

std::vector<Misbehaviour> RedirectMisbehaviours() {
  const Due moved = Whole(302, 0);
  const auto bounce = [](const Scene& scene) {
    return RedirectTo(scene.self + (scene.rest == "/a" ? "/b" : "/a"));
  };
  const auto chain = [](const Scene& scene) {
    const int at = scene.rest.empty() ? 0 : std::atoi(std::string(scene.rest.substr(1)).c_str());
    return at >= 100 ? Html("the end")
                     : RedirectTo(Join(scene.self, "/", std::to_string(at + 1)), 301);
  };
  const auto endless = [](const Scene& scene) {
    return RedirectTo(Join(scene.self, scene.rest, "/more"), 307);
  };
  const auto nowhere = [](int status) {
    return Keeps(ResponseBytes(status, "", {{"Content-Type", "text/html"}}));
  };
  return {
      {"ToItself", "leads to itself", Leads("SELF"), moved},
      {"ToItselfWithFragment", "leads to itself, and a fragment", Leads("SELF#there"), moved},
      {"ToAndFro", "leads to one that leads back", bounce, moved},
      {"Chain", "leads to the next of a hundred", chain, Whole(301, 0)},
      {"ChainEndless", "leads ever deeper", endless, Whole(307, 0)},
      {"ToFile", "leads to a file", Leads("file:///etc/passwd"), moved},
      {"ToFtp", "leads to an FTP server", Leads("ftp://CANARY/x"), moved},
      {"ToGopher", "leads to a gopher hole", Leads("gopher://CANARY/_x"), moved},
      {"ToDict", "leads to a dictionary", Leads("dict://CANARY/d:x"), moved},
      {"ToJavascript", "leads to a script", Leads("javascript:alert(1)"), moved},
      {"ToData", "leads to its data", Leads("data:text/html,<a href=/healthy/data>x</a>"), moved},
      {"ToMail", "leads to a mailbox", Leads("mailto:a@b.test"), moved},
      {"ToBlob", "leads to a blob", Leads("blob:http://CANARY/1-2-3"), moved},
      {"ToViewSource", "leads to a source", Leads("view-source:http://CANARY/"), moved},
      {"ToLoopback", "leads to a port of this machine", Leads("http://CANARY/"), moved},
      {"ToLoopbackAsNumber", "leads there by a number", Leads("http://2130706433:PORT/"), moved},
      {"ToLoopbackAsHex", "leads there in hexadecimal", Leads("http://0x7f.1:PORT/"), moved},
      {"ToLoopbackAsOctal", "leads there in octal", Leads("http://0177.0.0.1:PORT/"), moved},
      {"ToLoopbackShort", "leads there in short", Leads("http://127.1:PORT/"), moved},
      {"ToLoopbackMapped", "leads there mapped", Leads("http://[::ffff:127.0.0.1]:PORT/"), moved},
      {"ToLoopbackV6", "leads there by IPv6", Leads("http://[::1]:PORT/"), moved},
      {"ToLoopbackByName", "leads there by name", Leads("http://localhost:PORT/"), moved},
      {"ToLoopbackFullWidth", "leads there in full-width digits",
       Leads("http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:PORT/"), moved},
      {"ToThisNetwork", "leads to 0.0.0.0", Leads("http://0.0.0.0:PORT/"), moved},
      {"ToLoopbackAsUser", "leads there behind a user name", Leads("http://healthy.test@CANARY/"),
       moved},
      {"ToLoopbackSlashes", "leads there with the wrong slashes", Leads("\\\\CANARY\\x"), moved},
      {"ToLoopbackRelative", "leads there without a scheme", Leads("//CANARY/x"), moved},
      {"ToLoopbackByTls", "leads there by https", Leads("https://CANARY/"), moved},
      {"ToMetadata", "leads to a cloud's metadata", Leads("http://169.254.169.254/latest/"), moved},
      {"ToPrivate", "leads to a private network", Leads("http://10.0.0.1/"), moved},
      {"ToPort0", "leads to port 0", Leads("http://127.0.0.1:0/"), moved},
      {"ToPort22", "leads to port 22", Leads("http://127.0.0.1:22/"), moved},
      {"ToPort99999", "leads to a port that is none", Leads("http://127.0.0.1:99999/"), moved},
      {"ToNobody", "leads to a host of no name", Leads("http://"), moved},
      {"ToNobodyEither", "leads to no host at all", Leads("//"), moved},
      {"ToBackslash", "leads to a backslash", Leads("\\"), moved},
      {"ToEmpty", "leads to an empty place", Leads(""), moved},
      {"ToBlanks", "leads to blanks", Leads("     "), moved},
      {"ToQuery", "leads to a question mark", Leads("?"), moved},
      {"ToDots", "leads up, and up", Leads(Times("../", 500) + "healthy/dots"), moved},
      {"ToPercent", "leads to a broken escape", Leads("/healthy/%zz%"), moved},
      {"ToEncodedLine", "leads to a line of its own", Leads("/healthy/%0d%0aX-Injected:%20yes"),
       moved},
      {"ToTabs", "leads to a place with tabs in it", Leads("/heal\tthy/tabs"), moved},
      {"ToNul", "leads to a NUL", Leads(Raw("/heal\0thy")), Fails("protocol")},
      {"To20000Bytes", "leads to 20,000 bytes", Leads("/healthy/" + std::string(20'000, 'x')),
       moved},
      {"To1MB", "leads to a megabyte", Leads("/healthy/" + std::string(1'000'000, 'x')),
       Fails("head_too_large")},
      {"ToLongName", "leads to a name of 300 bytes",
       Leads("http://" + std::string(300, 'a') + ".test/"), moved},
      {"ToBadName", "leads to a name that is none", Leads("http://a..b_%zz.test/"), moved},
      {"To8Bit", "leads to bytes", Leads("/healthy/\xff\xfe\xc3"), moved},
      {"ToOneTwice1", "leads where another leads too", Leads("/healthy/one-for-all"), moved},
      {"ToOneTwice2", "leads where another leads too", Leads("/healthy/one-for-all#2", 307),
       Whole(307, 0)},
      {"ToOneTwice3", "leads where another leads too", Leads("./healthy/x/../one-for-all", 308),
       Whole(308, 0)},
      {"MovedNowhere", "is a 301 without a place", nowhere(301), Whole(301, 0)},
      {"MovedTwice", "leads to two places",
       [](const Scene& scene) {
         return Answer(
             302, "",
             {{"Location", "/healthy/first"}, {"Location", "http://" + scene.canary + "/second"}});
       },
       moved},
      {"MovedWithBody", "leads elsewhere, and has a page",
       [](const Scene& scene) {
         return Answer(302, "<a href=http://" + scene.canary + "/>x</a>",
                       {{"Location", "/healthy/body"}, {"Content-Type", "text/html"}});
       },
       Whole(302, {})},
      {"MovedWithEndlessBody", "leads elsewhere, without end",
       Floods("HTTP/1.1 302 Found\r\nLocation: /healthy/endless\r\n\r\n", std::string(4096, 'x')),
       Cut(302)},
      {"MultipleChoices", "is a 300", Leads("http://CANARY/", 300), Whole(300, 0)},
      {"UseProxy", "is a 305", Leads("http://CANARY/", 305), Whole(305, 0)},
      {"SwitchProxy", "is a 306", Leads("http://CANARY/", 306), Whole(306, 0)},
      {"Created", "is a 201 with a place", Leads("http://CANARY/", 201), Whole(201, 0)},
      {"Refreshes", "refreshes to itself",
       [](const Scene& scene) {
         return Answer(200, "<meta http-equiv=refresh content='0; url=" + scene.self + "?again'>",
                       {{"Content-Type", "text/html"}, {"Refresh", "0; url=" + scene.self}});
       },
       Whole(200, {})},
  };
}

std::vector<Misbehaviour> RetryMisbehaviours() {
  const auto due = [](int status) { return Whole(status, 7); };
  return {
      {"RetryAfter0", "is a 429 for 0 seconds", Says(429, "0"), due(429)},
      {"RetryAfter1e30", "is a 429 for 1e30 seconds", Says(429, "1e30"), due(429)},
      {"RetryAfter30Digits", "is a 429 for 30 digits", Says(429, std::string(30, '9')), due(429)},
      {"RetryAfterNegative", "is a 429 for -5 seconds", Says(429, "-5"), due(429)},
      {"RetryAfterGarbage", "is a 429 for garbage", Says(429, "\xff tomorrow"), due(429)},
      {"RetryAfterPast", "is a 503 until 1994", Says(503, "Sun, 06 Nov 1994 08:49:37 GMT"),
       due(503)},
      {"RetryAfter2099", "is a 503 until 2099", Says(503, "Thu, 31 Dec 2099 23:59:59 GMT"),
       due(503)},
      {"RetryAfterTwice", "is a 503 for two times",
       Keeps("HTTP/1.1 503 No\r\nRetry-After: 1\r\nRetry-After: 99999999\r\nContent-Length: "
             "7\r\n\r\nnot now"),
       due(503)},
      {"RetryAfterEmpty", "is a 503 for nothing", Says(503, " "), due(503)},
      {"BusyForEver", "is a 503 for ever", Says(503, ""), due(503)},
      {"TooSlowForEver", "is a 408 for ever", Says(408, ""), due(408)},
      {"TooEarlyForEver", "is a 425 for ever", Says(425, ""), due(425)},
      {"BrokenForEver", "is a 500 for ever", Says(500, ""), due(500)},
      {"GatewayForEver", "is a 502 for ever", Says(502, ""), due(502)},
      {"GatewayTimeoutForEver", "is a 504 for ever", Says(504, ""), due(504)},
      {"BusyAndEndless", "is a 503 without end",
       Floods("HTTP/1.1 503 No\r\nContent-Type: text/html\r\n\r\n", std::string(4096, 'x')),
       Cut(503)},
  };
}

std::vector<Misbehaviour> ContentMisbehaviours() {
  const auto html = [](std::string first, std::string piece, uint64_t times = kForEver) {
    return Floods(Join(kHtmlOk, "\r\n", first), std::move(piece), times);
  };
  const auto deeper = [](const Scene& scene) {
    return Html(Join("<a href=", scene.self, scene.rest) + "/deeper>x</a><a href=" + scene.self +
                std::string(scene.rest) + "/other>x</a>");
  };
  const auto calendar = [](const Scene& scene) {
    const size_t at = scene.rest.find('=');
    const int day = at == std::string_view::npos
                        ? 0
                        : std::atoi(std::string(scene.rest.substr(at + 1)).c_str());
    return Html(Join("<a href='", scene.self, "?day=") + std::to_string(day + 1) +
                "'>tomorrow</a><a href='" + scene.self + "?day=" + std::to_string(day - 1) +
                "'>yesterday</a>");
  };
  const auto session = [](const Scene& scene) {
    return Html(Join("<a href='", scene.self, "?session=") +
                std::to_string(scene.request.connection * 1000 + scene.request.sequence) +
                "'>x</a>");
  };
  const auto to_canary = [](const Scene& scene) {
    const std::string url = "http://" + scene.canary + "/";
    return Html("<base href=" + url + "><a href=" + url + "a>x</a><a href=b>x</a><img src=" + url +
                "c><iframe src=" + url + "d></iframe><form action=" + url +
                "e></form><link rel=canonical href=" + url + "f><area href=" + url +
                "g><a ping=" + url + "h href='" + url + "h'>x</a>");
  };
  const Due cut = Cut(200, "cut_at_limit");
  std::string names;
  for (int i = 0; i < 20; ++i) names += "<a href=http://h" + std::to_string(i) + ".test/>x</a>";
  const auto body = [](const char* name, const char* what, const std::string& bytes,
                       std::string_view fields = "") {
    return Misbehaviour{name, what, Page(fields, bytes), Whole(200, bytes.size())};
  };
  return {
      {"LinksMillion", "has a million links",
       html("", Times("<a href=/healthy/m>x</a>\n", 100), 10'000), cut},
      {"TagOf5MB", "has a tag of 5 MB", html("<a title='", std::string(1000, 'x'), 5000), cut},
      {"TagEndless", "has a tag without end", html("<a ", "x=y "), cut},
      {"AttributesEndless", "has attributes without end", html("<p ", Times("a b c=d e='f' ", 50)),
       cut},
      {"NestingEndless", "nests without end", html("", Times("<div>", 100)), cut},
      {"NestingOfTables", "nests tables without end", html("", Times("<table><tr><td>", 50)), cut},
      {"NestingOfFonts", "nests what is formatted", html("", Times("<b><i><font><a href=x>", 50)),
       cut},
      {"NestingOfSvg", "nests foreign content", html("", Times("<svg><desc><math><mi>", 50)), cut},
      {"NestingOfTemplates", "nests templates", html("", Times("<template>", 100)), cut},
      {"NestingOfSelects", "nests selects", html("", Times("<select><option><optgroup>", 50)), cut},
      {"EndTagsEndless", "ends what never began", html("", Times("</p></b></table>", 50)), cut},
      {"CommentUnclosed", "has a comment without end", html("<!--", std::string(1000, '-')), cut},
      {"ScriptUnclosed", "has a script without end", html("<script>", "<!--<script>"), cut},
      {"TitleEndless", "has a title without end", html("<title>", "title "), cut},
      {"EntitiesEndless", "has references without end",
       html("<a href='", Times("&amp;&#x0;&notit;", 50)), cut},
      {"PlaintextEndless", "has a plaintext", html("<plaintext>", "<a href=/healthy/never>"), cut},
      {"NulsEndless", "has NULs without end", html("<p>", std::string(1000, '\0')), cut},
      {"LinkOf60KB", "has a link of 60,000 bytes",
       Page("", "<a href='/healthy/" + std::string(60'000, 'l') + "'>x</a>"), Whole(200, {}, "")},
      body("LinksOdd", "has links to odd places",
           "<a href=javascript:x>x</a><a href=data:,x>x</a><a href='http://'>x</a><a "
           "href='//'>x</a><a href='\\\\'>x</a><a href='http://[::'>x</a><a "
           "href='http://a:b:c/'>x</a><a href='/healthy/\r\nodd'>x</a><a href='&#0;'>x</a>"),
      body("LinksToManyNames", "has links to twenty hosts that do not exist", names),
      {"LinksToThisMachine", "has links to a port of this machine", to_canary, Whole(200, {}, "")},
      {"TrapCalendar", "has a calendar for ever", calendar, Whole(200, {}, "")},
      {"TrapPath", "has paths that grow", deeper, Whole(200, {}, "")},
      {"TrapSession", "has another session each time", session, Whole(200, {}, "")},
      body("Utf16WithoutMark", "is UTF-16, and does not say so",
           Utf16("<title>x</title><a href=/healthy/utf16>x</a>")),
      body("Utf16WithMark", "is UTF-16 with a mark", "\xff\xfe" + Utf16("<title>x</title>")),
      body("Utf16Odd", "is half a character of UTF-16", "\xff\xfe<"),
      body("Utf8Broken", "is broken UTF-8", std::string(1000, '\xc3')),
      body("CharsetUnknown", "has a charset that nobody knows", "<meta charset=x-none><p>x"),
      body("CharsetUtf7", "has the charset UTF-7", "<meta charset=utf-7>+ADw-script+AD4-"),
      body("CharsetIso2022", "escapes in ISO-2022-JP",
           "<meta charset=iso-2022-jp>" + Times("\x1b$B\x1b(B", 1000)),
      body("ImageAsHtml", "is an image that says it is a page",
           "\x89PNG\r\n\x1a\n" + std::string(1000, '\x7f')),
      body("PdfAsHtml", "is a PDF that says it is a page", "%PDF-1.7\n<a href=/healthy/pdf>x</a>"),
      body("EmptyPage", "is empty", ""),
      body("NulPage", "is one NUL", std::string(1, '\0')),
      body("XmlBomb", "laughs a billion times",
           "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'lol'>" +
               Times("<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>", 20) + "]><l>&b;</l>"),
      body("RobotsTagFlood", "says 1,000 things to robots", "<p>x",
           "X-Robots-Tag: " + Times("nofollow, unavailable_after: x, ", 900) + "none\r\n"),
  };
}

std::vector<Misbehaviour> RobotsMisbehaviours() {
  const std::string rules(kRules);
  const std::string plain = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
  const Bomb bomb = GzipBomb(60'000'000);
  const auto good = [](const std::string& bytes) { return Whole(200, bytes.size()); };
  const std::string bom = "\xef\xbb\xbf" + rules;
  const std::string cr = "User-agent: *\rDisallow: /forbidden\r";
  const std::string utf16 = "\xff\xfe" + Utf16(rules);
  const std::string binary = Raw("\x7f\x45LF\0\0\0") + std::string(1000, '\xfe');
  const std::string nuls = std::string(100, '\0') + "\n" + rules;
  const std::string stars =
      rules + "Disallow: /" + Times("*a", 500) + "$\n" + "Disallow: /p" + Times("*", 5000) + "z\n";
  const std::string page = "<!doctype html><title>log in</title>";
  const std::string delays = rules + "Crawl-delay: 1e300\nCrawl-delay: -1\nCrawl-delay: nan\n";
  const std::string all = "User-agent: *\nDisallow: /\n";
  const std::string many = rules + Times("Disallow: /x\n", 4000);
  const std::string maps = rules + "Sitemap: file:///etc/passwd\nSitemap: http://\nSitemap: " +
                           std::string(10'000, 's') + "\n";
  const std::string gzip = Deflate(rules, 31);
  return {
      OddRobots("RobotsHuge", "has rules, and 2 MB of comments",
                Floods(plain + rules, "# " + std::string(1000, 'c') + "\n", 2000), Cut(),
                Taken::kPage),
      OddRobots("RobotsEndless", "has rules without end", Floods(plain + rules, "Disallow: /x\n"),
                Cut(), Taken::kPage),
      OddRobots("RobotsOneLine", "has a line without end behind its rules",
                Floods(plain + rules + "Disallow: /", std::string(1000, 'x')), Cut(), Taken::kPage),
      OddRobots("RobotsStalls", "is silent", Stalls(""), Fails("first_byte_timeout"),
                Taken::kNothing),
      OddRobots("RobotsStallsWithin", "stops within its rules", Stalls(plain + rules),
                TimedOut("idle_timeout", 200, rules.size()), Taken::kNothing),
      OddRobots("RobotsShort", "breaks off",
                Closes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + rules),
                Broken("body_short", 200, rules.size()), Taken::kNothing),
      OddRobots("RobotsResets", "resets", Resets(""), Fails("reset"), Taken::kNothing),
      OddRobots("RobotsHttp09", "has no head", Closes(rules), Fails("protocol"), Taken::kNothing),
      OddRobots("RobotsBinary", "is a program", Keeps(Robots(binary)), good(binary), Taken::kAll),
      OddRobots("RobotsEmpty", "is empty", Keeps(Robots("")), Whole(200, 0), Taken::kAll),
      OddRobots("RobotsPage", "is a page to log in", Keeps(Robots(page)), good(page), Taken::kAll),
      OddRobots("RobotsLoop", "leads to itself", Leads("/robots.txt"), Whole(302, 0), Taken::kAll),
      OddRobots("RobotsElsewhere", "leads to another host", ToFrontRules(), Whole(302, 0),
                Taken::kPage),
      OddRobots("RobotsToThisMachine", "leads to a port of this machine",
                Leads("http://CANARY/robots.txt"), Whole(302, 0), Taken::kNothing),
      OddRobots("RobotsToFile", "leads to a file", Leads("file:///etc/passwd"), Whole(302, 0),
                Taken::kAll),
      OddRobots("RobotsMovedNowhere", "leads nowhere", Keeps(ResponseBytes(301, "")), Whole(301, 0),
                Taken::kAll),
      OddRobots("Robots304", "has not changed, it says", Keeps("HTTP/1.1 304 Same\r\n\r\n"),
                Whole(304, 0), Taken::kAll),
      OddRobots("Robots401", "wants a password", Keeps(ResponseBytes(401, "")), Whole(401, 0),
                Taken::kAll),
      OddRobots("Robots403", "is forbidden", Keeps(ResponseBytes(403, "")), Whole(403, 0),
                Taken::kAll),
      OddRobots("Robots410", "is gone", Keeps(ResponseBytes(410, "")), Whole(410, 0), Taken::kAll),
      OddRobots("Robots429", "is too many", Keeps(ResponseBytes(429, "")), Whole(429, 0),
                Taken::kNothing),
      OddRobots("Robots500", "is broken", Keeps(ResponseBytes(500, "")), Whole(500, 0),
                Taken::kNothing),
      OddRobots("Robots503", "is not there, until 2099", Says(503, "Thu, 31 Dec 2099 23:59:59 GMT"),
                Whole(503, 7), Taken::kNothing),
      OddRobots("Robots600", "has a status that is none", Keeps(ResponseBytes(600, "")),
                Whole(600, 0), Taken::kNothing),
      OddRobots("RobotsSwitches", "switches protocols",
                Closes("HTTP/1.1 101 Switching\r\n\r\n" + rules), Whole(101, rules.size()),
                Taken::kNothing),
      OddRobots("RobotsGzip", "is packed", Keeps(Robots(gzip, "Content-Encoding: gzip\r\n")),
                good(gzip), Taken::kPage),
      OddRobots("RobotsGzipBroken", "is packed, and broken",
                Keeps(Robots(gzip.substr(0, gzip.size() - 12), "Content-Encoding: gzip\r\n")),
                Whole(200, gzip.size() - 12), Taken::kNothing),
      OddRobots("RobotsCodingUnknown", "is packed, and nobody knows how",
                Keeps(Robots(rules, "Content-Encoding: x-unknown\r\n")), good(rules),
                Taken::kNothing),
      OddRobots("RobotsBomb", "is a bomb",
                Keeps(Robots(bomb.Bytes(), "Content-Encoding: gzip\r\n")), Whole(200, bomb.size()),
                Taken::kAll),
      OddRobots("RobotsBom", "has a byte order mark", Keeps(Robots(bom)), good(bom), Taken::kPage),
      OddRobots("RobotsUtf16", "is UTF-16", Keeps(Robots(utf16)), good(utf16), Taken::kPage),
      OddRobots("RobotsCarriageReturns", "has CR alone", Keeps(Robots(cr)), good(cr), Taken::kPage),
      OddRobots("RobotsNuls", "begins with NULs", Keeps(Robots(nuls)), good(nuls), Taken::kPage),
      OddRobots("RobotsStars", "has patterns that cost much", Keeps(Robots(stars)), good(stars),
                Taken::kPage),
      OddRobots("RobotsManyRules", "has 4,000 rules", Keeps(Robots(many)), good(many),
                Taken::kPage),
      OddRobots("RobotsDelays", "asks for delays beyond reason", Keeps(Robots(delays)),
                good(delays), Taken::kPage),
      OddRobots("RobotsNoEntry", "forbids everything", Keeps(Robots(all)), good(all),
                Taken::kNothing),
      OddRobots("RobotsSitemapsOdd", "names sitemaps in odd places", Keeps(Robots(maps)),
                good(maps), Taken::kPage),
      OddRobots("RobotsPart", "is a part, unasked",
                Keeps("HTTP/1.1 206 Part\r\nContent-Length: " + std::to_string(rules.size()) +
                      "\r\n\r\n" + rules),
                Whole(206, rules.size()), Taken::kPage),
  };
}

}  // namespace crawld::test
