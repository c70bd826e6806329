#include "web/url.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace crawld::web {
namespace {

std::string Href(std::string_view input) {
  const auto url = Url::Parse(input);
  return url ? std::string(url->href()) : "error: " + std::string(Name(url.error()));
}

std::string Resolve(std::string_view reference, std::string_view base) {
  const auto parsed = Url::Parse(base);
  if (!parsed) return "bad base";
  const auto url = Url::Parse(reference, *parsed);
  return url ? std::string(url->href()) : "error: " + std::string(Name(url.error()));
}

// RFC 3986 section 5.4, whose results the URL Standard shares for special schemes.
TEST(UrlTest, Rfc3986_5_4_ReferenceResolution) {
  constexpr std::string_view kBase = "http://a/b/c/d;p?q";
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g#s/../x", "http://a/b/c/g#s/../x"},
      {"http:g", "http://a/b/c/g"},
  };
  for (const auto& [reference, expected] : cases) {
    EXPECT_EQ(Resolve(reference, kBase), expected) << reference;
  }
}

TEST(UrlTest, SchemeState_CaseIsFoldedAndTheSpecialOnesForgiveMissingSlashes) {
  EXPECT_EQ(Href("HTTP://EXAMPLE.com"), "http://example.com/");
  EXPECT_EQ(Href("https:example.org"), "https://example.org/");
  EXPECT_EQ(Href("https:////example.org"), "https://example.org/");
  EXPECT_EQ(Href("https:\\\\example.org\\a\\b?c\\d"), "https://example.org/a/b?c\\d");
  EXPECT_EQ(Href("non-special:\\\\host"), "non-special:\\\\host");
  EXPECT_EQ(Href("a+-.9:x"), "a+-.9:x");
  EXPECT_EQ(Href("9a:x"), "error: missing_scheme");
  EXPECT_EQ(Href("x"), "error: missing_scheme");
  EXPECT_EQ(Href(""), "error: missing_scheme");
}

TEST(UrlTest, NoSchemeState_OpaqueBaseTakesOnlyAFragment) {
  EXPECT_EQ(Resolve("#f", "mailto:a@b?q"), "mailto:a@b?q#f");
  EXPECT_EQ(Resolve("x", "mailto:a@b"), "error: relative_to_opaque");
  EXPECT_EQ(Resolve("", "mailto:a@b"), "error: relative_to_opaque");
  EXPECT_EQ(Resolve("?#f", "mailto:a@b"), "error: relative_to_opaque");
}

TEST(UrlTest, BasicUrlParser_TrimsControlsAndRemovesTabsAndNewlines) {
  EXPECT_EQ(Href(" \x01\thttp://exa\tmple.com/a\r\nb\n "), "http://example.com/ab");
  EXPECT_EQ(Resolve("\t/x\n", "http://h/"), "http://h/x");
  EXPECT_EQ(Href("ht\ntp://h/"), "http://h/");
}

TEST(UrlTest, AuthorityState_Credentials) {
  EXPECT_EQ(Href("http://user:pass@h/"), "http://user:pass@h/");
  EXPECT_EQ(Href("http://user@h/"), "http://user@h/");
  EXPECT_EQ(Href("http://user:@h/"), "http://user@h/");
  EXPECT_EQ(Href("http://:pass@h/"), "http://:pass@h/");
  EXPECT_EQ(Href("http://:@h/"), "http://h/");
  EXPECT_EQ(Href("http://@h/"), "http://h/");
  EXPECT_EQ(Href("http://a@b@c/"), "http://a%40b@c/");
  EXPECT_EQ(Href("http://a:b:c@d/"), "http://a:b%3Ac@d/");
  EXPECT_EQ(Href("http://u|^;=[]\\@h/"), "error: host_forbidden_byte");
  EXPECT_EQ(Href("http://u|^;=[]'@h/"), "http://u%7C%5E%3B%3D%5B%5D'@h/");
  EXPECT_EQ(Href("http://user@/x"), "error: host_missing");
  EXPECT_EQ(Href("http://user@:80/x"), "error: host_missing");
  EXPECT_EQ(Href("foo://user@/x"), "error: host_missing");
}

TEST(UrlTest, HostState_MissingHost) {
  EXPECT_EQ(Href("https://#fragment"), "error: host_missing");
  EXPECT_EQ(Href("https://:443"), "error: host_missing");
  EXPECT_EQ(Href("https://?q"), "error: host_missing");
  EXPECT_EQ(Href("foo://:80/"), "error: host_missing");
  EXPECT_EQ(Href("foo:///p"), "foo:///p");
  EXPECT_EQ(Href("foo://"), "foo://");
}

TEST(UrlTest, PortState) {
  EXPECT_EQ(Href("http://h:80/"), "http://h/");
  EXPECT_EQ(Href("https://h:443/"), "https://h/");
  EXPECT_EQ(Href("http://h:443/"), "http://h:443/");
  EXPECT_EQ(Href("http://h:/"), "http://h/");
  EXPECT_EQ(Href("http://h:00000000000000000080/"), "http://h/");
  EXPECT_EQ(Href("http://h:65535/"), "http://h:65535/");
  EXPECT_EQ(Href("http://h:65536/"), "error: port_out_of_range");
  EXPECT_EQ(Href("http://h:7z/"), "error: port_invalid");
  EXPECT_EQ(Href("http://h:70000z/"), "error: port_invalid");
  EXPECT_EQ(Href("http://h: 80/"), "error: port_invalid");
  EXPECT_EQ(Href("foo://h:80/"), "foo://h:80/");
}

// The table of the standard's section 3.
TEST(UrlTest, HostParser_TheStandardsExamples) {
  EXPECT_EQ(Href("http://EXAMPLE.COM"), "http://example.com/");
  EXPECT_EQ(Href("x://EXAMPLE.COM"), "x://EXAMPLE.COM");
  EXPECT_EQ(Href("http://example%2Ecom"), "http://example.com/");
  EXPECT_EQ(Href("x://example%2Ecom"), "x://example%2Ecom");
  EXPECT_EQ(Href("http://fa\xC3\x9F.example"), "http://xn--fa-hia.example/");
  EXPECT_EQ(Href("x://fa\xC3\x9F.example"), "x://fa%C3%9F.example");
  EXPECT_EQ(Href("http://0"), "http://0.0.0.0/");
  EXPECT_EQ(Href("http://%30"), "http://0.0.0.0/");
  EXPECT_EQ(Href("http://0x"), "http://0.0.0.0/");
  EXPECT_EQ(Href("http://0xffffffff"), "http://255.255.255.255/");
  EXPECT_EQ(Href("x://0xffffffff"), "x://0xffffffff");
  EXPECT_EQ(Href("http://[0:0::1]"), "http://[::1]/");
  EXPECT_EQ(Href("x://[0:0::1]"), "x://[::1]");
  EXPECT_EQ(Href("http://[0:0::1%5D"), "error: ipv6_invalid");
  EXPECT_EQ(Href("http://[0:0::%31]"), "error: ipv6_invalid");
  EXPECT_EQ(Href("http://09"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://example.255"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://example^example"), "error: host_forbidden_byte");
  EXPECT_EQ(Href("x://example^example"), "error: host_forbidden_byte");
}

TEST(UrlTest, HostParser_Idna) {
  EXPECT_EQ(Href("http://b\xC3\xBC\x63her.de/"), "http://xn--bcher-kva.de/");
  EXPECT_EQ(Href("http://\xE2\x98\x95.example"), "http://xn--53h.example/");
  EXPECT_EQ(Href("http://\xEF\xBC\xA7\xEF\xBD\x8F.com"), "http://go.com/");  // fullwidth "Go"
  EXPECT_EQ(Href("http://ex\xC2\xAD"
                 "ample.com"),
            "http://example.com/");  // soft hyphen
  EXPECT_EQ(Href("http://\xC2\xAD/"), "error: host_invalid_idna");
  EXPECT_EQ(Href("http://a\xE3\x80\x82"
                 "b/"),
            "http://a.b/");  // ideographic full stop
  EXPECT_EQ(Href("http://%ef%bc%85%ef%bc%94%ef%bc%91.com"), "error: host_forbidden_byte");
  EXPECT_EQ(Href("http://\xEF\xBF\xBD/"), "error: host_invalid_idna");
  EXPECT_EQ(Href("http://a%FFb/"), "error: host_invalid_idna");
  EXPECT_EQ(Href("http://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.1/"), "http://127.0.0.1/");
  EXPECT_EQ(Href("http://\xE1\xBA\x9E.de/"), "http://xn--zca.de/");  // capital sharp s
  // An ASCII domain is lowercased and not judged.
  EXPECT_EQ(Href("http://XN--8I7CAA/"), "http://xn--8i7caa/");
  EXPECT_EQ(Href("http://a-.-b..c_d/"), "http://a-.-b..c_d/");
}

TEST(UrlTest, Ipv4Parser) {
  EXPECT_EQ(Href("http://192.168.257"), "http://192.168.1.1/");
  EXPECT_EQ(Href("http://0300.168.0xF0"), "http://192.168.0.240/");
  EXPECT_EQ(Href("http://1.2.3.4."), "http://1.2.3.4/");
  EXPECT_EQ(Href("http://1.2.3.4.5"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://1.2.3.256"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://256.1"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://4294967295"), "http://255.255.255.255/");
  EXPECT_EQ(Href("http://4294967296"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://1..2"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://99999999999999999999999999"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://1.2.3.4.."), "http://1.2.3.4../");
  EXPECT_EQ(Href("http://a.0x"), "error: ipv4_invalid");
  EXPECT_EQ(Href("http://a.0xg"), "http://a.0xg/");
}

TEST(UrlTest, Ipv6ParserAndSerializer) {
  EXPECT_EQ(Href("http://[2001:DB8:0:0:1:0:0:1]"), "http://[2001:db8::1:0:0:1]/");
  EXPECT_EQ(Href("http://[1:0:0:0:0:0:0:0]"), "http://[1::]/");
  EXPECT_EQ(Href("http://[::]"), "http://[::]/");
  EXPECT_EQ(Href("http://[0:1:0:1:0:1:0:1]"), "http://[0:1:0:1:0:1:0:1]/");
  EXPECT_EQ(Href("http://[::ffff:127.0.0.1]"), "http://[::ffff:7f00:1]/");
  EXPECT_EQ(Href("http://[1:2:3:4:5:6:7::]"), "http://[1:2:3:4:5:6:7:0]/");
  for (const std::string_view bad :
       {"[]", "[:1]", "[1:2:3:4:5:6:7:8:9]", "[1::1::1]", "[1:2:3!:4]", "[1:2:3:]", "[1:2:3]",
        "[ffff::.0.0.1]", "[ffff::127.0.xyz.1]", "[ffff::127.00.0.1]", "[ffff::127.0.0.1.2]",
        "[ffff::127.0.0.4000]", "[ffff::127.0.0]", "[1:1:1:1:1:1:1:127.0.0.1]", "[::1", "[12345::]",
        "[::1%eth0]", "[::1.]", "[::1.2.3.4x]"}) {
    EXPECT_EQ(Href("http://" + std::string(bad)), "error: ipv6_invalid") << bad;
  }
}

TEST(UrlTest, PathState_DotSegmentsInEverySpelling) {
  EXPECT_EQ(Href("http://h/a/%2e/b/%2E%2e/c"), "http://h/a/c");
  EXPECT_EQ(Href("http://h/a/.%2e"), "http://h/");
  EXPECT_EQ(Href("http://h/a/%2e"), "http://h/a/");
  EXPECT_EQ(Href("http://h/..."), "http://h/...");
  EXPECT_EQ(Href("http://h/.a/..b/%2e%2e%2e"), "http://h/.a/..b/%2e%2e%2e");
  EXPECT_EQ(Href("http://h//a//../b"), "http://h//a/b");
  EXPECT_EQ(Href("x:/a/../../b"), "x:/b");
}

TEST(UrlTest, PercentEncodeSets) {
  EXPECT_EQ(Href("http://h/ \"#<>`?{}^|"), "http://h/%20%22#%3C%3E%60?{}^|");
  EXPECT_EQ(Href("http://h/ \"<>`{}^|\x7F"), "http://h/%20%22%3C%3E%60%7B%7D%5E|%7F");
  EXPECT_EQ(Href("http://h/? \"<>`{}^|'"), "http://h/?%20%22%3C%3E`{}^|%27");
  EXPECT_EQ(Href("x://h/? '"), "x://h/?%20'");
  EXPECT_EQ(Href("http://h/# \"<>`{}^|'"), "http://h/#%20%22%3C%3E%60{}^|'");
  EXPECT_EQ(Href("http://h/%zz%1?%"), "http://h/%zz%1?%");
  EXPECT_EQ(Href("http://h/\xC3\xA9?\xC3\xA9#\xC3\xA9"), "http://h/%C3%A9?%C3%A9#%C3%A9");
}

TEST(UrlTest, Encoding_InvalidUtf8CountsAsReplacementCharacter) {
  EXPECT_EQ(Href("http://h/\xFF\xC3"), "http://h/%EF%BF%BD%EF%BF%BD");
  EXPECT_EQ(Href("http://h/\xE2\x82x"), "http://h/%EF%BF%BDx");
  EXPECT_EQ(Href("http://h/\xED\xA0\x80"), "http://h/%EF%BF%BD%EF%BF%BD%EF%BF%BD");
  EXPECT_EQ(Href("http://h/\xC3\t\xA9"), "http://h/%EF%BF%BD%EF%BF%BD");
}

TEST(UrlTest, OpaquePathState) {
  EXPECT_EQ(Href("mailto:a b@c"), "mailto:a b@c");
  EXPECT_EQ(Href("data:x  #f"), "data:x %20#f");
  EXPECT_EQ(Href("data:x ?q"), "data:x%20?q");
  EXPECT_EQ(Href("data:x  "), "data:x");
  EXPECT_EQ(Href("javascript:a<b>\"\x7F"), "javascript:a<b>\"%7F");
  EXPECT_EQ(Href("a:"), "a:");
  const auto url = Url::Parse("mailto:a@b");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->has_opaque_path());
  EXPECT_FALSE(url->has_host());
  EXPECT_EQ(url->path(), "a@b");
}

TEST(UrlTest, FileState) {
  EXPECT_EQ(Href("file:"), "file:///");
  EXPECT_EQ(Href("file:a"), "file:///a");
  EXPECT_EQ(Href("file:///c|/x"), "file:///c:/x");
  EXPECT_EQ(Href("file://c:/x"), "file:///c:/x");
  EXPECT_EQ(Href("file:c:\\x"), "file:///c:/x");
  EXPECT_EQ(Href("file:///c:/../.."), "file:///c:/");
  EXPECT_EQ(Href("file:///x/../C|/a"), "file:///C:/a");
  EXPECT_EQ(Href("file://localhost/x"), "file:///x");
  EXPECT_EQ(Href("file://Host/x"), "file://host/x");
  EXPECT_EQ(Href("file://host:80/x"), "error: host_forbidden_byte");
  EXPECT_EQ(Resolve("/x", "file:///C:/a/b"), "file:///C:/x");
  EXPECT_EQ(Resolve("/D|/x", "file:///C:/a/b"), "file:///D:/x");
  EXPECT_EQ(Resolve("D|/x", "file:///C:/a/b"), "file:///D:/x");
  EXPECT_EQ(Resolve("..", "file:///C:/"), "file:///C:/");
  EXPECT_EQ(Resolve("x", "file://h/a/b?q"), "file://h/a/x");
  EXPECT_EQ(Resolve("", "file://h/a/b?q#f"), "file://h/a/b?q");
  EXPECT_EQ(Resolve("?", "file://h/a/b?q"), "file://h/a/b?");
  EXPECT_EQ(Resolve("//", "file://h/a"), "file:///");
  EXPECT_EQ(Resolve("/", "file://h/a"), "file://h/");
}

TEST(UrlTest, Serializer_PathThatLooksLikeAnAuthority) {
  EXPECT_EQ(Href("web+demo:/.//not-a-host/"), "web+demo:/.//not-a-host/");
  EXPECT_EQ(Href("web+demo:/a/..//x"), "web+demo:/.//x");
  EXPECT_EQ(Resolve("../b", "web+demo:/.//not-a-host/"), "web+demo:/.//b");
  EXPECT_EQ(Resolve("/b", "web+demo:/.//not-a-host/"), "web+demo:/b");
  EXPECT_EQ(Resolve("..//p", "a:/x/y"), "a:/.//p");
  const auto url = Url::Parse("web+demo:/.//not-a-host/?q#f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->path(), "//not-a-host/");
  EXPECT_EQ(url->PathAndQuery(), "//not-a-host/?q");
}

TEST(UrlTest, AccessorsSliceTheHref) {
  const auto url = Url::Parse("https://us%65r:p%20w@Example.com:8443/a/b?c=d#e");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme(), "https");
  EXPECT_EQ(url->username(), "us%65r");
  EXPECT_EQ(url->password(), "p%20w");
  EXPECT_EQ(url->host(), "example.com");
  EXPECT_EQ(url->port(), 8443);
  EXPECT_EQ(url->EffectivePort(), 8443);
  EXPECT_EQ(url->path(), "/a/b");
  EXPECT_EQ(url->query(), "c=d");
  EXPECT_EQ(url->fragment(), "e");
  EXPECT_EQ(url->PathAndQuery(), "/a/b?c=d");
  EXPECT_EQ(url->Origin(), "https://example.com:8443");
  EXPECT_EQ(url->HrefWithoutFragment(), "https://us%65r:p%20w@example.com:8443/a/b?c=d");
  EXPECT_TRUE(url->IsHttp());

  Url bare = *url;
  bare.DropFragment();
  bare.DropCredentials();
  EXPECT_EQ(bare.href(), "https://example.com:8443/a/b?c=d");
  EXPECT_EQ(bare, *Url::Parse(bare.href()));
  EXPECT_EQ(bare.path(), "/a/b");
  EXPECT_EQ(bare.query(), "c=d");
  EXPECT_EQ(bare.username(), "");

  EXPECT_EQ(Url::Parse("http://h")->EffectivePort(), 80);
  EXPECT_EQ(Url::Parse("http://h")->port(), std::nullopt);
  EXPECT_EQ(Url::Parse("http://u@h")->password(), "");
  EXPECT_TRUE(Url::Parse("http://h?")->has_query());
}

TEST(UrlTest, LimitIsMetAndOnePastItIsRefused) {
  const std::string prefix = "http://h/";
  EXPECT_TRUE(Url::Parse(prefix + std::string(kMaxUrlBytes - prefix.size(), 'a')));
  EXPECT_EQ(Href(prefix + std::string(kMaxUrlBytes - prefix.size() + 1, 'a')), "error: too_long");
  // The result counts too: each of these bytes becomes three.
  EXPECT_EQ(Href(prefix + std::string(kMaxUrlBytes / 2, '"')), "error: too_long");
  EXPECT_EQ(Resolve(std::string(40000, 'b'), prefix + std::string(40000, 'a') + "/"),
            "error: too_long");
  std::string host;
  while (host.size() < kMaxUnicodeHostBytes) host += "\xC3\xA9";
  EXPECT_EQ(Href("http://" + host + "x/"), "error: host_too_long");
}

// Parse of serialise is the identity, component by component.
TEST(UrlTest, ParsingTheSerialisationGivesTheSameUrl) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  constexpr std::string_view kPieces[] = {
      "http:", "https:",      "file:",     "foo:", "ws:", "/",  "//",       "\\",   "..",    ".",
      "%2e",   "a",           "B",         "C|",   "c:",  "@",  ":",        "80",   "443",   "?",
      "#",     "[::1]",       "1.2",       "0x",   " ",   "\t", "\xC3\xA9", "%C3",  "%",     "'",
      "{",     "example.com", "localhost", "xn--", "^",   "|",  "\x7F",     "\xFF", "data:", ";"};
  const auto make = [&] {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
    return text;
  };
  int parsed = 0;
  for (int i = 0; i < 200000; ++i) {
    auto base = Url::Parse(make());
    const std::string reference = make();
    auto url = base ? Url::Parse(reference, *base) : Url::Parse(reference);
    if (!url) continue;
    ++parsed;
    const auto again = Url::Parse(url->href());
    ASSERT_TRUE(again) << url->href();
    ASSERT_EQ(again->href(), url->href()) << reference;
    ASSERT_EQ(again->host(), url->host()) << url->href();
    ASSERT_EQ(again->path(), url->path()) << url->href();
    ASSERT_EQ(again->query(), url->query()) << url->href();
    ASSERT_EQ(again->username(), url->username()) << url->href();
    ASSERT_EQ(again->password(), url->password()) << url->href();
    ASSERT_EQ(again->port(), url->port()) << url->href();
    ASSERT_EQ(again->has_opaque_path(), url->has_opaque_path()) << url->href();
  }
  EXPECT_GT(parsed, 10000);
}

TEST(UrlTest, PortZeroIsNobodysDefault) {
  EXPECT_EQ(Url::Parse("foo://h:0/")->href(), "foo://h:0/");
  EXPECT_EQ(Url::Parse("http://h:0/")->href(), "http://h:0/");
  EXPECT_EQ(Url::Parse("foo://h:80/")->href(), "foo://h:80/");
}

TEST(UrlTest, CredentialsAreTakenOutOfWhateverATextIs) {
  EXPECT_EQ(WithoutCredentials("http://u:p@a.test/x@y"), "http://***@a.test/x@y");
  EXPECT_EQ(WithoutCredentials("http://u:p@q@a.test"), "http://***@a.test");
  EXPECT_EQ(WithoutCredentials("//u@[bad"), "//***@[bad");
  EXPECT_EQ(WithoutCredentials("http://a.test/?m=x@y"), "http://a.test/?m=x@y");
  EXPECT_EQ(WithoutCredentials("no URL"), "no URL");
  EXPECT_EQ(WithoutCredentials(""), "");
}

}  // namespace
}  // namespace crawld::web
