// `crawld status | submit | pause | resume | block | unblock | reload | log-level`: what is said to
// a running daemon.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "admin/admin_client.h"
#include "base/readable.h"
#include "concurrency/event.h"
#include "config/config.h"
#include "service/commands.h"
#include "service/wiring.h"
#include "web/utf8.h"

namespace crawld::service {
namespace {

namespace json = boost::json;

constexpr const char* kJsonType = "application/json";
constexpr size_t kLinesAtOnce = 1000;

// What a config says of the admin API. The rest may be as it is: a URL list that is not there any
// more is no reason not to pause the crawl.
config::Config LoadAdmin(const std::filesystem::path& path, Mistakes others) {
  config::Config config = LoadOfRunning(path, {"data_dir", "admin."}, others);
  const std::filesystem::path folder = path.parent_path();
  if (config.admin.socket) config.admin.socket = config.data_dir / *config.admin.socket;
  if (config.admin.token_file) config.admin.token_file = folder / *config.admin.token_file;
  return config;
}

}  // namespace

config::Config LoadOfRunning(const std::filesystem::path& path,
                             std::initializer_list<std::string_view> needed, Mistakes others) {
  std::vector<config::Problem> problems;
  config::Config config = config::LoadWhatIsRight(path, problems);
  std::vector<config::Problem> fatal;
  for (config::Problem& problem : problems) {
    const bool is_needed = std::any_of(needed.begin(), needed.end(), [&](std::string_view key) {
      return problem.key.empty() || problem.key.starts_with(key);
    });
    if (is_needed) {
      fatal.push_back(std::move(problem));
    } else if (others == Mistakes::kWarn) {
      fmt::print(stderr, "{}\n", ToString(problem, "warning"));
    }
  }
  if (!fatal.empty()) throw config::ConfigError(std::move(fatal));
  config.data_dir = path.parent_path() / config.data_dir;
  return config;
}

namespace {

admin::AdminTarget TargetOf(const AdminChoice& choice, Mistakes others = Mistakes::kWarn) {
  const int given = (choice.config ? 1 : 0) + (choice.socket ? 1 : 0) + (choice.address ? 1 : 0);
  if (given != 1) {
    throw UsageError("say where the daemon is: -c FILE, --socket PATH or --address HOST:PORT");
  }
  admin::AdminTarget target;
  target.socket = choice.socket;
  if (choice.address) target.address = *choice.address;
  std::optional<std::filesystem::path> token_file = choice.token_file;
  if (choice.config) {
    const config::Config config = LoadAdmin(*choice.config, others);
    if (config.admin.socket) {
      target.socket = config.admin.socket;
    } else if (config.admin.listen) {
      target.address = *config.admin.listen;
      if (!token_file) token_file = config.admin.token_file;
    } else {
      throw UsageError(
          fmt::format("{}: admin.socket and admin.listen are null: the daemon cannot "
                      "be asked",
                      choice.config->string()));
    }
  }
  if (token_file) {
    std::ifstream file(*token_file);
    if (!std::getline(file, target.token)) {
      throw UsageError(fmt::format("{}: has no token, or cannot be read", token_file->string()));
    }
  }
  return target;
}

json::value Parse(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    throw FatalError("the answer is no JSON object: is it another version of crawld?");
  }
  return value;
}

std::string Text(const json::value& from, const char* key) {
  const json::value* value = from.as_object().if_contains(key);
  return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

double Number(const json::value& from, const char* key) {
  const json::value* value = from.as_object().if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

uint64_t Count(const json::value& from, const char* key) {
  return static_cast<uint64_t>(Number(from, key));
}

// Prints what the daemon says against it. 0 if it says nothing.
int Complain(const admin::AdminAnswer& answer) {
  if (answer.status == 200) return kExitDone;
  std::string why = answer.body;
  boost::system::error_code error;
  const json::value value = json::parse(answer.body, error);
  if (!error && value.is_object() && !Text(value, "error").empty()) why = Text(value, "error");
  fmt::print(stderr, "crawld: {}\n", why);
  return kExitFailed;
}

// "dns 3, reset 1", the greatest first.
std::string Greatest(const json::value& counts, size_t limit) {
  std::vector<std::pair<uint64_t, std::string>> all;
  for (const auto& [name, count] : counts.as_object()) {
    const auto n = count.to_number<uint64_t>();
    if (n > 0) all.emplace_back(n, std::string(name));
  }
  std::sort(all.rbegin(), all.rend());
  std::string text;
  for (size_t i = 0; i < std::min(limit, all.size()); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", all[i].second, Thousands(all[i].first));
  }
  return text;
}

// Shares of the time between two looks, or since the start: "politeness 80 %, ...".
std::string IdleShares(const json::value& now, const json::value* before, double seconds) {
  std::vector<std::pair<double, std::string>> all;
  for (const auto& [name, value] : now.at("idle_seconds").as_object()) {
    const double earlier =
        before == nullptr ? 0 : before->at("idle_seconds").at(name).to_number<double>();
    const double share = seconds <= 0 ? 0 : (value.to_number<double>() - earlier) / seconds;
    if (share >= 0.005) all.emplace_back(std::min(share, 1.0), std::string(name));
  }
  std::sort(all.rbegin(), all.rend());
  std::string text;
  for (const auto& [share, name] : all) {
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", name, 100 * share);
  }
  return text.empty() ? "nothing" : text;
}

// `before`: the status `seconds` earlier; null: there is none.
std::string StatusText(const json::value& now, const json::value* before, double seconds) {
  std::string out;
  const auto line = [&](const char* name, const std::string& text) {
    out += fmt::format("  {:<12}{}\n", name, text);
  };
  const std::string waits = Text(now, "waits");
  out += fmt::format("crawl '{}' is {} (crawld {}, since {})\n", Text(now, "crawl"),
                     Text(now, "state"), Text(now, "version"), Text(now, "started"));
  if (!waits.empty()) {
    constexpr std::string_view kWaits = "waits";
    const size_t from =
        waits.starts_with(kWaits) ? waits.find_first_not_of(": ", kWaits.size()) : 0;
    line("waits", waits.substr(from));
  }
  const json::value& urls = now.at("urls");
  line("URLs", fmt::format("{} done, {} queued, {} to be tried again, {} failed, {} excluded",
                           Thousands(Count(urls, "done")), Thousands(Count(urls, "queued")),
                           Thousands(Count(urls, "later")), Thousands(Count(urls, "failed")),
                           Thousands(Count(urls, "excluded"))));
  const json::value& hosts = now.at("hosts");
  line("hosts", fmt::format("{} known, {} with a queue, {} probed, {} held by robots.txt",
                            Thousands(Count(hosts, "known")), Thousands(Count(hosts, "waiting")),
                            Thousands(Count(hosts, "gated")),
                            Thousands(Count(hosts, "robots_held_origins"))));
  const json::value& queues = now.at("queues");
  line("in flight",
       fmt::format("{} ({} being looked up), {} wait for the parser, {} for the committer",
                   Thousands(Count(now, "in_flight")), Count(now, "resolving"),
                   Count(queues, "parser"), Count(queues, "committer")));
  if (before != nullptr && seconds > 0) {
    const auto rate = [&](const char* key) {
      return std::max(0.0, Number(now, key) - Number(*before, key)) / seconds;
    };
    line("now", fmt::format("{:.1f} pages/s, {:.1f} fetches/s, {}/s, {:.1f} errors/s",
                            rate("pages"), rate("fetches"),
                            Bytes(static_cast<uint64_t>(rate("response_bytes"))), rate("errors")));
  }
  line("since start",
       fmt::format("{} pages, {} fetches, {}, {} errors", Thousands(Count(now, "pages")),
                   Thousands(Count(now, "fetches")), Bytes(Count(now, "response_bytes")),
                   Thousands(Count(now, "errors"))));
  line("idle for", IdleShares(now, before, seconds));
  const std::string errors = Greatest(now.at("errors_by_name"), 5);
  if (!errors.empty()) line("errors", errors);
  const std::string excluded = Greatest(now.at("excluded"), 5);
  if (!excluded.empty()) line("excluded", excluded);
  line("memory",
       fmt::format("{} of {}; bodies hold {}", Bytes(Count(now, "memory_bytes")),
                   Bytes(Count(now, "memory_limit_bytes")), Bytes(Count(now, "held_bytes"))));
  line("disk", Bytes(Count(now, "disk_free_bytes")) + " free");
  if (Count(now, "holds") > 0) {
    line("held",
         fmt::format("{} hosts or domains are paused or blocked", Thousands(Count(now, "holds"))));
  }
  return out;
}

// What a terminal may show of a URL: no control characters, no more columns than there are.
std::string Fit(const std::string& text, size_t width) {
  return WithoutControls(text.substr(0, width));
}

std::string HostsText(const json::value& answer, size_t width) {
  std::string out = fmt::format("\n  {:<40} {:>9} {:>8} {:>8} {:>10}\n", "host", "fetches",
                                "errors", "4xx 5xx", "bytes");
  for (const json::value& host : answer.at("hosts").as_array()) {
    out += Fit(fmt::format("  {:<40} {:>9} {:>8} {:>8} {:>10}", Text(host, "host"),
                           Thousands(Count(host, "fetches")), Thousands(Count(host, "errors")),
                           Thousands(Count(host, "refused")), Bytes(Count(host, "bytes"))),
               width) +
           "\n";
  }
  return out;
}

std::string FetchesText(const json::value& answer, size_t width) {
  std::string out = "\n  latest errors\n";
  for (const json::value& fetch : answer.at("fetches").as_array()) {
    const std::string error = Text(fetch, "error");
    out += Fit(fmt::format("  {}  {:<18} {}", Text(fetch, "time").substr(11, 8),
                           error.empty() ? fmt::format("status {}", Count(fetch, "status")) : error,
                           Text(fetch, "url")),
               width) +
           "\n";
  }
  return out;
}

int Watch(admin::AdminClient& client) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  concurrency::Event never;
  std::optional<json::value> before;
  auto last = std::chrono::steady_clock::now();
  while (true) {
    winsize size{};
    const bool sized = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    const size_t width = sized ? size.ws_col - 1U : 120;
    const admin::AdminAnswer answer = client.Get("/api/v1/status");
    if (const int code = Complain(answer); code != kExitDone) return code;
    json::value now = Parse(answer.body);
    const auto when = std::chrono::steady_clock::now();
    std::string text = StatusText(now, before ? &*before : nullptr,
                                  std::chrono::duration<double>(when - last).count());
    const admin::AdminAnswer hosts = client.Get("/api/v1/hosts?order=last&limit=8");
    if (hosts.status == 200) text += HostsText(Parse(hosts.body), width);
    const admin::AdminAnswer errors = client.Get("/api/v1/fetches?errors=true&limit=5");
    if (errors.status == 200) text += FetchesText(Parse(errors.body), width);
    if (terminal) {
      // From the top; each line to its end, and what is below it.
      std::string screen = "\033[H";
      for (const char c : text) screen += c == '\n' ? std::string("\033[K\n") : std::string(1, c);
      text = screen + "\033[J";
    } else {
      text += "\n";
    }
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return kExitFailed;
    before = std::move(now);
    last = when;
    never.WaitFor(std::chrono::seconds(1));
  }
}

int PrintChecks(const admin::AdminAnswer& answer, Format format) {
  if (format == Format::kJson) {
    fmt::print("{}", answer.body);
  } else {
    const json::value report = Parse(answer.body);
    for (const json::value& check : report.at("checks").as_array()) {
      fmt::print("{:<12}{} {}\n", Text(check, "check"), check.at("ok").as_bool() ? "ok  " : "BAD ",
                 Text(check, "detail"));
    }
  }
  return answer.status == 200 ? kExitDone : kExitFailed;
}

void AddEscaped(std::string& out, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  json::object field;
  field[name] = web::ReplaceInvalidUtf8(value);
  const std::string text = json::serialize(field);
  out += (out.empty() ? "" : ",") + text.substr(1, text.size() - 2);
}

// Sends the lines of one list; false when the daemon takes no more.
class Submitter {
 public:
  Submitter(admin::AdminClient& client, const SubmitOptions& options)
      : client_(client), options_(options) {}

  bool Send(std::istream& in) {
    std::string batch;
    size_t lines = 0;
    for (std::string line; std::getline(in, line);) {
      batch += line + "\n";
      if (++lines % kLinesAtOnce != 0) continue;
      if (!Post(batch)) return false;
      batch.clear();
    }
    return batch.empty() || Post(batch);
  }

  int Finish() const {
    if (options_.format == Format::kText) {
      fmt::print("{} queued, {} known, {} excluded, {} bad\n", Thousands(Of("queued")),
                 Thousands(Of("known")), Thousands(Of("excluded")), Thousands(Of("error")));
    }
    return Of("error") == 0 ? kExitDone : kExitFailed;
  }

 private:
  uint64_t Of(const char* result) const {
    const auto found = counts_.find(result);
    return found == counts_.end() ? 0 : found->second;
  }

  bool Post(const std::string& batch) {
    const uint64_t before = sent_;
    sent_ += static_cast<uint64_t>(std::count(batch.begin(), batch.end(), '\n'));
    const admin::AdminAnswer answer = client_.Post(
        options_.sitemaps ? "/api/v1/urls?kind=sitemap" : "/api/v1/urls", batch, "text/plain");
    if (Complain(answer) != kExitDone) return false;
    size_t at = 0;
    while (at < answer.body.size()) {
      const size_t end = std::min(answer.body.find('\n', at), answer.body.size());
      json::value line = Parse(answer.body.substr(at, end - at));
      at = end + 1;
      if (!line.as_object().contains("line")) {
        fmt::print(stderr, "crawld: {}\n", Text(line, "error"));
        return false;
      }
      const uint64_t number = before + Count(line, "line");
      ++counts_[Text(line, "result")];
      line.as_object()["line"] = number;
      if (options_.format == Format::kJson) {
        fmt::print("{}\n", json::serialize(line));
      } else if (Text(line, "result") == "error") {
        fmt::print(stderr, "crawld: line {}: {}\n", number, Text(line, "message"));
      } else if (Text(line, "result") == "excluded") {
        fmt::print(stderr, "crawld: line {}: {} is excluded: {}\n", number, Text(line, "url"),
                   Text(line, "reason"));
      }
    }
    return true;
  }

  admin::AdminClient& client_;
  const SubmitOptions& options_;
  std::map<std::string, uint64_t> counts_;
  uint64_t sent_ = 0;  // lines
};

}  // namespace

namespace {

// What the operator has paused or blocked, since when, and why.
void PrintHolds(const json::value& state) {
  constexpr size_t kShown = 50;
  const std::string why = Text(state, "why");
  if (!why.empty()) fmt::print("  paused   the crawl  ({})\n", Fit(why, 500));
  const json::array& holds = state.at("holds").as_array();
  for (size_t i = 0; i < std::min(holds.size(), kShown); ++i) {
    const json::value& hold = holds[i];
    const bool domain = hold.as_object().contains("domain");
    fmt::print("  {:<8} {}{}  since {}{}\n", Text(hold, "kind"), domain ? "*." : "",
               Text(hold, domain ? "domain" : "host"), Text(hold, "since"),
               Text(hold, "why").empty() ? "" : "  (" + Fit(Text(hold, "why"), 500) + ")");
  }
  if (holds.size() > kShown) fmt::print("  and {} more\n", holds.size() - kShown);
}

}  // namespace

int ShowStatus(const AdminChoice& choice, const StatusOptions& options) {
  admin::AdminClient client(TargetOf(choice));
  if (options.check == StatusCheck::kAlive) {
    return PrintChecks(client.Get("/healthz"), options.format);
  }
  if (options.check == StatusCheck::kReady) {
    return PrintChecks(client.Get("/readyz"), options.format);
  }
  if (options.watch) return Watch(client);
  const admin::AdminAnswer answer = client.Get("/api/v1/status");
  if (const int code = Complain(answer); code != kExitDone) return code;
  if (options.format == Format::kJson) {
    fmt::print("{}", answer.body);
    return kExitDone;
  }
  const json::value now = Parse(answer.body);
  fmt::print("{}", StatusText(now, nullptr, Number(now, "uptime_seconds")));
  const admin::AdminAnswer holds = client.Get("/api/v1/holds");
  if (holds.status == 200) PrintHolds(Parse(holds.body));
  return kExitDone;
}

int SubmitUrls(const AdminChoice& choice, const SubmitOptions& options) {
  admin::AdminClient client(TargetOf(choice));
  Submitter submitter(client, options);
  const std::vector<std::string> standard_input = {"-"};
  for (const std::string& file : options.files.empty() ? standard_input : options.files) {
    bool sent = false;
    if (file == "-") {
      sent = submitter.Send(std::cin);
    } else {
      std::ifstream in(file);
      if (!in) throw UsageError(fmt::format("{}: cannot be read", file));
      sent = submitter.Send(in);
    }
    if (!sent) return kExitFailed;
  }
  return submitter.Finish();
}

int SteerCrawl(const AdminChoice& choice, const std::string& order, const SteerOptions& options) {
  admin::AdminClient client(TargetOf(choice));
  std::string fields;
  AddEscaped(fields, "host", options.host);
  AddEscaped(fields, "domain", options.domain);
  AddEscaped(fields, "why", options.why);
  const admin::AdminAnswer answer = client.Post("/api/v1/" + order, "{" + fields + "}", kJsonType);
  if (const int code = Complain(answer); code != kExitDone) return code;
  const json::value state = Parse(answer.body);
  if (options.format == Format::kJson) {
    fmt::print("{}", answer.body);
    return kExitDone;
  }
  fmt::print("the crawl {}\n", state.at("paused").as_bool() ? "is paused" : "is not paused");
  PrintHolds(state);
  return kExitDone;
}

int ReloadConfig(const AdminChoice& choice, Format format) {
  // Of mistakes the daemon speaks.
  admin::AdminClient client(TargetOf(choice, Mistakes::kIgnore));
  const admin::AdminAnswer answer = client.Post("/api/v1/reload", "", kJsonType);
  if (format == Format::kJson && (answer.status == 200 || answer.status == 409)) {
    fmt::print("{}", answer.body);
    return answer.status == 200 ? kExitDone : kExitFailed;
  }
  if (const int code = Complain(answer); code != kExitDone) return code;
  const json::value report = Parse(answer.body);
  for (const auto& [list, how] :
       {std::pair("applied", "now"), std::pair("restart", "with the next start")}) {
    for (const json::value& difference : report.at(list).as_array()) {
      fmt::print("{}: {} -> {} ({})\n", Text(difference, "key"), Text(difference, "before"),
                 Text(difference, "after"), how);
    }
  }
  if (report.at("applied").as_array().empty() && report.at("restart").as_array().empty()) {
    fmt::print("nothing has changed\n");
  }
  return kExitDone;
}

int SetLogLevel(const AdminChoice& choice, const std::string& level) {
  admin::AdminClient client(TargetOf(choice));
  std::string fields;
  AddEscaped(fields, "level", level);
  const admin::AdminAnswer answer =
      level.empty() ? client.Get("/api/v1/log-level")
                    : client.Put("/api/v1/log-level", "{" + fields + "}", kJsonType);
  if (const int code = Complain(answer); code != kExitDone) return code;
  fmt::print("{}\n", Text(Parse(answer.body), "level"));
  return kExitDone;
}

}  // namespace crawld::service
