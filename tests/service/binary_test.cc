// crawld as its users meet it: the program, its exit codes, its words, its signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/acceptor.h"
#include "tests/support/archive_reader.h"
#include "tests/support/http_server.h"
#include "tests/support/process.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"

namespace crawld::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class BinaryTest : public testing::Test {
 protected:
  std::string Config(const std::string& seeds, const std::string& more = "") const {
    const fs::path path = dir_ / "c.yaml";
    std::ofstream(path) << "name: t\ndata_dir: data\n"
                           "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                           "politeness: {delay: 0, concurrency_per_host: 16}\n"
                           "scope: {nofollow: all}\n"
                           "fetcher: {allow_addresses: [127.0.0.0/8]}\n"
                           "seeds: {urls: ["
                        << seeds << "]}\n"
                        << more;
    return path.string();
  }
  static std::unique_ptr<Process> Start(std::vector<std::string> words) {
    words.insert(words.begin(), CRAWLD_BINARY);
    return std::make_unique<Process>(words);
  }
  int Run(const std::vector<std::string>& words) {
    const auto process = Start(words);
    const int code = process->Wait();
    out_ = process->out();
    err_ = process->err();
    return code;
  }

  const TempDir dir_;
  const fs::path data_ = dir_ / "data";
  std::string out_;
  std::string err_;
};

// --- usage

TEST_F(BinaryTest, BadUsageExitsWithTwoAndSaysWhatIsWrong) {
  EXPECT_EQ(Run({"no-such-command"}), 2);
  EXPECT_THAT(err_, HasSubstr("subcommand"));
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"run"}), 2);
  EXPECT_THAT(err_, HasSubstr("--config"));
  EXPECT_EQ(Run({"run", "-c", "x", "--no-such-flag"}), 2);
  EXPECT_EQ(Run({"frontier", "-c", "x"}), 2);
  EXPECT_EQ(Run({"frontier", "stats", "-c", "x", "--format", "xml"}), 2);
}

TEST_F(BinaryTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_, HasSubstr("crawld "));
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("run"), HasSubstr("check"), HasSubstr("frontier")));
  EXPECT_EQ(Run({"run", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--once"));
}

TEST_F(BinaryTest, CheckSaysOkOfAGoodConfig) {
  const std::string config = Config("\"http://a.test/\"");
  EXPECT_EQ(Run({"check", "-c", config}), 0);
  EXPECT_THAT(out_, HasSubstr("ok"));
  EXPECT_FALSE(fs::exists(data_)) << "it only looks";
}

TEST_F(BinaryTest, CheckWarnsOfWhatIsUnwiseAndFailsOnlyIfTold) {
  const fs::path config = dir_ / "c.yaml";
  std::ofstream(config) << "name: t\ndata_dir: data\n"
                           "identity: {user_agent: \"t/1 (+https://bot.iana.org/)\"}\n"
                           "seeds: {urls: [\"https://www.iana.org/\"]}\n"
                           "politeness:\n  delay: 0\n";
  // Where the data is to be depends on the machine that tests run on.
  const std::vector<std::string> check = {"check", "-c", config, "--accept", "data_dir"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = check;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  EXPECT_EQ(Run(check), 0);
  EXPECT_EQ(out_, config.string() + ": ok, 1 warning\n");
  EXPECT_THAT(err_,
              testing::StartsWith(config.string() + ":6:10: warning: politeness.delay: is 0"));
  EXPECT_EQ(Run(with({"--strict"})), 1);
  EXPECT_EQ(out_, config.string() + ": 1 warning\n");
  EXPECT_THAT(err_, HasSubstr(":6:10: warning: politeness.delay: is 0"));
  EXPECT_EQ(Run(with({"--strict", "--accept", "politeness.delay"})), 0);
  EXPECT_EQ(out_, config.string() + ": ok\n");
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(Run(with({"--accept", "politeness.dely"})), 2);
  EXPECT_THAT(err_, HasSubstr("'politeness.dely' is no key"));
}

TEST_F(BinaryTest, CheckWarnsOfASeedThatItsOwnScopeLeavesOut) {
  const fs::path config = dir_ / "c.yaml";
  std::ofstream(config) << "name: t\ndata_dir: data\n"
                           "identity: {user_agent: \"t/1 (+https://bot.iana.org/)\"}\n"
                           "scope: {include: ['/news/'], exclude: ['\\.pdf$']}\n"
                           "seeds:\n  urls: [\"https://a.test/news/\", \"https://a.test/\",\n"
                           "    \"https://u:s3cret@a.test/news/1.pdf\"]\n";
  EXPECT_EQ(Run({"check", "-c", config, "--accept", "data_dir"}), 0);
  EXPECT_THAT(err_,
              AllOf(HasSubstr("c.yaml:6:34: warning: seeds.urls: 'https://a.test/' is left out by "
                              "the scope of this config itself (not_included)"),
                    HasSubstr(":7:5: warning: seeds.urls: 'https://***@a.test/news/1.pdf' is left "
                              "out by the scope of this config itself (excluded)"),
                    Not(HasSubstr("'https://a.test/news/'")), Not(HasSubstr("s3cret"))));
}

TEST_F(BinaryTest, CheckNamesAddressesThatAreNone) {
  const std::string config = dir_ / "c.yaml";
  std::ofstream(config)
      << "name: t\ndata_dir: data\n"
         "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
         "seeds: {urls: [http://example.org/]}\n"
         "fetcher:\n  allow_addresses: [10.0.0.0/8, localhost]\n"
         "  dns_servers: [192.0.2.53, \"[2001:db8::53]:5353\", dns.example.org]\n";
  EXPECT_EQ(Run({"check", "-c", config}), 2);
  EXPECT_THAT(err_, AllOf(HasSubstr("c.yaml:6:33"), HasSubstr("fetcher.allow_addresses"),
                          HasSubstr("'localhost' is no address"),
                          HasSubstr("fetcher.dns_servers: 'dns.example.org' is no name server")));
}

TEST_F(BinaryTest, WithoutLeaveNoCrawlComesToThisMachine) {
  const std::string config = dir_ / "c.yaml";
  std::ofstream(config) << "name: t\ndata_dir: data\n"
                           "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                           "seeds: {urls: [\"http://127.0.0.1:9/\"]}\n";
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("http://127.0.0.1:9/robots.txt"),
                          HasSubstr("fetcher.allow_addresses can allow it")));
  std::ifstream log(data_ / "crawl.log");
  const std::string text((std::istreambuf_iterator<char>(log)), {});
  EXPECT_THAT(text, AllOf(HasSubstr("\"reason\":\"address_forbidden\""),
                          HasSubstr("127.0.0.1 is a loopback address")));
}

TEST_F(BinaryTest, CheckNamesEveryErrorWithItsPlace) {
  const fs::path path = dir_ / "bad.yaml";
  std::ofstream(path) << "name: Bad Name\n"
                         "data_dir: data\n"
                         "identity:\n"
                         "  user_agent: anonymous\n"
                         "fetcher:\n"
                         "  concurency: 3\n"
                         "  threads: many\n"
                         "  max_body: 1\n"
                         "seeds:\n"
                         "  files: [none.txt]\n";
  for (const char* command : {"check", "run"}) {
    EXPECT_EQ(Run({command, "-c", path.string()}), 2);
    EXPECT_EQ(out_, "");
    for (const char* line : {":1:", ":4:", ":6:", ":7:", ":8:", ":10:"}) {
      EXPECT_THAT(err_, HasSubstr("bad.yaml" + std::string(line)));
    }
    EXPECT_THAT(err_, AllOf(HasSubstr("concurency"), HasSubstr("concurrency"),
                            HasSubstr("fetcher.threads"), HasSubstr("none.txt")));
  }
}

TEST_F(BinaryTest, CheckNamesPatternsAndSeedsThatAreNone) {
  const std::string config = Config("\"ftp://a.test/\", \"nonsense\"");
  std::ofstream(config, std::ios::app) << "frontier: {order: breadth_first}\n";
  EXPECT_EQ(Run({"check", "-c", config}), 2);
  EXPECT_THAT(err_, AllOf(HasSubstr("ftp"), HasSubstr("nonsense")));
}

TEST_F(BinaryTest, AConfigThatIsNotThereExitsWithTwo) {
  EXPECT_EQ(Run({"check", "-c", (dir_ / "none.yaml").string()}), 2);
  EXPECT_THAT(err_, HasSubstr("none.yaml"));
}

TEST_F(BinaryTest, RobotsJudgesUrlsAndBarePaths) {
  for (const char* url : {"http://a.test/private/of/some/length", "/private/of/some/length"}) {
    Process process({"/bin/sh", "-c",
                     "printf 'User-agent: *\\nDisallow: /private\\n' | " CRAWLD_BINARY
                     " robots --agent crawld --url " +
                         std::string(url)});
    EXPECT_EQ(process.Wait(), 0);
    EXPECT_EQ(process.out(), "disallow\n") << url;
  }
}

// --- run

TEST_F(BinaryTest, RunOnceCrawlsEverythingAndExitsWithZero) {
  Site site({.pages = 100, .flaky = false});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  const std::string config = Config("\"" + server.Url("/") + "\"");
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("crawl 't' complete"), HasSubstr("warc")));
  EXPECT_EQ(server.request_count(), site.truth().size());
  const ArchiveContents contents = ReadArchive(data_);
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_EQ(contents.ResponsesByUrl().size(), site.truth().size());

  EXPECT_EQ(Run({"frontier", "stats", "-c", config}), 0);
  EXPECT_THAT(out_, HasSubstr("done"));
  EXPECT_EQ(Run({"frontier", "export", "-c", config}), 0);
  size_t done = 0;
  for (size_t at = 0; (at = out_.find("\"state\":\"done\"", at)) != std::string::npos; ++at) ++done;
  EXPECT_EQ(done, site.truth().size() - 1) << "robots.txt is not a URL of the frontier";

  EXPECT_EQ(Run({"run", "--once", "-c", config}), 0);
  EXPECT_EQ(server.request_count(), site.truth().size()) << "a second run fetches nothing";
}

TEST_F(BinaryTest, RunOnceExitsWithOneWhenNothingCame) {
  std::string url;
  {
    const HttpServer server([](const Request&) { return Reply(); });
    url = server.Url("/");
  }
  const std::string config =
      Config("\"" + url + "\"", "retry: {max_tries: 1}\npoliteness: {robots: false, delay: 0}\n");
  std::string text = ReadFile(config);
  text.erase(text.find("politeness: {delay"),
             text.find("scope:") - text.find("politeness: {delay"));
  std::ofstream(config) << text;
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 1) << err_;
  EXPECT_THAT(out_, HasSubstr("1 failed"));
}

TEST_F(BinaryTest, RunOnceExitsWithOneWhenNoSeedCanBeUsed) {
  std::ofstream(dir_ / "seeds.txt") << "# nothing\nno url\n";
  const std::string config = dir_ / "c.yaml";
  std::ofstream(config) << "name: t\ndata_dir: data\n"
                           "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                           "seeds: {files: [seeds.txt]}\n";
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("seeds.txt:2"), HasSubstr("nothing to crawl")));
}

TEST_F(BinaryTest, ADataDirThatIsNoFolderExitsWithOneAndNamesIt) {
  std::ofstream(data_) << "a file";
  EXPECT_EQ(Run({"run", "--once", "-c", Config("\"http://127.0.0.1:9/\"")}), 1);
  EXPECT_THAT(err_, HasSubstr(data_.string()));
}

TEST_F(BinaryTest, TwoDaemonsDoNotShareADataDir) {
  HttpServer server([](const Request&) { return Reply().Stall(); });
  const std::string config = Config("\"" + server.Url("/") + "\"", "shutdown: {grace: 0}\n");
  const auto first = Start({"run", "-c", config});
  ASSERT_TRUE(server.AwaitInFlight(1));
  EXPECT_EQ(Run({"run", "-c", config}), 1);
  EXPECT_THAT(err_, HasSubstr(data_.string()));
  EXPECT_EQ(server.request_count(), 1U);
  EXPECT_EQ(Run({"frontier", "stats", "-c", config}), 0) << "but a tool may look: " << err_;
  first->Signal(SIGTERM);
  EXPECT_EQ(first->Wait(), 0);
}

TEST_F(BinaryTest, AFullDiskEndsTheRunWithOneAndItsReasonAndTheNextGoesOn) {
  Site site({.pages = 60, .flaky = false});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  fs::create_directories(data_);
  fs::create_symlink("/dev/full", data_ / "crawl.log");
  const std::string config = Config("\"" + server.Url("/") + "\"");
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr((data_ / "crawl.log").string()),
                          HasSubstr("No space left on device"), HasSubstr("free some space")));
  EXPECT_THAT(out_, HasSubstr("failed"));
  fs::remove(data_ / "crawl.log");
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 0) << err_;
  const ArchiveContents contents = ReadArchive(data_);
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_EQ(contents.ResponsesByUrl().size(), site.truth().size());
}

// --- signals

TEST_F(BinaryTest, SigtermUnderLoadExitsWithZeroAndGivesBackWhatIsInFlight) {
  for (const int signal : {SIGTERM, SIGINT}) {
    fs::remove_all(data_);
    HttpServer server([](const Request& request) {
      if (request.target == "/robots.txt") return Answer(404, "");
      return Reply().Send("HTTP/1.1 200 OK\r\n\r\nsome").Stall();
    });
    std::string seeds;
    for (int i = 0; i < 20; ++i) seeds += "\"" + server.Url("/" + std::to_string(i)) + "\",";
    const std::string config = Config(seeds, "shutdown: {grace: 50ms}\n");
    const auto process = Start({"run", "-c", config});
    ASSERT_TRUE(server.AwaitInFlight(16));
    process->Signal(signal);
    EXPECT_EQ(process->Wait(), 0) << process->err();
    EXPECT_THAT(process->out(), HasSubstr("stopped"));
    EXPECT_EQ(Run({"frontier", "stats", "--format", "json", "-c", config}), 0);
    EXPECT_THAT(out_, HasSubstr("\"queued\":20"));
    EXPECT_THAT(ReadArchive(data_).problems, IsEmpty());
  }
}

TEST_F(BinaryTest, ASecondSignalExitsAtOnceAndNothingIsLost) {
  Site site({.pages = 60, .flaky = false});
  std::atomic<bool> stalls = true;
  HttpServer server([&](const Request& request) {
    if (stalls && request.target.ends_with("7")) return Reply().Stall();
    return site.Handle(request);
  });
  const std::string config = Config("\"" + server.Url("/") + "\"", "shutdown: {grace: 1h}\n");
  const auto process = Start({"run", "--once", "-c", config});
  ASSERT_TRUE(server.AwaitInFlight(2));
  process->Signal(SIGTERM);
  process->Signal(SIGINT);  // as timeout(1) does, to the process and to its group: one request
  ASSERT_TRUE(process->AwaitOutput("again to exit at once"));
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 128 + SIGTERM);
  stalls = false;
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 0) << err_;
  const ArchiveContents contents = ReadArchive(data_);
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_EQ(contents.ResponsesByUrl().size(), site.truth().size());
  for (const auto& [url, count] : contents.ResponsesByUrl()) EXPECT_EQ(count, 1) << url;
}

TEST_F(BinaryTest, ReloadsAndOrdersUnderLoadLoseNothingAndFetchNothingTwice) {
  Site site({.pages = 300, .flaky = false, .latency = std::chrono::milliseconds(5)});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  const std::string seed = "\"" + server.Url("/") + "\"";
  const std::string socket = data_ / "crawld.sock";
  const auto process = Start({"run", "--once", "-c", Config(seed)});
  ASSERT_TRUE(server.AwaitRequests(10));
  for (int i = 0; i < 12; ++i) {
    Config(seed, i % 2 == 0 ? "resources: {min_free_disk: 1MiB}\nscope: {max_depth: 500}\n"
                            : "log: {level: debug}\n");
    process->Signal(SIGHUP);
    process->Signal(SIGUSR1);
    for (const char* order : {"pause", "resume"}) {
      // It may have come to its end by then.
      const int code = Run({order, "--socket", socket});
      const int host = Run({order, "--host", "127.0.0.1", "--socket", socket});
      EXPECT_TRUE(code <= 1 && host <= 1) << err_;
    }
  }
  EXPECT_EQ(process->Wait(), 0) << process->err();
  EXPECT_EQ(server.request_count(), site.truth().size());
  const ArchiveContents contents = ReadArchive(data_);
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_EQ(contents.ResponsesByUrl().size(), site.truth().size());
  for (const auto& [url, count] : contents.ResponsesByUrl()) EXPECT_EQ(count, 1) << url;
}

TEST_F(BinaryTest, AnOrderThatWasAnsweredOutlivesACrash) {
  Site site({.pages = 100, .flaky = false, .latency = std::chrono::milliseconds(5)});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  const std::string config = Config("\"" + server.Url("/") + "\"", "shutdown: {grace: 0}\n");
  const std::string socket = data_ / "crawld.sock";
  {
    const auto process = Start({"run", "-c", config});
    ASSERT_TRUE(server.AwaitRequests(10));
    EXPECT_EQ(Run({"block", "--host", "127.0.0.1", "--why", "they asked", "-c", config}), 0)
        << err_;
    process->Signal(SIGKILL);
    process->Wait();
  }
  const size_t asked = server.request_count();
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 0)
      << "it ends without the blocked host: " << err_;
  EXPECT_EQ(server.request_count(), asked) << "a blocked host is not asked";
  EXPECT_EQ(Run({"frontier", "explain", server.Url("/"), "-c", config}), 0);
  EXPECT_THAT(out_, HasSubstr("blocked: the operator says so"));
  EXPECT_THAT(out_, Not(HasSubstr("the whole crawl")));
  {
    const auto process = Start({"run", "-c", config});
    ASSERT_TRUE(process->AwaitOutput("the operator's word still holds"));
    while (Run({"pause", "--why", "the disk is moved", "--socket", socket}) != 0) {
    }
    EXPECT_EQ(Run({"frontier", "explain", server.Url("/never"), "-c", config}), 1) << "never found";
    EXPECT_THAT(out_, HasSubstr("the whole crawl is paused: the disk is moved"));
    EXPECT_EQ(Run({"frontier", "explain", server.Url("/"), "-c", config}), 0);
    EXPECT_THAT(out_, Not(HasSubstr("the whole crawl"))) << "nothing holds back what is done";
    EXPECT_EQ(Run({"resume", "--socket", socket}), 0) << err_;
    EXPECT_EQ(Run({"unblock", "--host", "127.0.0.1", "--socket", socket}), 0) << err_;
    process->Signal(SIGTERM);
    EXPECT_EQ(process->Wait(), 0);
  }
  EXPECT_EQ(Run({"run", "--once", "-c", config}), 0) << err_;
  const ArchiveContents contents = ReadArchive(data_);
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_EQ(contents.ResponsesByUrl().size(), site.truth().size());
}

TEST_F(BinaryTest, AMistakeThatAReloadFindsIsToldOnce) {
  HttpServer server([](const Request&) { return Answer(404, ""); });
  const std::string seed = "\"" + server.Url("/") + "\"";
  const auto process = Start({"run", "-c", Config(seed)});
  ASSERT_TRUE(server.AwaitRequests(2));
  const std::string config = Config(seed, "politness: {delay: 1s}\n");
  EXPECT_EQ(Run({"reload", "-c", config}), 1);
  const std::string told = "politness: is an unknown key; did you mean 'politeness'?";
  const size_t first = err_.find(told);
  EXPECT_NE(first, std::string::npos) << err_;
  EXPECT_EQ(err_.find(told, first + 1), std::string::npos) << err_;
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 0);
}

TEST_F(BinaryTest, ADaemonWithNothingToDoWaitsAndStopsWhenTold) {
  HttpServer server([](const Request&) { return Answer(404, ""); });
  const auto process = Start({"run", "-c", Config("\"" + server.Url("/") + "\"")});
  ASSERT_TRUE(server.AwaitRequests(2));
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 0);
  EXPECT_THAT(process->out(), HasSubstr("stopped"));
}

TEST_F(BinaryTest, ADaemonCanBeAskedWhileItRunsAndIsNeverCrawledItself) {
  std::shared_ptr<Gate> gate;
  HttpServer server([&](const Request& request) {
    if (request.target == "/robots.txt") return Answer(404, "");
    return Reply().WaitFor(gate).Send(ResponseBytes(200, "x"));
  });
  gate = server.MakeGate();
  const int port = [] {  // that is free now, and hardly taken soon
    const Acceptor listener([](int, int) {});
    return listener.port();
  }();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const std::string config =
      Config("\"" + server.Url("/") + "\", \"http://" + address + "/metrics\"",
             "admin: {listen: \"" + address + "\"}\n");
  const auto process = Start({"run", "-c", config});
  ASSERT_TRUE(server.AwaitInFlight(1));
  const auto ask = [port](const std::string& path) {
    const int fd = ConnectToLoopback(port);
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = recv(fd, piece.data(), piece.size(), 0)) > 0;) {
      answer.append(piece.data(), static_cast<size_t>(got));
    }
    close(fd);
    return answer;
  };
  EXPECT_THAT(ask("/readyz"), testing::StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(ask("/metrics"), HasSubstr("\ncrawld_in_flight{state=\"transferring\"} "));
  EXPECT_THAT(ask("/api/v1/status"), HasSubstr("\"state\":\"running\""));
  EXPECT_TRUE(std::filesystem::is_socket(data_ / "crawld.sock"));
  gate->Open();
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(data_ / "crawld.sock"));
  std::string own;
  for (const auto& line : ReadArchive(data_).log) {
    if (line.at("url").as_string().find(address) != line.at("url").as_string().npos) {
      own += line.at("reason").as_string();
    }
  }
  EXPECT_EQ(own, "address_forbidden") << "its robots.txt";
}

}  // namespace
}  // namespace crawld::test
