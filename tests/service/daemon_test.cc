// The daemon with its admin API: asked and steered while it crawls.
#include "service/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "admin/admin_client.h"
#include "admin/embedded.h"
#include "service/wiring.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace crawld::service {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

constexpr const char* kJson = "application/json";

class DaemonTest : public testing::Test {
 protected:
  DaemonTest()
      : server_([this](const test::Request& request) {
          MutexLock lock(mutex_);
          asked_.insert(request.target);
          return test::Html("<a href='/linked'>x</a>");
        }) {}
  ~DaemonTest() override { Stop(); }

  void WriteConfig(const std::string& more = "") const {
    std::ofstream(dir_ / "next.yaml") << "name: t\ndata_dir: data\n"
                                         "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                                         "fetcher: {allow_addresses: [127.0.0.0/8]}\n"
                                         "seeds: {files: [lists/*.txt]}\n"
                                      << more;
    std::filesystem::rename(dir_ / "next.yaml", config_);
  }
  void WriteList(const std::string& name, const std::string& text,
                 std::ios::openmode mode = std::ios::trunc) const {
    std::filesystem::create_directories(dir_ / "lists");
    std::ofstream(dir_ / "lists" / name, std::ios::out | mode) << text;
  }
  void Start(const std::string& more = "politeness: {delay: 0, robots: false}\n") {
    WriteConfig(more);
    WriteList("a.txt", "# nothing yet\n");
    StartAgain();
  }
  void StartAgain() {
    daemon_ = std::make_unique<Daemon>(config_, /*once=*/false);
    thread_ = std::thread([this] { code_ = daemon_->Run(); });
    client_.emplace(admin::AdminTarget{dir_ / "data/crawld.sock", "", ""});
  }
  int Stop() {
    if (!daemon_) return code_;
    kill(getpid(), SIGTERM);
    thread_.join();
    client_.reset();
    daemon_.reset();
    return code_;
  }

  static json::object Object(const admin::AdminAnswer& answer) {
    return json::parse(answer.body).as_object();
  }
  json::object Get(const std::string& path) { return Object(client_->Get(path)); }
  admin::AdminAnswer Order(const std::string& order, const std::string& fields) {
    return client_->Post("/api/v1/" + order, fields, kJson);
  }
  std::string Submit(const std::string& text) {
    return client_->Post("/api/v1/urls", text, "text/plain").body;
  }
  std::string Url(const std::string& path) const { return server_.Url(path); }
  bool Asked(const std::string& path) {
    MutexLock lock(mutex_);
    return asked_.contains(path);
  }
  // Waits for `holds`; a test that waits in vain fails.
  template <typename Condition>
  void Await(const Condition& holds) {
    const auto begun = std::chrono::steady_clock::now();
    while (!holds()) {
      std::this_thread::yield();
      ASSERT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
    }
  }
  void AwaitAsked(const std::string& path) {
    Await([&] { return Asked(path); });
  }
  void AwaitState(const std::string& state) {
    Await([&] { return Get("/api/v1/status").at("state").as_string() == state; });
  }

  // Before any thread is made, such as the server's.
  struct Blocked {
    Blocked() { BlockSignals(); }
  };
  const Blocked blocked_;
  const test::TempDir dir_;
  const std::filesystem::path config_ = dir_ / "c.yaml";
  Mutex mutex_;
  std::set<std::string> asked_ GUARDED_BY(mutex_);
  test::HttpServer server_;
  std::unique_ptr<Daemon> daemon_;
  std::thread thread_;
  int code_ = -1;
  std::optional<admin::AdminClient> client_;
};

// --- submitting

TEST_F(DaemonTest, EachSubmittedLineIsAnsweredOnceItIsDurable) {
  Start("scope: {exclude: [/private/]}\npoliteness: {delay: 0, robots: false}\n");
  const std::string answer =
      Submit("# a list\n\n" + Url("/1") + "#top  # why\nnot a url\n" + Url("/private/2") +
             "\nftp://a.test/\n" + Url("/1") + "\n" + Url("/last"));
  std::vector<std::string> results;
  std::istringstream lines(answer);
  for (std::string line; std::getline(lines, line);) {
    const json::object object = json::parse(line).as_object();
    results.push_back(json::serialize(object.at("line")) + " " +
                      json::value_to<std::string>(object.at("result")));
  }
  EXPECT_THAT(results, testing::ElementsAre("3 queued", "4 error", "5 excluded", "6 error",
                                            "7 queued", "8 queued"));
  EXPECT_THAT(answer, HasSubstr("\"reason\":\"excluded\""));
  AwaitAsked("/1");
  AwaitAsked("/last");
  EXPECT_FALSE(Asked("/private/2"));
  Await([&] {
    return Submit(Url("/1")).find("\"result\":\"known\",\"state\":\"done\"") != std::string::npos;
  });
}

TEST_F(DaemonTest, AListOfAnyLengthIsTakenPieceByPiece) {
  Start("scope: {max_depth: 0}\npoliteness: {delay: 0, robots: false}\n");
  ASSERT_EQ(Order("pause", "{}").status, 200);
  std::string list;
  constexpr int kUrls = 40'000;
  for (int i = 0; i < kUrls; ++i) list += "http://h" + std::to_string(i) + ".test/\n";
  list += std::string(70'000, 'x') + "\n";
  const std::string answer = Submit(list);
  size_t queued = 0;
  for (size_t at = answer.find("\"queued\""); at != answer.npos;
       at = answer.find("\"queued\"", at + 1)) {
    ++queued;
  }
  EXPECT_EQ(queued, static_cast<size_t>(kUrls));
  EXPECT_THAT(answer, HasSubstr("{\"line\":40001,\"result\":\"error\",\"message\":\"the line has "
                                "more than 65536 bytes\"}\n"));
  EXPECT_EQ(Get("/api/v1/status").at("urls").at("queued").to_number<int>(), kUrls);
}

// --- steering

TEST_F(DaemonTest, APauseHoldsUntilItIsResumedAlsoAfterARestart) {
  Start();
  ASSERT_EQ(Order("pause", R"({"why":"the disk is moved"})").status, 200);
  Submit(Url("/while-paused"));
  AwaitState("paused");
  EXPECT_EQ(Stop(), 0);
  StartAgain();
  EXPECT_EQ(Get("/api/v1/status").at("state").as_string(), "paused");
  const json::object holds = Get("/api/v1/holds");
  EXPECT_TRUE(holds.at("paused").as_bool());
  EXPECT_EQ(holds.at("why").as_string(), "the disk is moved");
  EXPECT_FALSE(Asked("/while-paused"));
  const json::object explained = Get("/api/v1/explain?url=" + Url("/while-paused"));
  EXPECT_EQ(explained.at("crawl_holds").at(0).at("held_by"), "operator");
  EXPECT_EQ(explained.at("crawl_holds").at(0).at("why"), "the disk is moved");
  EXPECT_EQ(explained.at("earliest"), "further notice");
  ASSERT_EQ(Order("resume", "").status, 200);
  AwaitAsked("/while-paused");
  EXPECT_EQ(Order("resume", "").status, 409) << "it is not paused any more";
}

// Found by a reader: a reason that was cut within a letter could not be read at the next start.
TEST_F(DaemonTest, AReasonOfTheGreatestLengthOutlivesARestart) {
  Start();
  std::string why(498, 'x');
  why += "\xC3\xA9";
  ASSERT_EQ(Order("pause", "{\"why\":\"" + why + "\"}").status, 200);
  EXPECT_EQ(Stop(), 0);
  StartAgain();
  EXPECT_EQ(Get("/api/v1/holds").at("why").as_string(), why);
}

TEST_F(DaemonTest, ABlockedHostIsLeftAloneAlsoAfterARestart) {
  Start();
  ASSERT_EQ(Order("block", R"({"host":"127.0.0.1","why":"they asked"})").status, 200);
  Submit(Url("/blocked"));
  Await([&] {
    return Get("/api/v1/explain?url=" + Url("/blocked")).at("limits").as_array().size() == 1 &&
           Get("/api/v1/status").at("parked_urls").to_number<int>() == 1;
  });
  EXPECT_EQ(Stop(), 0);
  StartAgain();
  EXPECT_EQ(Get("/api/v1/explain?url=" + Url("/blocked")).at("limits").at(0).at("held_by"),
            "blocked");
  EXPECT_EQ(Order("resume", R"({"host":"127.0.0.1"})").status, 409) << "it is blocked, not paused";
  EXPECT_FALSE(Asked("/blocked"));
  ASSERT_EQ(Order("unblock", R"({"host":"127.0.0.1"})").status, 200);
  AwaitAsked("/blocked");
}

TEST_F(DaemonTest, AnOrderThatMakesNoSenseIsRefusedWithTheReason) {
  Start();
  const std::vector<std::tuple<std::string, std::string, int, std::string>> cases = {
      {"pause", "[]", 400, "no JSON object"},
      {"pause", R"({"hosts":"a.test"})", 400, "'hosts' is unknown"},
      {"pause", R"({"host":7})", 400, "'host' is no string"},
      {"pause", R"({"host":""})", 400, "without it the whole crawl is meant"},
      {"pause", R"({"host":"a.test","domain":"a.test"})", 400, "not both"},
      {"pause", R"({"domain":"*.a.test"})", 400, "without '*.'"},
      {"pause", R"({"host":"a b"})", 400, "is no host"},
      {"pause", "{\"why\":\"" + std::string(501, 'x') + "\"}", 400, "at most 500 bytes"},
      {"block", "", 400, "name a host"},
      {"unblock", R"({"host":"a.test"})", 409, "a.test is not blocked"},
  };
  for (const auto& [order, fields, status, why] : cases) {
    const admin::AdminAnswer answer = Order(order, fields);
    EXPECT_EQ(answer.status, status) << order << " " << fields << " " << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(why)) << order << " " << fields;
  }
  EXPECT_TRUE(Get("/api/v1/holds").at("holds").as_array().empty());
}

TEST_F(DaemonTest, AnEmptySubmissionHasAnEmptyAnswer) {
  Start();
  const admin::AdminAnswer answer = client_->Post("/api/v1/urls", "", "text/plain");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(client_->Post("/api/v1/urls?kind=pages", "", "text/plain").status, 400);
}

TEST_F(DaemonTest, SoManyHostsMayBeHeldAndNoMore) {
  WriteConfig("politeness: {delay: 0, robots: false}\n");
  WriteList("a.txt", "# nothing yet\n");
  admin::SteeringState full;
  for (size_t i = 0; i < admin::Steering::kMaxHolds; ++i) {
    full.holds.push_back({.name = "h" + std::to_string(i) + ".test"});
  }
  {
    frontier::Frontier frontier(dir_ / "data/frontier", FrontierOptionsOf(config::Load(config_)));
    frontier::CommitGroup group;
    group.notes.emplace_back(admin::Steering::kNote, admin::Encode(full));
    frontier.Commit(std::move(group), WallTime(Millis(1)));
  }
  StartAgain();
  const admin::AdminAnswer answer = Order("block", R"({"host":"one-more.test"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("10000 hosts and domains are held"));
  EXPECT_EQ(Order("block", R"({"host":"h7.test"})").status, 200) << "it is one of them";
  EXPECT_EQ(Order("unblock", R"({"host":"h7.test"})").status, 200);
  EXPECT_EQ(Order("block", R"({"host":"one-more.test"})").status, 200);
}

// --- lists and reload

// Found by an attacker: all lists after one that could not be read were not read any more.
TEST_F(DaemonTest, AListThatCannotBeReadKeepsNoOtherOut) {
  WriteList("a.gz", "\x1f\x8b\x08 this is no gzip");
  WriteConfig("politeness: {delay: 0, robots: false}\nseeds: {files: [lists/*]}\n");
  WriteList("z.txt", Url("/first") + "\n");
  std::string text;
  {
    std::ifstream in(config_);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  text.erase(text.find("seeds: {files: [lists/*.txt]}\n"),
             std::string("seeds: {files: [lists/*.txt]}\n").size());
  std::ofstream(config_) << text;
  StartAgain();
  AwaitAsked("/first");
  std::filesystem::create_directories(dir_ / "lists" / "b.dir");
  WriteList("z.txt", Url("/second") + "\n", std::ios::app);
  AwaitAsked("/second");
}

// Found by an attacker: what was changed within a list was never read.
TEST_F(DaemonTest, AListThatWasChangedWithinIsReadAgain) {
  Start();
  std::string list;
  for (int i = 0; i < 1000; ++i) list += "# a line to fill the list\n";
  WriteList("a.txt", list + Url("/one") + "\n" + list);
  AwaitAsked("/one");
  WriteList("a.txt", list + Url("/two") + "\n" + list);
  AwaitAsked("/two");
}

// Found by an attacker: passwords of seeds were in the answer.
TEST_F(DaemonTest, AReloadShowsNoPasswordsOfSeeds) {
  Start();
  WriteConfig("politeness: {delay: 0, robots: false}\n");
  std::string text;
  {
    std::ifstream in(config_);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string files = "seeds: {files: [lists/*.txt]}";
  text.replace(text.find(files), files.size(),
               "seeds: {urls: [\"http://joe:s3cretpw@127.0.0.1:1/?token=abcdef\"]}");
  std::ofstream(config_) << text;
  const admin::AdminAnswer answer = Order("reload", "");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("http://***@127.0.0.1:1/?token=***"));
}

TEST_F(DaemonTest, NewLinesAndNewListsEnterTheCrawl) {
  Start();
  WriteList("a.txt", Url("/line-1") + "\n", std::ios::app);
  AwaitAsked("/line-1");
  WriteList("a.txt", Url("/line-2") + "\n" + Url("/unfini"), std::ios::app);
  AwaitAsked("/line-2");
  WriteList("a.txt", "shed\n", std::ios::app);
  AwaitAsked("/unfinished");
  EXPECT_FALSE(Asked("/unfini")) << "half a line is no URL";
  WriteList("b.txt", Url("/new-list") + "\n");
  AwaitAsked("/new-list");
}

TEST_F(DaemonTest, ListsInNewFoldersAreSeen) {
  std::filesystem::create_directories(dir_ / "lists");
  WriteConfig("politeness: {delay: 0, robots: false}\n");
  std::string text;
  {
    std::ifstream in(config_);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string files = "seeds: {files: [lists/*.txt]}";
  text.replace(text.find(files), files.size(), "seeds: {files: [lists/*/*/a.txt]}");
  std::ofstream(config_) << text;
  StartAgain();
  std::filesystem::create_directories(dir_ / "lists" / "monday");
  std::filesystem::create_directories(dir_ / "lists" / "monday" / "noon");
  WriteList("monday/noon/a.txt", Url("/noon") + "\n");
  AwaitAsked("/noon");
  std::filesystem::remove_all(dir_ / "lists" / "monday");
  std::filesystem::create_directories(dir_ / "lists" / "monday" / "night");
  WriteList("monday/night/a.txt", Url("/night") + "\n");
  AwaitAsked("/night");
}

TEST_F(DaemonTest, AReloadTakesUpAllOrNothingAndNamesWhatNeedsARestart) {
  Start();
  const std::string base = "politeness: {delay: 0, robots: false}\n";
  WriteConfig(base + "scope: {exclude: [/no/], max_depth: 3}\nfetcher: {threads: 2}\n");
  admin::AdminAnswer answer = Order("reload", "");
  ASSERT_EQ(answer.status, 409) << "the key fetcher stands twice";
  EXPECT_THAT(answer.body, HasSubstr("c.yaml:"));
  WriteConfig(base + "scope: {exclude: [/no/, '(']}\n");
  answer = Order("reload", "");
  ASSERT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("is no RE2 pattern"));
  WriteConfig(base + "scope: {exclude: [/no/]}\nparser: {max_links: 7}\n");
  answer = Order("reload", "");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object report = Object(answer);
  EXPECT_EQ(report.at("applied").at(0).at("key"), "scope.exclude");
  EXPECT_EQ(report.at("applied").as_array().size(), 1U);
  EXPECT_EQ(report.at("restart").at(0).at("key"), "parser.max_links");
  EXPECT_THAT(Submit(Url("/no/1")), HasSubstr("\"excluded\""));
  answer = Order("reload", "");
  EXPECT_TRUE(Object(answer).at("applied").as_array().empty()) << "it has been taken up";
  EXPECT_EQ(Object(answer).at("restart").as_array().size(), 1U) << "it still needs a restart";
}

TEST_F(DaemonTest, SighupReloads) {
  Start();
  WriteConfig("politeness: {delay: 0, robots: false}\nscope: {exclude: [/no/]}\n");
  kill(getpid(), SIGHUP);
  Await([&] { return Submit(Url("/no/1")).find("\"excluded\"") != std::string::npos; });
}

TEST_F(DaemonTest, ALogFileThatCannotBeOpenedRollsTheReloadBack) {
  Start();
  WriteConfig(
      "politeness: {delay: 0, robots: false}\nscope: {exclude: [/no/]}\n"
      "log: {file: data/crawld.sock}\n");
  const admin::AdminAnswer answer = Order("reload", "");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("cannot be opened"));
  EXPECT_THAT(Submit(Url("/no/1")), HasSubstr("\"queued\""));
}

// --- resources

TEST_F(DaemonTest, BelowTheDiskMarkNothingIsFetchedAndItGoesOnByItself) {
  const std::string base = "politeness: {delay: 0, robots: false}\n";
  Start(base + "resources: {min_free_disk: 1024TiB}\n");
  Submit(Url("/later"));
  AwaitState("disk_low");
  EXPECT_EQ(client_->Get("/healthz").status, 200);
  const admin::AdminAnswer ready = client_->Get("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("less than resources.min_free_disk"));
  EXPECT_FALSE(Asked("/later"));
  WriteConfig(base + "resources: {min_free_disk: 0}\n");
  ASSERT_EQ(Order("reload", "").status, 200);
  AwaitAsked("/later");
  Await([&] { return client_->Get("/readyz").status == 200; });
}

TEST_F(DaemonTest, AProcessThatIsTooLargeIsNotReadyAndGoesOnALittleATime) {
  const std::string base = "politeness: {delay: 0, robots: false}\n";
  Start(base);
  const std::string ballast(96U << 20, 'x');  // as no config allows less than 64 MiB
  WriteConfig(base + "resources: {max_memory: 64MiB}\n");
  ASSERT_EQ(Order("reload", "").status, 200);
  Await([&] { return client_->Get("/readyz").status == 503; });
  EXPECT_EQ(client_->Get("/healthz").status, 200);
  Submit(Url("/nevertheless"));
  AwaitAsked("/nevertheless");
  EXPECT_EQ(ballast.back(), 'x');
}

// --- what it tells

// As much of JSON Schema as the description uses.
class SchemaCheck {
 public:
  explicit SchemaCheck(const json::value& document) : document_(document) {}

  void Check(const json::value& schema, const json::value& value, const std::string& where) const {
    const json::object& rules = schema.as_object();
    if (const json::value* ref = rules.if_contains("$ref")) {
      const std::string name(ref->as_string().subview(ref->as_string().rfind('/') + 1));
      return Check(document_.at("components").at("schemas").at(name), value, where);
    }
    if (const json::value* names = rules.if_contains("enum")) {
      bool found = false;
      for (const json::value& name : names->as_array()) found = found || name == value;
      EXPECT_TRUE(found) << where << ": " << json::serialize(value);
      return;
    }
    if (const json::value* type = rules.if_contains("type")) CheckType(*type, value, where);
    if (value.is_array()) {
      for (const json::value& item : value.get_array())
        Check(rules.at("items"), item, where + "[]");
    }
    if (!value.is_object()) return;
    const json::value* properties = rules.if_contains("properties");
    const json::value* more = rules.if_contains("additionalProperties");
    for (const auto& [key, field] : value.get_object()) {
      const std::string name = where + "." + std::string(key);
      const json::value* known =
          properties == nullptr ? nullptr : properties->as_object().if_contains(key);
      if (known != nullptr) {
        Check(*known, field, name);
      } else if (more != nullptr && more->is_object()) {
        Check(*more, field, name);
      } else {
        EXPECT_TRUE(more == nullptr) << name << " is not described";
      }
    }
    if (const json::value* required = rules.if_contains("required")) {
      for (const json::value& key : required->as_array()) {
        EXPECT_TRUE(value.as_object().contains(key.as_string()))
            << where << " lacks " << json::serialize(key);
      }
    }
  }

 private:
  static bool Is(std::string_view type, const json::value& value) {
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    if (type == "number") return value.is_number();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    return type == "null" && value.is_null();
  }
  static void CheckType(const json::value& type, const json::value& value,
                        const std::string& where) {
    bool good = false;
    if (type.is_string()) {
      good = Is(std::string_view(type.as_string()), value);
    } else {
      for (const json::value& one : type.as_array()) {
        good = good || Is(std::string_view(one.as_string()), value);
      }
    }
    EXPECT_TRUE(good) << where << ": " << json::serialize(value) << " is no "
                      << json::serialize(type);
  }

  const json::value& document_;
};

TEST_F(DaemonTest, EveryPathAnswersAsTheDescriptionSays) {
  Start("politeness: {delay: 0, robots: false}\nscope: {max_url_length: 200}\n");
  Submit(Url("/" + std::string(200, 'x')) + "\n");
  Submit(Url("/1") + "\n");
  AwaitAsked("/linked");
  Await([&] { return !Get("/api/v1/hosts").at("hosts").as_array().empty(); });
  const json::value document = json::parse(client_->Get("/api/v1/openapi.json").body);
  const SchemaCheck check(document);
  const std::map<std::string, std::string> queries = {
      {"/api/v1/explain", "?url=" + Url("/1")},
      {"/api/v1/fetches", "?host=127.0.0.1&errors=false&limit=3"},
      {"/api/v1/hosts", "?order=last&search=127&limit=2"}};
  const std::map<std::string, std::string> bodies = {
      {"post /api/v1/block", R"({"host":"a.test"})"},
      {"post /api/v1/unblock", R"({"host":"a.test"})"},
      {"put /api/v1/log-level", R"({"level":"info"})"},
      {"post /api/v1/urls", Url("/2") + "\nbad\n"}};
  size_t answers = 0;
  for (const auto& [key, operations] : document.at("paths").as_object()) {
    std::string path(key);
    const std::string query = queries.contains(path) ? queries.at(path) : "";
    if (path.ends_with("{host}")) path.replace(path.size() - 6, 6, "127.0.0.1");
    if (path == "/api/v1/events") continue;  // without end; a test of its own
    for (const auto& [method_key, operation] : operations.as_object()) {
      const std::string name = std::string(method_key) + " " + std::string(key);
      const std::string body = bodies.contains(name) ? bodies.at(name) : "";
      const admin::AdminAnswer answer = method_key == "get"    ? client_->Get(path + query)
                                        : method_key == "post" ? client_->Post(path, body, kJson)
                                                               : client_->Put(path, body, kJson);
      const json::object& described = operation.at("responses").as_object();
      ASSERT_TRUE(described.contains(std::to_string(answer.status)))
          << name << ": " << answer.status << " " << answer.body;
      if (name !=
          "post /api/v1/resume") {  // it is not paused by then, or it is: both are described
        EXPECT_EQ(answer.status, 200) << name << ": " << answer.body;
      }
      const json::object& content =
          described.at(std::to_string(answer.status)).at("content").as_object();
      ++answers;
      if (content.contains("text/plain") || content.contains("text/html")) continue;
      const json::value& schema = content.begin()->value().at("schema");
      std::istringstream lines(answer.body);
      for (std::string line; std::getline(lines, line);) {
        if (content.contains("application/x-ndjson")) check.Check(schema, json::parse(line), name);
      }
      if (content.contains("application/json")) {
        check.Check(schema, json::parse(answer.body), name);
      }
    }
  }
  EXPECT_EQ(answers, 23U) << "all but the events";
}

TEST_F(DaemonTest, WhatIsNotDescribedIsRefused) {
  Start();
  EXPECT_EQ(client_->Get("/x").status, 404);
  EXPECT_EQ(client_->Post("/metrics", "", kJson).status, 405);
  EXPECT_EQ(client_->Get("/api/v1/urls").status, 405);
  EXPECT_EQ(client_->Get("/api/v1/hosts?limit=1001").status, 400);
  EXPECT_EQ(client_->Get("/api/v1/hosts?order=size").status, 400);
  EXPECT_EQ(client_->Get("/api/v1/hosts/nobody.test").status, 404);
  EXPECT_EQ(client_->Get("/api/v1/fetches?errors=maybe").status, 400);
  EXPECT_EQ(client_->Get("/api/v1/explain?url=x").status, 400);
  EXPECT_EQ(client_->Put("/api/v1/log-level", R"({"level":"loud"})", kJson).status, 400);
}

TEST_F(DaemonTest, AHostTellsItsQueueItsPaceAndItsFetches) {
  Start();
  Submit(Url("/1"));
  AwaitAsked("/linked");
  Await([&] { return Get("/api/v1/hosts/127.0.0.1").at("done").to_number<int>() == 2; });
  const json::object host = Get("/api/v1/hosts/127.0.0.1");
  EXPECT_EQ(host.at("queued").to_number<int>(), 0);
  EXPECT_EQ(host.at("fetches").as_array().size(), 2U);
  EXPECT_THAT(json::value_to<std::string>(host.at("fetches").at(1).at("url")), HasSubstr("/1"));
}

}  // namespace
}  // namespace crawld::service
