// crawld: the command line.
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "config/error.h"
#include "config/units.h"
#include "service/commands.h"

namespace {

using crawld::service::Format;

constexpr const char* kFooter =
    "Start with:\n"
    "  crawld check -c crawl.yaml         is the config right?\n"
    "  crawld run -c crawl.yaml --once    crawl until nothing is left\n"
    "crawld(1) has all of it; crawld.yaml(5) and `crawld schema --as example` every key of a "
    "config.";

void AddConfig(CLI::App& command, std::filesystem::path& path, bool required = true) {
  auto* option =
      command.add_option("-c,--config", path, "the crawl's YAML file")->type_name("FILE");
  if (required) option->required();
}

void AddFormat(CLI::App& command, Format& format) {
  command.add_option("--format", format, "text or json")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Format>{{"text", Format::kText},
                                                                        {"json", Format::kJson}})
                      .description("text|json"));
}

void AddAdmin(CLI::App& command, crawld::service::AdminChoice& choice) {
  command.add_option("-c,--config", choice.config, "the crawl's YAML file")->type_name("FILE");
  command.add_option("--socket", choice.socket, "the daemon's Unix socket (admin.socket)")
      ->type_name("FILE");
  command.add_option("--address", choice.address, "its address (admin.listen)");
  command.add_option("--token-file", choice.token_file, "the token for an address")
      ->type_name("FILE");
}

// What is said to a running daemon.
void AddOperating(CLI::App& app, std::function<int()>& command) {
  namespace service = crawld::service;
  // Of the one subcommand that is given.
  static service::AdminChoice choice;
  static service::StatusOptions status_options;
  static service::SubmitOptions submit_options;
  static service::SteerOptions steer_options;
  static Format format = Format::kText;
  static std::string level;

  auto* status = app.add_subcommand("status", "what a running crawl is doing");
  AddAdmin(*status, choice);
  AddFormat(*status, status_options.format);
  auto* watch = status->add_flag("--watch", status_options.watch, "again every second");
  status
      ->add_option("--check", status_options.check,
                   "alive or ready: the answer is the exit code, 0 or 1")
      ->transform(CLI::CheckedTransformer(std::map<std::string, service::StatusCheck>{
                                              {"alive", service::StatusCheck::kAlive},
                                              {"ready", service::StatusCheck::kReady}})
                      .description("alive|ready"))
      ->excludes(watch);
  status->callback([&] { command = [] { return service::ShowStatus(choice, status_options); }; });

  auto* submit = app.add_subcommand("submit", "more URLs for a running crawl");
  AddAdmin(*submit, choice);
  submit->add_option("files", submit_options.files, "URL lists; - or none: stdin")
      ->type_name("FILE");
  submit->add_flag("--sitemaps", submit_options.sitemaps, "they are the URLs of sitemaps");
  AddFormat(*submit, submit_options.format);
  submit->callback([&] { command = [] { return service::SubmitUrls(choice, submit_options); }; });

  constexpr std::pair<const char*, const char*> kOrders[] = {
      {"pause", "pause a running crawl, a host or a domain"},
      {"resume", "end a pause"},
      {"block", "block a host or a domain, as long as nobody unblocks it"},
      {"unblock", "end a block"}};
  for (const auto& [order, what] : kOrders) {
    auto* steer = app.add_subcommand(order, what);
    AddAdmin(*steer, choice);
    auto* host = steer->add_option("--host", steer_options.host, "one host");
    steer->add_option("--domain", steer_options.domain, "a name and all below it")->excludes(host);
    steer->add_option("--why", steer_options.why, "for the log, and for who asks later");
    AddFormat(*steer, steer_options.format);
    steer->callback([&command, order = order] {
      command = [order] { return service::SteerCrawl(choice, order, steer_options); };
    });
  }

  auto* reload = app.add_subcommand("reload", "a running crawl takes up its changed config");
  AddAdmin(*reload, choice);
  AddFormat(*reload, format);
  reload->callback([&] { command = [] { return service::ReloadConfig(choice, format); }; });

  auto* log_level = app.add_subcommand("log-level", "tells or sets a running crawl's log level");
  AddAdmin(*log_level, choice);
  log_level->add_option("level", level, "what is logged: this and worse")
      ->type_name("ENUM:trace|debug|info|warn|error|critical|off");
  log_level->callback([&] { command = [] { return service::SetLogLevel(choice, level); }; });
}

int Main(int argc, char** argv) {
  CLI::App app("crawld: a crawl daemon that loses nothing", "crawld");
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("crawld ") + CRAWLD_VERSION);
  std::function<int()> command;
  namespace service = crawld::service;
  std::filesystem::path config;

  bool once = false;
  auto* run = app.add_subcommand("run", "crawl, as a daemon or once");
  AddConfig(*run, config);
  run->add_flag("--once", once, "end when nothing is left to fetch");
  run->callback([&] { command = [&] { return service::RunCrawl(config, once); }; });

  service::CheckOptions check_options;
  auto* check = app.add_subcommand("check", "validate a config: every error with line and column");
  AddConfig(*check, config);
  check->add_flag("--strict", check_options.strict, "fail if there is a warning");
  check
      ->add_option("--accept", check_options.accepted,
                   "no warnings about this key; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY");
  check->callback([&] { command = [&] { return service::CheckConfig(config, check_options); }; });

  auto schema_form = service::SchemaForm::kJsonSchema;
  auto* schema = app.add_subcommand("schema", "every key of a config, as JSON Schema for editors");
  schema
      ->add_option("--as", schema_form,
                   "json-schema, example (YAML), table or warnings (Markdown), man (mdoc)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, service::SchemaForm>{
                                              {"json-schema", service::SchemaForm::kJsonSchema},
                                              {"example", service::SchemaForm::kExample},
                                              {"table", service::SchemaForm::kTable},
                                              {"warnings", service::SchemaForm::kWarnings},
                                              {"man", service::SchemaForm::kManPage}})
                      .description("json-schema|example|table|warnings|man"));
  schema->callback([&] { command = [&] { return service::PrintSchema(schema_form); }; });

  AddOperating(app, command);

  std::string url;
  auto* fetch = app.add_subcommand("fetch", "one URL through the real fetcher and parser, as JSON");
  fetch->add_option("url", url, "what to fetch")->required();
  AddConfig(*fetch, config, false);
  fetch->callback([&, fetch] {
    const bool given = fetch->count("--config") > 0;
    command = [&, given] {
      return service::FetchOne(url, given ? std::optional(config) : std::nullopt);
    };
  });

  auto* frontier = app.add_subcommand("frontier", "what the frontier knows; also while crawling");
  frontier->require_subcommand(1);
  Format format = Format::kText;
  auto* stats = frontier->add_subcommand("stats", "counts by state and reason");
  AddConfig(*stats, config);
  AddFormat(*stats, format);
  stats->callback([&] { command = [&] { return service::FrontierStats(config, format); }; });
  uint64_t limit = 0;
  auto* list = frontier->add_subcommand("list", "hosts with their counts");
  AddConfig(*list, config);
  list->add_option("--limit", limit, "so many hosts; 0: all");
  list->callback([&] { command = [&] { return service::FrontierList(config, limit); }; });
  auto* dump = frontier->add_subcommand("export", "every URL ever found, a JSON object a line");
  AddConfig(*dump, config);
  dump->callback([&] { command = [&] { return service::FrontierExport(config); }; });
  std::string explained;
  auto* explain =
      frontier->add_subcommand("explain", "what has become of a URL, and what holds it back");
  explain->add_option("url", explained, "the URL")->required();
  AddConfig(*explain, config);
  AddFormat(*explain, format);
  explain->callback(
      [&] { command = [&] { return service::FrontierExplain(config, explained, format); }; });

  std::string base;
  auto* url_tool = app.add_subcommand("url", "references on stdin: canonical URLs");
  url_tool->add_option("--base", base, "resolve against this URL");
  url_tool->callback([&, url_tool] {
    const bool given = url_tool->count("--base") > 0;
    command = [&, given] { return service::UrlTool(given ? std::optional(base) : std::nullopt); };
  });
  std::string charset;
  auto* links = app.add_subcommand("links", "HTML on stdin: its links");
  links->add_option("--base", base, "the page's URL")->required();
  links->add_option("--charset", charset, "charset parameter of its Content-Type");
  bool resources = false;
  links->add_flag("--resources", resources, "images, scripts, styles and media too");
  links->callback([&] { command = [&] { return service::LinksTool(base, charset, resources); }; });
  service::RobotsToolOptions robots_options;
  std::filesystem::path urls_from;
  auto* robots = app.add_subcommand("robots", "robots.txt on stdin: allow or disallow");
  robots->add_option("--agent", robots_options.agent, "product token of the crawler")->required();
  robots->add_option("--url", url, "the URL to judge");
  robots->add_option("--urls-from", urls_from, "a file of URLs to judge, one a line")
      ->type_name("FILE");
  robots->add_flag("--list", robots_options.list, "crawl delay and sitemaps as JSON");
  robots->callback([&, robots] {
    if (robots->count("--url") > 0) robots_options.url = url;
    if (robots->count("--urls-from") > 0) robots_options.urls_from = urls_from;
    command = [&] { return service::RobotsTool(robots_options); };
  });
  auto* sitemap =
      app.add_subcommand("sitemap", "sitemap on stdin: 'url<TAB>LOC', 'sitemap<TAB>LOC'");
  sitemap->add_option("--url", url, "where it came from");
  sitemap->callback([&, sitemap] {
    const bool given = sitemap->count("--url") > 0;
    command = [&, given] {
      return service::SitemapTool(given ? std::optional(url) : std::nullopt);
    };
  });
  std::string content_type;
  auto* charset_tool =
      app.add_subcommand("charset", "bytes on stdin: their encoding's WHATWG name");
  charset_tool->add_option("--content-type", content_type, "the Content-Type header");
  charset_tool->callback([&] { command = [&] { return service::CharsetTool(content_type); }; });

  service::EvolutionOptions evolution_options;
  std::string fetch_delay = "0";
  std::string parse_delay = "0";
  auto* evolution =
      app.add_subcommand("evolution", "the four stages of a crawler, timed side by side");
  evolution->add_option("--urls", evolution_options.urls, "a file of URLs, one a line")
      ->required()
      ->check(CLI::ExistingFile)
      ->type_name("FILE");
  evolution->add_option("--workers", evolution_options.workers, "threads of the fetching pool")
      ->check(CLI::Range(1, 256));
  AddFormat(*evolution, evolution_options.format);
  const auto duration = CLI::Validator(
      [](std::string& text) {
        const auto parsed = crawld::config::ParseDuration(text);
        return parsed ? std::string() : parsed.error().message;
      },
      "DURATION");
  evolution->add_option("--fetch-delay", fetch_delay, "added to each fetch (500ms)")
      ->check(duration);
  evolution->add_option("--parse-delay", parse_delay, "added to each parse (200ms)")
      ->check(duration);
  evolution->add_flag("--parse-busy", evolution_options.parse_busy,
                      "the parse delay computes instead of sleeping");
  evolution->add_option("--ca", evolution_options.ca_file, "certificates to trust, as PEM")
      ->type_name("FILE");
  evolution->callback([&] {
    evolution_options.fetch_delay = *crawld::config::ParseDuration(fetch_delay);
    evolution_options.parse_delay = *crawld::config::ParseDuration(parse_delay);
    command = [&] { return service::Evolution(evolution_options); };
  });

  // Last, so that commands do not inherit it.
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? service::kExitDone : service::kExitUsage;
  }
  const int code = command();
  // What was printed may not have arrived: a full disk, a closed pipe.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fmt::print(stderr, "crawld: the output could not be written whole: {}\n",
               std::generic_category().message(errno));
    return code == service::kExitDone ? service::kExitFailed : code;
  }
  return code;
}

}  // namespace

// Who starts us with one of these closed would have the next file that is opened in its place.
void OpenStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd) std::abort();
  }
}

int main(int argc, char** argv) {
  OpenStandardDescriptors();
  try {
    return Main(argc, argv);
  } catch (const crawld::config::ConfigError& e) {
    fmt::print(stderr, "{}\n", e.what());
    return crawld::service::kExitUsage;
  } catch (const crawld::service::UsageError& e) {
    fmt::print(stderr, "crawld: {}\n", e.what());
    return crawld::service::kExitUsage;
  } catch (const std::exception& e) {
    spdlog::default_logger()->flush();
    fmt::print(stderr, "crawld: {}\n", e.what());
    return crawld::service::kExitFailed;
  }
}
