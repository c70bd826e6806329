#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace crawld::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Environment kNoEnvironment = [](const std::string&) { return std::nullopt; };

// Four lines that are right; what a test adds begins on line 5.
const char kBase[] =
    "name: news\n"
    "data_dir: /data\n"
    "identity:\n"
    "  user_agent: newsbot/1.0 (+https://news.example/bot)\n";

Config Parse(const std::string& more) { return LoadString(kBase + more, "c.yaml", kNoEnvironment); }

std::vector<std::string> ProblemsOf(const std::string& text,
                                    const Environment& environment = kNoEnvironment) {
  try {
    static_cast<void>(LoadString(text, "c.yaml", environment));
  } catch (const ConfigError& e) {
    std::vector<std::string> lines;
    std::string all;
    for (const Problem& problem : e.problems()) {
      lines.push_back(ToString(problem));
      all += (all.empty() ? "" : "\n") + lines.back();
    }
    EXPECT_EQ(all, e.what());
    return lines;
  }
  return {};
}

// The one thing that is wrong with what follows line 4.
std::string Wrong(const std::string& more) {
  const auto problems = ProblemsOf(kBase + more);
  EXPECT_EQ(problems.size(), 1U) << ::testing::PrintToString(problems);
  return problems.empty() ? "" : problems.front();
}

TEST(ConfigTest, WhatIsNotGivenHasItsDefault) {
  const Config config = Parse("");
  Config expected;
  expected.name = "news";
  expected.data_dir = "/data";
  expected.identity.user_agent = "newsbot/1.0 (+https://news.example/bot)";
  expected.identity.robots_token = "newsbot";
  expected.origin = "c.yaml";
  EXPECT_EQ(config, expected);
  EXPECT_EQ(config.fetcher.connect_timeout, seconds(10));
}

TEST(ConfigTest, ReadsEveryKindOfValue) {
  const Config config = Parse(
      "seeds:\n"
      "  urls: [https://a.example/, 'https://b.example/#x']\n"
      "  files:\n"
      "    - lists/*.gz\n"
      "scope: {mode: domain, max_depth: 3, follow: [a, next], exclude: ['\\.pdf$']}\n"
      "frontier: {cache: 1GiB}\n"
      "politeness: {delay: 250ms, robots: false}\n"
      "fetcher: {ca_file: ca.pem, headers: {Accept-Language: en, X-Id: '7'}}\n"
      "archive: {digest: sha256}\n"
      "log: {level: off, format: json, file: crawl.log}\n");
  EXPECT_EQ(config.seeds.urls[1].text, "https://b.example/#x");
  EXPECT_EQ(config.seeds.files[0].text, "lists/*.gz");
  EXPECT_EQ(config.seeds.files[0].line, 8U);
  EXPECT_EQ(config.seeds.files[0].column, 7U);
  EXPECT_TRUE(config.seeds.paths.empty());
  EXPECT_EQ(config.scope.mode, ScopeMode::kDomain);
  EXPECT_EQ(config.scope.max_depth, 3U);
  EXPECT_THAT(config.scope.follow, ElementsAre(LinkKind::kA, LinkKind::kNext));
  EXPECT_EQ(config.scope.exclude[0].text, "\\.pdf$");
  EXPECT_EQ(config.scope.exclude[0].line, 9U);
  EXPECT_EQ(config.frontier.cache_bytes, 1ULL << 30);
  EXPECT_EQ(config.politeness.delay, milliseconds(250));
  EXPECT_FALSE(config.politeness.robots);
  EXPECT_EQ(config.fetcher.ca_file, "ca.pem");
  EXPECT_THAT(config.fetcher.headers,
              ElementsAre(std::pair("Accept-Language", "en"), std::pair("X-Id", "7")));
  EXPECT_EQ(config.archive.digest, Digest::kSha256);
  EXPECT_EQ(config.log.level, LogLevel::kOff);
  EXPECT_EQ(config.log.format, LogFormat::kJson);
}

TEST(ConfigTest, AnEmptySectionIsAllDefaults) {
  EXPECT_EQ(Parse("fetcher:\n  # threads: 2\nlog: {}\n"), Parse(""));
}

TEST(ConfigTest, AnUnknownKeyNamesTheNearest) {
  EXPECT_THAT(Wrong("fetcher:\n  treads: 2\n"),
              StartsWith("c.yaml:6:3: fetcher.treads: is an unknown key; did you mean 'threads'?"));
  EXPECT_THAT(Wrong("fecther: {}\n"),
              StartsWith("c.yaml:5:1: fecther: is an unknown key; did you mean 'fetcher'?"));
  EXPECT_THAT(Wrong("delay: 1s\n"), HasSubstr("; did you mean 'politeness.delay'?"));
  EXPECT_THAT(Wrong("zzzzzzzz: 1\n"),
              AllOf(StartsWith("c.yaml:5:1: zzzzzzzz: is an unknown key; allowed here: name, "),
                    Not(HasSubstr("did you mean"))));
  EXPECT_THAT(Wrong("fetcher.threads: 2\n"), StartsWith("c.yaml:5:1: fetcher.threads: "));
}

TEST(ConfigTest, ADottedKeyAtTheTopIsNoShortcut) {
  EXPECT_THAT(Wrong("log.level: info\n"), HasSubstr("is an unknown key"));
}

TEST(ConfigTest, ADuplicateKeyIsAnError) {
  EXPECT_EQ(Wrong("log: {}\nlog: {}\n"), "c.yaml:6:1: log: stands here twice; remove one");
  EXPECT_EQ(Wrong("log:\n  level: info\n  level: warn\n"),
            "c.yaml:7:3: log.level: stands here twice; remove one");
}

TEST(ConfigTest, AWrongTypeIsAnError) {
  EXPECT_EQ(Wrong("fetcher:\n  threads: many\n"),
            "c.yaml:6:12: fetcher.threads: is no whole number: 'many'; allowed: 1 to 64");
  EXPECT_EQ(Wrong("fetcher: {threads: 1.5}\n"),
            "c.yaml:5:20: fetcher.threads: is no whole number: '1.5'; allowed: 1 to 64");
  EXPECT_EQ(Wrong("fetcher: {http2: yes}\n"),
            "c.yaml:5:18: fetcher.http2: is no bool: 'yes'; allowed: true or false");
  EXPECT_EQ(Wrong("fetcher: {threads: [1]}\n"),
            "c.yaml:5:20: fetcher.threads: is a list; allowed: one integer");
  EXPECT_EQ(Wrong("fetcher: 7\n").substr(0, 62),
            "c.yaml:5:10: fetcher: is a single value; allowed: a map of the");
  EXPECT_EQ(Wrong("seeds: {urls: https://a.example/}\n"),
            "c.yaml:5:15: seeds.urls: is a single value; allowed: a list, even of one: [...]");
  EXPECT_EQ(Wrong("seeds: {urls: [{a: b}]}\n"),
            "c.yaml:5:16: seeds.urls: is a map; allowed: a string");
  EXPECT_EQ(Wrong("fetcher: {headers: [a]}\n"),
            "c.yaml:5:20: fetcher.headers: is a list; allowed: a map, name: value");
  EXPECT_EQ(Wrong("scope: {follow: a}\n"),
            "c.yaml:5:17: scope.follow: is a single value; allowed: a list, such as [a]");
  EXPECT_EQ(Wrong("? [a]\n: b\n"), "c.yaml:5:3: a key is a list; allowed: a name");
}

TEST(ConfigTest, AValueThatIsMissingIsAnError) {
  EXPECT_EQ(Wrong("fetcher:\n  threads:\n"),
            "c.yaml:6:3: fetcher.threads: has no value; give one (integer), or remove the key");
  EXPECT_EQ(Wrong("fetcher: {ca_file: ''}\n"),
            "c.yaml:5:20: fetcher.ca_file: is empty; allowed: 1 to 4095 bytes");
}

TEST(ConfigTest, OutOfRangeSaysWhatIsAllowed) {
  EXPECT_EQ(Wrong("fetcher:\n  threads: 65\n"),
            "c.yaml:6:12: fetcher.threads: is out of range: 65; allowed: 1 to 64");
  EXPECT_EQ(Wrong("fetcher: {threads: 99999999999999999999}\n"),
            "c.yaml:5:20: fetcher.threads: is out of range: '99999999999999999999'; allowed: 1 to "
            "64");
  EXPECT_EQ(Wrong("fetcher: {threads: -1}\n"),
            "c.yaml:5:20: fetcher.threads: is no whole number: '-1'; allowed: 1 to 64");
  EXPECT_EQ(Wrong("retry: {backoff: 2d}\n"),
            "c.yaml:5:18: retry.backoff: is out of range: 2d; allowed: 0 to 24h");
  EXPECT_EQ(Wrong("frontier: {cache: 1}\n"),
            "c.yaml:5:19: frontier.cache: is out of range: 1; allowed: 1MiB to 1TiB");
}

TEST(ConfigTest, UnitsAreNamedInTheError) {
  EXPECT_EQ(
      Wrong("politeness: {delay: 5}\n"),
      "c.yaml:5:21: politeness.delay: has no unit: '5'; allowed: a number with ms, s, m, h or "
      "d, such as 500ms or 2s");
  EXPECT_THAT(Wrong("frontier: {cache: 32M}\n"),
              StartsWith("c.yaml:5:19: frontier.cache: has an unknown unit 'M': '32M'; allowed: "));
}

TEST(ConfigTest, AnUnknownWordNamesTheNearest) {
  EXPECT_EQ(
      Wrong("scope: {mode: hots}\n"),
      "c.yaml:5:15: scope.mode: is unknown: 'hots'; allowed: host, domain, prefix or any; did "
      "you mean 'host'?");
  EXPECT_THAT(Wrong("scope: {follow: [a, aera]}\n"),
              AllOf(StartsWith("c.yaml:5:21: scope.follow: is unknown: 'aera'"),
                    HasSubstr("did you mean 'area'?")));
  EXPECT_EQ(Wrong("scope: {follow: [a, a]}\n"),
            "c.yaml:5:21: scope.follow: 'a' stands in the list twice; remove one");
}

TEST(ConfigTest, WhatIsRequiredIsNamedWhereItBelongs) {
  EXPECT_THAT(ProblemsOf(""),
              ElementsAre("c.yaml:1:1: name: is missing; it is required, such as name: example",
                          "c.yaml:1:1: data_dir: is missing; it is required, such as data_dir: "
                          "/var/lib/crawld",
                          "c.yaml:1:1: identity.user_agent: is missing; it is required, such as "
                          "identity.user_agent: crawld/0.1 (+https://example.org/crawler)"));
  EXPECT_THAT(ProblemsOf("name: a\ndata_dir: b\nidentity:\n  allow_anonymous: true\n"),
              ElementsAre(StartsWith("c.yaml:3:1: identity.user_agent: is missing")));
}

TEST(ConfigTest, TheTopMustBeAMap) {
  EXPECT_THAT(ProblemsOf("- a\n"),
              ElementsAre("c.yaml:1:1: is a list; allowed: a map of keys and values"));
}

TEST(ConfigTest, ASyntaxErrorHasTheSameForm) {
  EXPECT_THAT(ProblemsOf("name: a\n\tb: c\n"), ElementsAre(StartsWith("c.yaml:2:")));
  EXPECT_THAT(ProblemsOf("name: 'a\nb: c\n"),
              ElementsAre("c.yaml:2:5: YAML syntax: illegal EOF in scalar"));
}

TEST(ConfigTest, AllThatIsWrongIsToldAtOnceInOrder) {
  EXPECT_THAT(ProblemsOf("fetcher:\n"
                         "  threads: 0\n"
                         "  nonsense: 1\n"
                         "data_dir: d\n"
                         "politeness: {delay: 1}\n"
                         "identity: {user_agent: bot}\n"),
              ElementsAre(StartsWith("c.yaml:1:1: name: is missing"),
                          StartsWith("c.yaml:2:12: fetcher.threads: is out of range"),
                          StartsWith("c.yaml:3:3: fetcher.nonsense: is an unknown key"),
                          StartsWith("c.yaml:5:21: politeness.delay: has no unit"),
                          StartsWith("c.yaml:6:24: identity.user_agent: has no contact")));
}

TEST(ConfigTest, EnvironmentVariablesStandInAnyValue) {
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "THREADS") return "7";
    if (name == "HOST") return "https://env.example/";
    return std::nullopt;
  };
  const Config config = LoadString(std::string(kBase) +
                                       "fetcher:\n  threads: ${THREADS}\n  concurrency: ${C:-9}\n"
                                       "seeds: {urls: ['${HOST}a', 'https://x.example/$$1']}\n",
                                   "c.yaml", environment);
  EXPECT_EQ(config.fetcher.threads, 7U);
  EXPECT_EQ(config.fetcher.concurrency, 9U);
  EXPECT_EQ(config.seeds.urls[0].text, "https://env.example/a");
  EXPECT_EQ(config.seeds.urls[1].text, "https://x.example/$1");
  EXPECT_THAT(ProblemsOf(std::string(kBase) + "log:\n  file: ${LOGS}/x\n", environment),
              ElementsAre("c.yaml:6:9: log.file: the environment variable LOGS is not set; set it, "
                          "or write ${LOGS:-default}"));
}

TEST(ConfigTest, AnchorsAndAliasesWork) {
  const Config config = Parse("fetcher: {connect_timeout: &t 7s, idle_timeout: *t}\n");
  EXPECT_EQ(config.fetcher.idle_timeout, seconds(7));
}

TEST(ConfigTest, ACrawlerSaysWhoItIs) {
  const std::string start = "name: a\ndata_dir: b\nidentity:\n";
  EXPECT_THAT(ProblemsOf(start + "  user_agent: bot/1\n"),
              ElementsAre("c.yaml:4:15: identity.user_agent: has no contact; add a URL "
                          "(+https://...) or an e-mail address, or set identity.allow_anonymous: "
                          "true"));
  EXPECT_TRUE(ProblemsOf(start + "  user_agent: bot/1\n  allow_anonymous: true\n").empty());
  EXPECT_TRUE(ProblemsOf(start + "  user_agent: bot/1 bot@example.org\n").empty());
  EXPECT_THAT(ProblemsOf(start + "  user_agent: \"bot@x\\r\\nHost: y\"\n"),
              ElementsAre(HasSubstr("has a control character")));
}

TEST(ConfigTest, ARobotsTokenIsTakenFromTheUserAgentIfItHasOne) {
  const std::string start = "name: a\ndata_dir: b\nidentity:\n";
  const std::string mozilla = start + "  user_agent: Mozilla/5.0 (bot/1; +http://x.example)\n";
  EXPECT_THAT(ProblemsOf(mozilla), ElementsAre(StartsWith("c.yaml:3:1: identity.robots_token: is "
                                                          "missing")));
  const Config config = LoadString(mozilla + "  robots_token: bot\n", "c.yaml");
  EXPECT_EQ(config.identity.robots_token, "bot");
  EXPECT_THAT(ProblemsOf(mozilla + "  robots_token: bot/1\n"),
              ElementsAre(StartsWith("c.yaml:5:17: identity.robots_token: is no product token")));
}

TEST(ConfigTest, ValuesMustAgreeWithEachOther) {
  EXPECT_EQ(Wrong("retry:\n  backoff: 10s\n  max_backoff: 9s\n"),
            "c.yaml:7:16: retry.max_backoff: is less than retry.backoff; allowed: 10s or more");
  EXPECT_EQ(Wrong("fetcher:\n  memory_budget: 15MiB\n"),
            "c.yaml:6:18: fetcher.memory_budget: is less than fetcher.max_body, so that a large "
            "body would wait for ever; allowed: 16MiB or more");
  EXPECT_THAT(Wrong("fetcher:\n  max_body: 1GiB\n"),
              StartsWith("c.yaml:5:1: fetcher.memory_budget"));
}

TEST(ConfigTest, HostileNamesDoNotReachTheTerminalAsTheyAre) {
  EXPECT_THAT(Wrong("\"a\\x1b[2J\": 1\n"), StartsWith("c.yaml:5:1: a\\x1b[2J: is an unknown key"));
  EXPECT_THAT(Wrong("log: {level: \"\\x07\"}\n"), HasSubstr("is unknown: '\\x07'"));
}

TEST(ConfigTest, NamesAndListsHaveTheirLimits) {
  const std::string rest = "\ndata_dir: d\nidentity: {user_agent: a@b}\n";
  EXPECT_EQ(LoadString("name: " + std::string(64, 'a') + rest, "c").name.size(), 64U);
  EXPECT_THAT(ProblemsOf("name: " + std::string(65, 'a') + rest),
              ElementsAre("c.yaml:1:7: name: has 65 bytes; allowed: 1 to 64 bytes"));
  EXPECT_THAT(ProblemsOf("name: A b" + rest),
              ElementsAre("c.yaml:1:7: name: has a character that cannot be in it; allowed: a-z, "
                          "0-9 and -"));
  const std::string pattern(4096, 'p');
  EXPECT_EQ(Parse("scope: {include: [" + pattern + "]}\n").scope.include.size(), 1U);
  EXPECT_THAT(Wrong("scope: {include: [a, " + pattern + "p]}\n"),
              StartsWith("c.yaml:5:22: scope.include: has 4097 bytes"));
}

TEST(LoadTest, AFileThatCannotBeReadIsAConfigError) {
  const TempDir dir;
  const auto missing = dir.path() / "none.yaml";
  try {
    static_cast<void>(Load(missing));
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.what(), missing.string() + ": cannot be read: No such file or directory");
  }
  EXPECT_THROW(static_cast<void>(Load(dir.path())), ConfigError);
}

TEST(LoadTest, WhatIsRightIsThereForWhoHasToDoWithWhatRuns) {
  const TempDir dir;
  const auto file = dir.Write("c.yaml", std::string(kBase) +
                                            "politness: {}\nfetcher: {threads: none}\n"
                                            "seeds: {files: [gone.txt]}\n"
                                            "admin: {socket: here.sock}\n");
  std::vector<Problem> problems;
  const Config config = LoadWhatIsRight(file, problems);
  EXPECT_EQ(config.name, "news");
  EXPECT_EQ(config.admin.socket, "here.sock");
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].key, "politness");
  EXPECT_EQ(problems[1].key, "fetcher.threads");
}

TEST(LoadTest, AFileThatIsTooLargeIsAnError) {
  const TempDir dir;
  const std::string fits(kMaxConfigBytes - sizeof(kBase) + 1, '\n');
  EXPECT_EQ(Load(dir.Write("a.yaml", kBase + fits)).name, "news");
  EXPECT_THROW(static_cast<void>(Load(dir.Write("b.yaml", kBase + fits + '\n'))), ConfigError);
}

TEST(LoadTest, RelativePathsAreRelativeToTheFile) {
  const TempDir dir;
  dir.Write("conf/lists/b.txt", "");
  dir.Write("conf/lists/a.txt", "");
  dir.Write("conf/ca.pem", "");
  const auto file = dir.Write("conf/c.yaml",
                              "name: a\ndata_dir: data\nidentity: {user_agent: a@b}\n"
                              "seeds: {files: [lists/*.txt, lists/a.txt]}\n"
                              "fetcher: {ca_file: ca.pem}\nlog: {file: /var/log/x}\n");
  const Config config = Load(file);
  const auto conf = dir.path() / "conf";
  EXPECT_EQ(config.data_dir, conf / "data");
  EXPECT_EQ(config.fetcher.ca_file, conf / "ca.pem");
  EXPECT_EQ(config.log.file, "/var/log/x");
  EXPECT_EQ(config.base_dir, conf);
  EXPECT_THAT(config.seeds.paths, ElementsAre(conf / "lists/a.txt", conf / "lists/b.txt"));
}

TEST(LoadTest, FilesThatMustBeThereAreLookedForAndAllMissesTold) {
  const TempDir dir;
  const auto file = dir.Write("c.yaml", std::string(kBase) +
                                            "seeds:\n  files:\n    - none.txt\n    - 'none/*.gz'\n"
                                            "fetcher: {ca_file: ca.pem, threads: 0}\n");
  try {
    static_cast<void>(Load(file));
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& e) {
    ASSERT_EQ(e.problems().size(), 4U) << e.what();
    EXPECT_EQ(e.problems()[0].line, 7U);
    EXPECT_EQ(e.problems()[0].column, 7U);
    EXPECT_EQ(e.problems()[0].key, "seeds.files");
    EXPECT_THAT(e.problems()[0].message, HasSubstr("none.txt' is missing"));
    EXPECT_EQ(e.problems()[1].line, 8U);
    EXPECT_THAT(e.problems()[1].message, HasSubstr("no file matches"));
    EXPECT_EQ(e.problems()[2].key, "fetcher.ca_file");
    EXPECT_EQ(e.problems()[3].key, "fetcher.threads");
  }
}

// --- hosts

TEST(ConfigTest, RulesForHostsAreReadInOrder) {
  const Config config = Parse(
      "hosts:\n"
      "  - match: a.test\n"
      "    delay: 5s\n"
      "    concurrency: 2\n"
      "  - match: [b.test, '*.c.test']\n"
      "    verify_tls: false\n"
      "    username: me\n"
      "    password: ''\n"
      "    headers: {X-Key: v}\n");
  ASSERT_EQ(config.hosts.size(), 2U);
  EXPECT_EQ(config.hosts[0].match, (std::vector<SourceText>{{"a.test"}}));
  EXPECT_EQ(config.hosts[0].delay, seconds(5));
  EXPECT_EQ(config.hosts[0].concurrency, 2U);
  EXPECT_TRUE(config.hosts[0].verify_tls);
  EXPECT_EQ(config.hosts[1].match, (std::vector<SourceText>{{"b.test"}, {"*.c.test"}}));
  EXPECT_FALSE(config.hosts[1].verify_tls);
  EXPECT_EQ(config.hosts[1].password, "");
  EXPECT_EQ(config.hosts[1].delay, std::nullopt);
  EXPECT_EQ(config.hosts[1].headers.size(), 1U);
}

TEST(ConfigTest, AMistakeInAHostsRuleHasItsPlace) {
  EXPECT_EQ(Wrong("hosts:\n  - match: a.test\n    dely: 5s\n"),
            "c.yaml:7:5: hosts[].dely: is an unknown key; did you mean 'delay'?");
  EXPECT_THAT(Wrong("hosts:\n  - match: a.test\n  - delay: 5s\n"),
              StartsWith("c.yaml:7:5: hosts[].match: is missing"));
  EXPECT_THAT(Wrong("hosts:\n  - match: a.test\n    delay: 2d\n"),
              StartsWith("c.yaml:7:12: hosts[].delay: is out of range"));
  EXPECT_THAT(Wrong("hosts: {match: a.test}\n"), StartsWith("c.yaml:5:8: hosts: is a map"));
  EXPECT_THAT(Wrong("hosts: [a.test]\n"), StartsWith("c.yaml:5:9: hosts: an entry is a single"));
  EXPECT_THAT(Wrong("hosts: [{match: []}]\n"), HasSubstr("names no host"));
  EXPECT_THAT(Wrong("host: []\n"), HasSubstr("did you mean 'hosts'?"));
}

TEST(ConfigTest, CredentialsOfAHostMustFitAndAreNeverQuoted) {
  for (const char* rule :
       {"username: me", "password: s3cret", "password_file: /s3cret", "username: 's3:cret'",
        "username: me, password: s3cret, password_file: /x",
        "bearer_token: s3cret, bearer_token_file: /x", "password: \"s3cret\\n\", username: me",
        "username: me, password: s3cret, bearer_token: s3cret", "bearer_token: [s3cret]",
        "headers: {X-Key: \"s3cret\\n\"}"}) {
    const auto wrong = ProblemsOf(std::string(kBase) + "hosts: [{match: a.test, " + rule + "}]\n");
    EXPECT_FALSE(wrong.empty()) << rule;
    for (const std::string& line : wrong) {
      EXPECT_THAT(line, HasSubstr("hosts[].")) << rule;
      EXPECT_THAT(line, testing::Not(HasSubstr("s3"))) << rule;
    }
  }
}

TEST(ConfigTest, HostsHaveAsManyRulesAsAllowedAndNotOneMore) {
  std::string rules = "hosts: [";
  for (size_t i = 0; i < kMaxHostRules; ++i) rules += "{match: a.test},";
  EXPECT_EQ(Parse(rules + "]\n").hosts.size(), kMaxHostRules);
  EXPECT_THAT(Wrong(rules + "{match: a.test}]\n"), HasSubstr("1001 entries"));
}

TEST(ConfigTest, AProxyIsAUrlWithAPortAndNeverQuoted) {
  EXPECT_EQ(Parse("fetcher: {proxy: 'http://u:p@proxy.test:3128'}\n").fetcher.proxy,
            "http://u:p@proxy.test:3128");
  EXPECT_EQ(Parse("hosts: [{match: a.test, proxy: none}]\n").hosts[0].proxy, "none");
  for (const char* bad : {"none", "s3cret", "http://u:s3cret@a", "ftp://u:s3cret@a:1",
                          "http://u:s3cret@a:0", "http://u:s3cret@a:65536"}) {
    const std::string wrong = Wrong(std::string("fetcher: {proxy: '") + bad + "'}\n");
    EXPECT_THAT(wrong, StartsWith("c.yaml:5:18: fetcher.proxy: is no proxy")) << bad;
    EXPECT_THAT(wrong, testing::Not(HasSubstr("s3"))) << bad;
  }
}

}  // namespace
}  // namespace crawld::config
