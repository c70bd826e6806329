// frontier_scale: memory and speed of a frontier that is far larger than its memory.
//
//   frontier_scale [--urls 10000000] [--hosts 100000] [--fetch 1000000] [--dir DIR] [--max-rss MIB]
//
// Fills a frontier with URLs spread over hosts, leases and commits some of them, restarts it, and
// prints one JSON line. With --max-rss it exits 1 if the peak was higher. Whole-process figures; a
// number in a document names the command, the machine and the day.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "frontier/frontier.h"

namespace {

using crawld::Millis;
using crawld::WallTime;
namespace frontier = crawld::frontier;

double PeakMib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint64_t Argument(int argc, char** argv, const char* name, uint64_t fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return std::strtoull(argv[i + 1], nullptr, 10);
  }
  return fallback;
}

frontier::FrontierOptions Options() {
  frontier::FrontierOptions options;  // the defaults of a crawl, but for robots and the delay
  options.scheduler.politeness.robots = false;
  options.scheduler.politeness.delay = Millis(0);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t urls = Argument(argc, argv, "--urls", 10'000'000);
  const uint64_t hosts = Argument(argc, argv, "--hosts", 100'000);
  const uint64_t fetch = Argument(argc, argv, "--fetch", 1'000'000);
  const uint64_t max_rss = Argument(argc, argv, "--max-rss", 0);
  std::filesystem::path dir = std::filesystem::temp_directory_path() / "crawld-frontier-scale";
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--dir") == 0) dir = argv[i + 1];
  }
  std::filesystem::remove_all(dir);
  WallTime now(Millis(1'700'000'000'000));

  auto crawl = std::make_unique<frontier::Frontier>(dir, Options());
  constexpr uint64_t kGroup = 20'000;
  double cpu = CpuSeconds();
  uint64_t state = 1;
  for (uint64_t made = 0; made < urls;) {
    frontier::CommitGroup group;
    for (uint64_t i = 0; i < kGroup && made < urls; ++i, ++made) {
      // The first round makes the hosts, later ones hit them in no order.
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      const uint64_t host = made < hosts ? made : (state >> 20) % hosts;
      const std::string url = "http://host-" + std::to_string(host) + ".example/section/" +
                              std::to_string(made % 97) + "/page-" + std::to_string(made) + ".html";
      group.seeds.push_back(crawl->scope().JudgeSeed(*crawld::web::Url::Parse(url)));
    }
    now += Millis(1);
    crawl->Commit(std::move(group), now);
  }
  const double fill_cpu = CpuSeconds() - cpu;
  const double fill_peak = PeakMib();

  cpu = CpuSeconds();
  uint64_t fetched = 0;
  uint64_t idle = 0;
  while (fetched < fetch && idle < 1000) {
    frontier::CommitGroup group;
    while (group.completions.size() < 512) {
      frontier::Decision decision = crawl->Next(now);
      auto* task = std::get_if<frontier::Task>(&decision);
      if (task == nullptr) break;
      crawl->Release(*task, {.when = now});
      frontier::Completion completion;
      completion.task = std::move(*task);
      completion.status = 200;
      group.completions.push_back(std::move(completion));
    }
    idle = group.completions.empty() ? idle + 1 : 0;
    fetched += group.completions.size();
    now += Millis(100);
    crawl->Commit(std::move(group), now);
  }
  const double fetch_cpu = CpuSeconds() - cpu;
  const frontier::FrontierStats stats = crawl->stats();
  crawl.reset();

  const auto began = std::chrono::steady_clock::now();
  crawl = std::make_unique<frontier::Frontier>(dir, Options());
  const bool leased = std::holds_alternative<frontier::Task>(crawl->Next(now));
  const double restart =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  crawl.reset();

  uint64_t disk = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) disk += entry.file_size();
  }
  std::filesystem::remove_all(dir);
  std::printf(
      "{\"urls\":%llu,\"hosts\":%llu,\"fetched\":%llu,\"peak_rss_mib\":%.1f,"
      "\"peak_rss_after_fill_mib\":%.1f,\"fill_us_per_url\":%.2f,\"fetch_us_per_url\":%.2f,"
      "\"restart_to_first_lease_s\":%.3f,\"disk_mib\":%.1f,\"resident_hosts\":%zu}\n",
      static_cast<unsigned long long>(stats.counters.seen()),
      static_cast<unsigned long long>(stats.counters.hosts),
      static_cast<unsigned long long>(fetched), PeakMib(), fill_peak,
      fill_cpu * 1e6 / static_cast<double>(urls),
      fetched == 0 ? 0 : fetch_cpu * 1e6 / static_cast<double>(fetched), restart,
      static_cast<double>(disk) / (1 << 20), stats.scheduler.resident_hosts);
  const bool too_much = max_rss != 0 && PeakMib() > static_cast<double>(max_rss);
  if (too_much)
    std::fprintf(stderr, "peak memory is above %llu MiB\n",
                 static_cast<unsigned long long>(max_rss));
  return leased && fetched >= fetch && !too_much ? 0 : 1;
}
