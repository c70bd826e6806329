// `crawld evolution`: how a crawler grew. The same URLs, fetcher and parser, four ways to put them
// together.
//
//   1 one by one           fetch, wait, parse, next
//   2 fetch all            all fetches submitted to the pool; parsed serially after the last
//   3 parse in the worker  each worker of the pool fetches and parses
//   4 pipeline             done-callbacks put pages into a bounded queue; parser workers take them
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "concurrency/bounded_queue.h"
#include "concurrency/event.h"
#include "concurrency/thread_pool.h"
#include "concurrency/threads.h"
#include "fetcher/fetcher.h"
#include "logs/logging.h"
#include "parser/html_parser.h"
#include "pipeline/answer.h"
#include "service/commands.h"
#include "web/media_type.h"

namespace crawld::service {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr size_t kMaxUrls = 1'000'000;
constexpr int kBarWidth = 40;

// CPU time of the calling thread.
std::chrono::nanoseconds ThreadTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::vector<web::Url> ReadUrls(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw FatalError(fmt::format("cannot read {}", path.string()));
  std::vector<web::Url> urls;
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    auto url = web::Url::Parse(line);
    if (!url || !url->IsHttp()) {
      throw FatalError(
          fmt::format("{}:{}: '{}' is no http or https URL", path.string(), number, line));
    }
    if (urls.size() == kMaxUrls) {
      throw FatalError(fmt::format("{}: more than {} URLs", path.string(), kMaxUrls));
    }
    urls.push_back(*std::move(url));
  }
  if (urls.empty()) throw FatalError(fmt::format("{} has no URLs", path.string()));
  return urls;
}

struct FetchedPage {
  web::Url url;
  fetcher::FetchResult result;
};

// What a stage shares with the others: the same fetcher, the same parser, the same delays.
class Bench {
 public:
  explicit Bench(const EvolutionOptions& options, std::vector<web::Url> urls)
      : options_(options), urls_(std::move(urls)), fetcher_(FetcherOptions(options)) {}

  const std::vector<web::Url>& urls() const { return urls_; }

  // Runs in a worker of the pool, which waits for its fetch as the textbook's does.
  FetchedPage Fetch(const web::Url& url) {
    fetcher::FetchRequest request;
    request.url = url;
    request.pin = std::hash<std::string_view>()(url.host());
    FetchedPage page{url, fetcher_.Submit(std::move(request)).Take()};
    never_.WaitFor(options_.fetch_delay);
    return page;
  }

  void Parse(FetchedPage page) {
    const pipeline::Answer answer = pipeline::ReadAnswer(page.result, page.url, {});
    if (const auto body = pipeline::DecodeAnswer(page.result, answer, {})) {
      if (web::IsHtml(answer.media_type)) {
        thread_local parser::HtmlParser html;
        const auto parsed = html.Parse(body->bytes, answer.charset, page.url, {});
        if (parsed) links_.fetch_add(parsed->links.size());
      }
    }
    if (options_.parse_busy) {
      const auto end = ThreadTime() + options_.parse_delay;
      while (ThreadTime() < end) {
      }
    } else {
      never_.WaitFor(options_.parse_delay);
    }
    if (page.result.error) failed_.fetch_add(1);
    const std::lock_guard lock(mutex_);
    ++parsed_;
    if (!first_) first_ = SteadyClock::now();
  }

  void Begin() {
    const std::lock_guard lock(mutex_);
    parsed_ = 0;
    first_.reset();
    links_ = 0;
    failed_ = 0;
    began_ = SteadyClock::now();
  }
  double Seconds() const {
    return std::chrono::duration<double>(SteadyClock::now() - began_).count();
  }
  double FirstSeconds() const {
    const std::lock_guard lock(mutex_);
    return first_ ? std::chrono::duration<double>(*first_ - began_).count() : 0;
  }
  size_t parsed() const {
    const std::lock_guard lock(mutex_);
    return parsed_;
  }
  uint64_t failed() const { return failed_.load(); }
  uint64_t links() const { return links_.load(); }
  uint32_t workers() const { return options_.workers; }

 private:
  static fetcher::FetcherOptions FetcherOptions(const EvolutionOptions& options) {
    fetcher::FetcherOptions fetcher_options;
    fetcher_options.allow_addresses = fetcher::AllAddresses();
    fetcher_options.user_agent = fmt::format("crawld/{} (evolution)", CRAWLD_VERSION);
    fetcher_options.ca_file = options.ca_file;
    return fetcher_options;
  }

  const EvolutionOptions& options_;
  const std::vector<web::Url> urls_;
  fetcher::Fetcher fetcher_;
  const concurrency::Event never_;  // nobody sets it: a wait for it is a delay
  mutable std::mutex mutex_;
  size_t parsed_ = 0;
  std::optional<SteadyClock::time_point> first_;
  SteadyClock::time_point began_;
  std::atomic<uint64_t> links_ = 0;
  std::atomic<uint64_t> failed_ = 0;
};

concurrency::ThreadPoolOptions PoolOf(const Bench& bench) {
  concurrency::ThreadPoolOptions options;
  options.name = "evolve";
  options.threads = bench.workers();
  options.max_queued = 0;
  return options;
}

void OneByOne(Bench& bench) {
  concurrency::ThreadPool pool(PoolOf(bench));
  for (const web::Url& url : bench.urls()) {
    bench.Parse(pool.Submit([&] { return bench.Fetch(url); }).Take());
  }
}

void FetchAllThenParse(Bench& bench) {
  concurrency::ThreadPool pool(PoolOf(bench));
  std::vector<concurrency::Future<FetchedPage>> fetches;
  for (const web::Url& url : bench.urls()) {
    fetches.push_back(pool.Submit([&] { return bench.Fetch(url); }));
  }
  for (const auto& fetch : fetches) fetch.Wait();
  for (const auto& fetch : fetches) bench.Parse(fetch.Take());
}

void ParseInTheWorker(Bench& bench) {
  concurrency::ThreadPool pool(PoolOf(bench));
  std::vector<concurrency::Future<void>> tasks;
  for (const web::Url& url : bench.urls()) {
    tasks.push_back(pool.Submit([&] { bench.Parse(bench.Fetch(url)); }));
  }
  for (const auto& task : tasks) task.Take();
}

void CallbacksIntoTheQueue(Bench& bench) {
  const uint32_t parsers = std::max(2U, std::thread::hardware_concurrency());
  concurrency::BoundedQueue<FetchedPage> queue(2 * bench.workers() + parsers);
  std::vector<concurrency::NamedThread> workers;
  for (uint32_t i = 0; i < parsers; ++i) {
    workers.emplace_back("parse-" + std::to_string(i), [&] {
      while (auto page = queue.Get()) bench.Parse(*std::move(page));
    });
  }
  {
    concurrency::ThreadPool pool(PoolOf(bench));
    for (const web::Url& url : bench.urls()) {
      auto slot = queue.Reserve();  // back-pressure: a page has its place before it is fetched
      pool.Submit([&] { return bench.Fetch(url); })
          .AddDoneCallback([&queue, place = std::move(*slot)](auto& fetched) mutable {
            queue.Put(std::move(place), fetched.Take());
          });
    }
  }
  queue.Close();
  for (auto& worker : workers) worker.Join();
}

struct Stage {
  const char* name;
  void (*run)(Bench&);
  double wall = 0;
  double first = 0;
};

}  // namespace

int Evolution(const EvolutionOptions& options) {
  logs::SetUpToolLogging();
  Bench bench(options, ReadUrls(options.urls));
  const size_t pages = bench.urls().size();
  // Connections and caches as warm for the first stage as for the last.
  bench.Fetch(bench.urls().front());
  std::vector<Stage> stages = {{"one by one", &OneByOne},
                               {"fetch all, then parse", &FetchAllThenParse},
                               {"parse in the worker", &ParseInTheWorker},
                               {"callbacks into a queue", &CallbacksIntoTheQueue}};
  uint64_t failed = 0;
  for (Stage& stage : stages) {
    bench.Begin();
    stage.run(bench);
    stage.wall = bench.Seconds();
    stage.first = bench.FirstSeconds();
    failed = std::max(failed, bench.failed());
    if (bench.parsed() != pages) throw FatalError("a stage has lost a page");
  }
  if (options.format == Format::kJson) {
    boost::json::array list;
    for (const Stage& stage : stages) {
      list.push_back(boost::json::object{{"name", stage.name},
                                         {"wall_s", stage.wall},
                                         {"pages_per_s", static_cast<double>(pages) / stage.wall},
                                         {"first_page_s", stage.first}});
    }
    fmt::print("{}\n", boost::json::serialize(boost::json::object{{"pages", pages},
                                                                  {"failed", failed},
                                                                  {"workers", options.workers},
                                                                  {"stages", std::move(list)}}));
  } else {
    double slowest = 0;
    for (const Stage& stage : stages) slowest = std::max(slowest, stage.wall);
    fmt::print("{} URLs, {} workers, {} failed\n\n", pages, options.workers, failed);
    fmt::print("{:<26}{:>9}{:>11}{:>13}\n", "stage", "wall s", "pages/s", "first page s");
    int number = 0;
    for (const Stage& stage : stages) {
      const auto bar = static_cast<size_t>(std::max(1.0, kBarWidth * stage.wall / slowest));
      fmt::print("{} {:<24}{:>9.3f}{:>11.1f}{:>13.3f}  {}\n", ++number, stage.name, stage.wall,
                 static_cast<double>(pages) / stage.wall, stage.first, std::string(bar, '#'));
    }
  }
  return failed == 0 ? kExitDone : kExitFailed;
}

}  // namespace crawld::service
