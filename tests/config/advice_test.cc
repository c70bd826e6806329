#include "config/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/schema.h"
#include "tests/support/temp_dir.h"

namespace crawld::config {
namespace {

using test::TempDir;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint64_t kMiB = 1ULL << 20;
constexpr uint64_t kGiB = 1ULL << 30;

// Five lines that are wise; what a test adds begins on line 6.
const char kBase[] =
    "name: news\n"
    "data_dir: /data\n"
    "identity:\n"
    "  user_agent: newsbot/1.0 (+https://bot.iana.org/)\n"
    "seeds: {urls: ['https://www.iana.org/']}\n";

Machine Roomy() {
  Machine machine;
  machine.memory_bytes = 64 * kGiB;
  machine.memory_limit = "this machine has";
  machine.cores = 8;
  machine.max_descriptors = 1 << 20;
  machine.needed_descriptors = 5264;
  machine.data_dir_free_bytes = 100 * kGiB;
  machine.others_can_read = [](const std::filesystem::path&) { return false; };
  return machine;
}

std::vector<std::string> AdviceOn(const std::string& text, const Machine& machine = Roomy()) {
  const Config config = LoadString(text, "c.yaml", [](const std::string&) { return std::nullopt; });
  std::vector<std::string> lines;
  for (const Problem& advice : Advise(config, machine))
    lines.push_back(ToString(advice, "warning"));
  return lines;
}

struct Sample {
  const char* name;
  std::string text;                 // the whole config, or what follows kBase
  std::vector<std::string> begins;  // of each piece of advice
  std::string has = {};             // the first of them
  std::function<void(Machine&)> change = {};
};

std::string Whole(const Sample& sample) {
  return sample.text.starts_with("name:") ? sample.text : kBase + sample.text;
}

std::vector<Sample> Samples() {
  const std::string w = ": warning: ";
  const auto at = [&](const char* place, const char* key) {
    return "c.yaml:" + std::string(place) + w + key + ": ";
  };
  const std::string top = "name: t\ndata_dir: /d\n";
  const std::string seeds = "seeds: {urls: ['https://www.iana.org/']}\n";
  const std::string agent = "identity: {user_agent: 'b (+https://bot.iana.org/)'}\n";
  const auto open = [](Machine& m) {
    m.others_can_read = [](const std::filesystem::path&) { return true; };
  };
  return {
      // --- conduct
      {"contact",
       top + "identity:\n  user_agent: bot/1 (+https://example.org/bot)\n" + seeds,
       {at("4:15", "identity.user_agent")},
       "kept for examples"},
      {"mail",
       top + "identity: {user_agent: 'bot me@crawler.example'}\n" + seeds,
       {at("3:24", "identity.user_agent")},
       "kept for examples"},
      {"anonymous",
       top + "identity: {user_agent: bot, allow_anonymous: true}\n" + seeds,
       {at("3:46", "identity.allow_anonymous")},
       "site owners cannot reach you"},
      {"no delay",
       "politeness:\n  delay: 0\n",
       {at("7:10", "politeness.delay")},
       "asked again as soon as it has answered"},
      {"short delay",
       "politeness: {delay: 100ms}\n",
       {at("6:21", "politeness.delay")},
       "up to 10 times a second"},
      {"many at once",
       "politeness: {concurrency_per_host: 7}\n",
       {at("6:36", "politeness.concurrency_per_host")},
       "as many requests of yours"},
      {"no robots",
       "politeness: {robots: false}\n",
       {at("6:22", "politeness.robots")},
       "leave alone"},
      {"crawl delay",
       "politeness: {robots_max_crawl_delay: 9s}\n",
       {at("6:38", "politeness.robots_max_crawl_delay")},
       "longer Crawl-delay"},
      {"old robots",
       "politeness: {robots_max_age: 2d}\n",
       {at("6:30", "politeness.robots_max_age")},
       "RFC 9309"},
      {"a host's delay",
       "hosts:\n  - match: iana.org\n    delay: 0\n",
       {at("8:12", "hosts[].delay")},
       "unless its owner has agreed"},
      {"a host's concurrency",
       "hosts:\n  - match: a.test\n    concurrency: 50\n  - {match: iana.org, concurrency: 50}\n",
       {at("9:36", "hosts[].concurrency")},
       "as many requests of yours"},
      {"no TLS check",
       "hosts:\n  - match: iana.org\n    verify_tls: false\n",
       {at("8:17", "hosts[].verify_tls")},
       "is believed; give the certificate"},
      {"no TLS check with a password",
       "hosts:\n  - {match: iana.org, verify_tls: false, username: u, password: p}\n",
       {at("7:35", "hosts[].verify_tls")},
       "gets the credentials"},
      {"all addresses",
       "fetcher: {allow_addresses: [10.0.0.0/8, 0.0.0.0/0, '::/0']}\n",
       {at("6:41", "fetcher.allow_addresses"), at("6:52", "fetcher.allow_addresses")},
       "nearly everything"},
      {"metadata",
       "fetcher: {allow_addresses: [169.254.0.0/16, 'fd00::/8']}\n",
       {at("6:29", "fetcher.allow_addresses"), at("6:45", "fetcher.allow_addresses")},
       "cloud's metadata"},
      {"this machine",
       "fetcher: {allow_addresses: [127.0.0.0/8, '::1', '127.0.0.1:80', '[::1]:80']}\n",
       {at("6:29", "fetcher.allow_addresses"), at("6:42", "fetcher.allow_addresses")},
       "every service of this machine"},
      {"open listener",
       "admin: {listen: '0.0.0.0:8080', token_file: t}\n",
       {at("6:17", "admin.listen")},
       "plain HTTP"},
      {"seed with a password",
       top + agent + "seeds: {urls: ['https://u:s3cret@iana.org/', 'https://iana.org/a@b']}\n",
       {at("4:16", "seeds.urls")},
       "is not sent and not kept"},
      {"sitemap with a user",
       top + agent + "seeds: {sitemaps: ['https://u@iana.org/']}\n",
       {at("4:20", "seeds.sitemaps")},
       "is not sent and not kept"},
      {"open secrets",
       "hosts:\n  - {match: a.iana.org, username: u, password: s3cret}\n"
       "  - {match: b.iana.org, bearer_token: s3cret}\n"
       "  - {match: c.iana.org, username: u, password_file: f}\n"
       "  - {match: d.iana.org, bearer_token_file: f}\n"
       "admin: {listen: '127.0.0.1:80', token_file: f}\n"
       "fetcher: {proxy: 'http://u:s3cret@p:1'}\n",
       {at("7:48", "hosts[].password"), at("8:39", "hosts[].bearer_token"),
        at("9:53", "hosts[].password_file"), at("10:44", "hosts[].bearer_token_file"),
        at("11:45", "admin.token_file"), at("12:18", "fetcher.proxy")},
       "others on this machine can read this file",
       open},
      // --- capacity
      {"memory",
       "fetcher: {memory_budget: 3GiB}\n",
       {at("6:26", "fetcher.memory_budget")},
       "is more than an eighth of the 2GiB that the process may have, so that a start makes it "
       "256MiB",
       [](Machine& m) { m.memory_bytes = 2 * kGiB; }},
      {"much memory",
       "frontier: {cache: 2GiB}\n",
       {at("6:19", "frontier.cache")},
       "may need 2896MiB (2GiB for frontier.cache, 592MiB for parser.threads), and its control "
       "group "
       "allows 2GiB",
       [](Machine& m) {
         m.memory_bytes = 2 * kGiB;
         m.memory_limit = "its control group allows";
       }},
      {"memory of its own",
       "resources: {max_memory: 256MiB}\n",
       {at("1:1", "parser.threads")},
       "and resources.max_memory allows 256MiB"},
      {"more memory than there is",
       "resources: {max_memory: 65GiB}\n",
       {at("6:25", "resources.max_memory")},
       "is 65GiB, and this machine has 64GiB"},
      {"no room to keep",
       "resources: {min_free_disk: 0}\n",
       {at("6:28", "resources.min_free_disk")},
       "the first write that the disk refuses"},
      {"less room than is kept",
       "resources: {min_free_disk: 200GiB}\n",
       {at("2:11", "data_dir")},
       "less than resources.min_free_disk"},
      {"workers",
       "parser: {threads: 60}\n",
       {at("6:19", "parser.threads"), at("6:19", "parser.threads")},
       "may need",
       [](Machine& m) { m.memory_bytes = 2 * kGiB; }},
      {"store", "frontier:\n  cache: 100GiB\n", {at("7:10", "frontier.cache")}, "may need"},
      {"seen", "frontier: {seen_cache: 100GiB}\n", {at("6:24", "frontier.seen_cache")}, "may need"},
      {"hosts",
       "frontier: {hosts_in_memory: 1000000}\n",
       {at("6:29", "frontier.hosts_in_memory")},
       "7813MiB for frontier.hosts_in_memory",
       [](Machine& m) { m.memory_bytes = 4 * kGiB; }},
      {"descriptors",
       "fetcher:\n  max_slow: 20000\n",
       {at("7:13", "fetcher.max_slow")},
       "may need 21168 file descriptors, and a process may open 4096 here",
       [](Machine& m) {
         m.max_descriptors = 4096;
         m.needed_descriptors = 21168;
       }},
      {"descriptors of the fast",
       "fetcher:\n  concurrency: 5000\n  max_slow: 0\nfrontier: "
       "{hosts_in_memory: 9000}\n",
       {at("7:16", "fetcher.concurrency")},
       "file descriptors",
       [](Machine& m) { m.max_descriptors = 4096; }},
      {"event loops", "fetcher: {threads: 9}\n", {at("6:20", "fetcher.threads")}, "8 cores"},
      {"parsers", "parser: {threads: 17}\n", {at("6:19", "parser.threads")}, "give 0"},
      {"few hosts",
       "fetcher: {concurrency: 5000}\n",
       {at("1:1", "frontier.hosts_in_memory")},
       "no more than 4096 of fetcher.concurrency (5000)"},
      {"write buffer",
       "frontier: {write_buffer: 32MiB}\n",
       {at("6:26", "frontier.write_buffer")},
       "nothing is left"},
      {"small cache",
       "frontier: {cache: 16MiB}\n",
       {at("6:19", "frontier.cache")},
       "nothing is left"},
      {"tmpfs",
       "",
       {at("2:11", "data_dir")},
       "gone at the next boot",
       [](Machine& m) { m.data_dir_file_system = "tmpfs"; }},
      {"a container's layer",
       "",
       {at("2:11", "data_dir")},
       "give a volume",
       [](Machine& m) { m.data_dir_file_system = "overlay"; }},
      {"network",
       "",
       {at("2:11", "data_dir")},
       "over a network",
       [](Machine& m) { m.data_dir_file_system = "nfs"; }},
      {"temporary",
       "name: t\ndata_dir: /tmp/../tmp/x\n" + agent + seeds,
       {at("2:11", "data_dir")},
       "clean up"},
      {"no room",
       "",
       {at("2:11", "data_dir")},
       "has 512MiB of room",
       [](Machine& m) { m.data_dir_free_bytes = 512 * kMiB; }},
      {"no end", "scope: {mode: any}\n", {at("6:15", "scope.mode")}, "no last page"},
      {"one host without end",
       "scope: {mode: any, max_pages: 9}\n",
       {at("6:15", "scope.mode")},
       "a calendar"},
      {"rare commits",
       "commit: {interval: 6s}\n",
       {at("6:20", "commit.interval")},
       "after a crash"},
      {"frequent commits",
       "commit: {interval: 19ms}\n",
       {at("6:20", "commit.interval")},
       "keeps the disk busy"},
      {"long grace", "shutdown: {grace: 90s}\n", {at("6:19", "shutdown.grace")}, "TimeoutStopSec"},
      {"time-outs",
       "fetcher: {total_timeout: 20s, idle_timeout: 21s}\n",
       {at("6:26", "fetcher.total_timeout")},
       "less than first_byte_timeout, idle_timeout"},
      // --- effect
      {"no seeds", top + agent, {at("1:1", "seeds.urls")}, "there are none"},
      {"no output",
       "archive: {warc: false, pages: false}\n",
       {at("6:17", "archive.warc")},
       "thrown away"},
      {"no links", "parser: {max_links: 0}\n", {at("6:21", "parser.max_links")}, "which is none"},
      {"no redirects",
       "fetcher: {max_redirects: 0}\n",
       {at("6:26", "fetcher.max_redirects")},
       "no redirect is followed"},
      {"no gate", "health: {failures: 0}\n", {at("6:20", "health.failures")}, "does not answer"},
      {"no log", "log: {level: off}\n", {at("6:14", "log.level")}, "why the crawl stops"},
      {"the crawl's log",
       "log: {file: /data/x/../crawl.log}\n",
       {at("6:13", "log.file")},
       "a file of the crawl itself (crawl.log)"},
      {"the frontier's folder",
       "log: {file: /data/frontier/LOG}\n",
       {at("6:13", "log.file")},
       "folder frontier"},
      {"the socket",
       "admin: {socket: /data/s}\nlog: {file: /data/s}\n",
       {at("7:13", "log.file")},
       "admin.socket"},
      {"long socket",
       "admin: {socket: /" + std::string(107, 's') + "}\n",
       {at("6:17", "admin.socket")},
       "has 108 bytes"},
      {"shadows",
       "hosts:\n  - match: ['*.b.test', c.test]\n  - {match: [A.B.test, b.test, C.test], delay: "
       "5s}\n",
       {at("8:14", "hosts[].match"), at("8:32", "hosts[].match")},
       "'A.B.test' does not count here: the entry of line 7 comes first"},
      {"nofollow_rel",
       "scope: {nofollow_rel: [ugc]}\n",
       {at("6:23", "scope.nofollow_rel")},
       "scope.nofollow: all"},
      {"max_delay",
       "politeness: {max_delay: 2m}\n",
       {at("6:25", "politeness.max_delay")},
       "delay_factor"},
      {"robots' keys",
       "politeness: {robots: false, robots_max_age: 1h, robots_max_crawl_delay: 1h}\n",
       {at("6:22", "politeness.robots"), at("6:45", "politeness.robots_max_age"),
        at("6:73", "politeness.robots_max_crawl_delay")}},
      {"health's keys",
       "health: {failures: 0, probes: 1, backoff: 1s, park: 1m}\n",
       {at("6:20", "health.failures"), at("6:31", "health.probes"), at("6:43", "health.backoff"),
        at("6:53", "health.park")}},
      {"min_speed_window",
       "fetcher: {min_speed: 0, min_speed_window: 5s}\n",
       {at("6:43", "fetcher.min_speed_window")}},
      {"max_streams",
       "fetcher: {http2: false, max_streams: 5}\n",
       {at("6:38", "fetcher.max_streams")}},
      {"no_proxy", "fetcher: {no_proxy: [a.test]}\n", {at("6:21", "fetcher.no_proxy")}},
      {"archive's keys",
       "archive: {warc: false, compression: 5, digest: sha256}\n",
       {at("6:37", "archive.compression"), at("6:48", "archive.digest")}},
      {"token_file", "admin: {token_file: t}\n", {at("6:21", "admin.token_file")}},
  };
}

TEST(AdviceTest, AWiseConfigGetsNone) {
  EXPECT_THAT(AdviceOn(kBase), IsEmpty());
  EXPECT_THAT(AdviceOn(kBase, Machine()), IsEmpty()) << "nothing is known of the machine";
}

TEST(AdviceTest, EachUnwiseConfigGetsItsOwnAndNoOther) {
  for (const Sample& sample : Samples()) {
    Machine machine = Roomy();
    if (sample.change) sample.change(machine);
    const auto advice = AdviceOn(Whole(sample), machine);
    ASSERT_EQ(advice.size(), sample.begins.size())
        << sample.name << ": " << ::testing::PrintToString(advice);
    for (size_t i = 0; i < advice.size(); ++i) {
      EXPECT_THAT(advice[i], StartsWith(sample.begins[i])) << sample.name;
      EXPECT_THAT(advice[i], Not(HasSubstr("s3"))) << "a secret: " << sample.name;
    }
    EXPECT_THAT(advice.front(), HasSubstr(sample.has)) << sample.name;
  }
}

TEST(AdviceTest, EachSaysWhatMayHappenAndWhatToDo) {
  for (const Sample& sample : Samples()) {
    Machine machine = Roomy();
    if (sample.change) sample.change(machine);
    for (const std::string& line : AdviceOn(Whole(sample), machine)) {
      EXPECT_THAT(line, HasSubstr("; ")) << sample.name;
      EXPECT_THAT(line.substr(line.rfind("; ")),
                  ContainsRegex("^; (add|chmod|give|listen|lower|make|put|raise|remove|set) "))
          << sample.name << ": " << line;
    }
  }
}

TEST(AdviceTest, EveryKeyOfTheDescriptionHasASampleAndExists) {
  std::set<std::string> seen = {"seeds.files"};  // it needs files: the next test
  for (const Sample& sample : Samples()) {
    for (const std::string& begin : sample.begins) {
      const std::string key = begin.substr(begin.find("warning: ") + 9);
      seen.insert(key.substr(0, key.size() - 2));
    }
  }
  std::set<std::string> keys;
  for (const KeyInfo& key : Schema()) keys.insert(key.path);
  std::set<std::string> described;
  std::string text = DescribeAdvice();
  for (size_t row = text.find("\n| `"); row != std::string::npos;
       row = text.find("\n| `", row + 1)) {
    const std::string cell = text.substr(row + 3, text.find(" | ", row + 3) - row - 3);
    for (size_t at = cell.find('`'); at != std::string::npos; at = cell.find('`', at + 1)) {
      const size_t end = cell.find('`', at + 1);
      described.insert(cell.substr(at + 1, end - at - 1));
      at = end;
    }
  }
  EXPECT_GT(described.size(), 40U);
  EXPECT_EQ(described, seen);
  for (const std::string& key : described) EXPECT_TRUE(keys.contains(key)) << key;
}

TEST(AdviceTest, TheConfigurationPageHasTheRulesOwnTable) {
  std::ifstream file(CRAWLD_CONFIG_DIR "/../docs/configuration.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  const std::string begin = "<!-- warnings: begin -->\n";
  const size_t from = page.find(begin);
  const size_t to = page.find("<!-- warnings: end -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  EXPECT_EQ(page.substr(from + begin.size(), to - from - begin.size()), DescribeAdvice())
      << "scripts/regenerate.sh writes it";
}

TEST(AdviceTest, APatternThatStandsForNoFileYetIsNamedAtItsPlace) {
  const TempDir dir;
  dir.Write("a.txt", "");
  const std::string base = kBase;
  const auto file = dir.Write(
      "c.yaml", base.substr(0, base.find("seeds:")) + "seeds: {files: [a.txt, '*.gz']}\n");
  std::vector<std::string> lines;
  for (const Problem& advice : Advise(Load(file), Roomy())) lines.push_back(ToString(advice));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("seeds.files: '*.gz' stands for no file yet")));
}

TEST(AdviceTest, ADefaultIsAdvisedAgainstOnlyBesideOtherKeys) {
  // Each key with its default, as config/example.yaml has them.
  EXPECT_THAT(AdviceOn(ExampleYaml()),
              ElementsAre(HasSubstr(": seeds.urls: there are none"),
                          HasSubstr(": identity.user_agent: its contact")));
}

TEST(AdviceTest, WhoCrawlsHostsOfTheirOwnMayDoAsTheyLike) {
  const std::string own =
      "name: t\ndata_dir: /tmp/t\nidentity: {user_agent: b, allow_anonymous: true}\n"
      "seeds: {urls: ['http://127.0.0.1:8080/', 'http://wiki.internal/']}\n"
      "politeness: {delay: 0, concurrency_per_host: 100, robots: false}\n"
      "hosts: [{match: wiki.internal, delay: 0, concurrency: 100}]\n"
      "fetcher: {allow_addresses: [127.0.0.0/8, 10.0.0.0/8]}\n";
  EXPECT_THAT(AdviceOn(own), IsEmpty());
  EXPECT_THAT(AdviceOn(own + "scope: {mode: any, max_depth: 3}\n").size(), 6U)
      << "a link leads elsewhere";
}

TEST(AdviceTest, LimitsThemselvesAreWise) {
  EXPECT_THAT(AdviceOn(kBase + std::string("politeness: {delay: 250ms, concurrency_per_host: 6, "
                                           "robots_max_crawl_delay: 10s, robots_max_age: 24h}\n"
                                           "commit: {interval: 5s}\nshutdown: {grace: 89s}\n"
                                           "fetcher: {threads: 8}\nparser: {threads: 16}\n"
                                           "scope: {mode: any, max_depth: 5}\n")),
              IsEmpty());
  EXPECT_THAT(
      AdviceOn(kBase + std::string("commit: {interval: 20ms}\n"
                                   "scope: {mode: any, max_pages: 1, max_pages_per_host: 1}\n")),
      IsEmpty());
}

TEST(AdviceTest, ALogThatIsTheConfigItselfIsSeen) {
  const TempDir dir;
  const auto path = dir.Write("c.yaml", std::string(kBase) + "log: {file: c.yaml}\n");
  const auto advice = Advise(Load(path), Roomy());
  ASSERT_EQ(advice.size(), 1U);
  EXPECT_THAT(ToString(advice[0], "warning"),
              StartsWith(path.string() + ":6:13: warning: log.file: is this file"));
}

}  // namespace
}  // namespace crawld::config
