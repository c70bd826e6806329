// Advice about what the machine can carry, and about what has no end.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "config/advice_rules.h"
#include "config/fit.h"
#include "config/suggest.h"
#include "config/units.h"

namespace crawld::config {
namespace {

using std::chrono::seconds;

constexpr uint64_t kMiB = 1ULL << 20;
constexpr uint64_t kGiB = 1ULL << 30;

// For a person: in whole MiB, or GiB where that says enough.
std::string Roughly(uint64_t bytes) {
  const uint64_t unit = bytes >= 16 * kGiB ? kGiB : kMiB;
  return FormatSize((bytes + unit - 1) / unit * unit);
}

// --- memory, descriptors, cores

uint64_t MayHave(const Adviser& adviser) {
  const uint64_t machine = adviser.machine.memory_bytes;
  return std::min(adviser.config.resources.max_memory_bytes.value_or(machine), machine);
}

void LookAtBudget(Adviser& adviser) {
  if (adviser.machine.memory_bytes == 0 || !adviser.Chosen("fetcher.memory_budget")) return;
  const uint64_t fitted = FittedMemoryBudget(adviser.config, MayHave(adviser));
  if (fitted == adviser.config.fetcher.memory_budget_bytes) return;
  adviser.Say("fetcher.memory_budget", "is more than an eighth of the " +
                                           Roughly(MayHave(adviser)) +
                                           " that the process may have, so that a start makes it " +
                                           Roughly(fitted) + "; give no more, or more memory");
}

// docs/architecture.md, "Back-pressure and memory", has what each may hold at worst.
void LookAtMemory(Adviser& adviser) {
  constexpr uint64_t kProgram = 64 * kMiB;
  constexpr uint64_t kTree = 64 * kMiB;
  constexpr uint64_t kHost = 8ULL << 10;  // with 32 URLs of an origin
  const Machine& machine = adviser.machine;
  const Config& config = adviser.config;
  if (machine.memory_bytes == 0) return;
  const uint64_t may_have = MayHave(adviser);
  const uint64_t workers = FittedParserThreads(config, may_have, machine.cores);
  std::array<std::pair<const char*, uint64_t>, 5> parts = {{
      {"fetcher.memory_budget", FittedMemoryBudget(config, may_have) +
                                    config.fetcher.threads * config.fetcher.max_body_bytes},
      {"frontier.cache", std::max(config.frontier.cache_bytes, config.frontier.write_buffer_bytes)},
      {"frontier.seen_cache", config.frontier.seen_cache_bytes},
      {"frontier.hosts_in_memory", config.frontier.hosts_in_memory * kHost},
      {"parser.threads", workers * (config.parser.max_body_bytes + kTree)},
  }};
  uint64_t sum = kProgram;
  for (const auto& part : parts) sum += part.second;
  const uint64_t own_limit = config.resources.max_memory_bytes.value_or(machine.memory_bytes);
  const bool own_is_less = own_limit < machine.memory_bytes;
  const uint64_t limit = own_is_less ? own_limit : machine.memory_bytes;
  if (sum <= limit) return;
  std::ranges::stable_sort(parts, std::greater<>(), [](const auto& part) { return part.second; });
  std::string list;
  for (const auto& [key, bytes] : parts) {
    if (bytes < sum / 20) break;
    list += (list.empty() ? "" : ", ") + Roughly(bytes) + " for " + key;
  }
  adviser.Say(
      parts[0].first,
      "the crawl may need " + Roughly(sum) + " (" + list + "), and " +
          (own_is_less ? "resources.max_memory allows" : machine.memory_limit) + ' ' +
          Roughly(limit) +
          ": it will wait for memory again and again, and the kernel may end it; lower this");
}

void LookAtMaxMemory(Adviser& adviser) {
  const auto& most = adviser.config.resources.max_memory_bytes;
  const Machine& machine = adviser.machine;
  if (!most || machine.memory_bytes == 0 || *most <= machine.memory_bytes) return;
  adviser.Say("resources.max_memory", "is " + FormatSize(*most) + ", and " + machine.memory_limit +
                                          ' ' + Roughly(machine.memory_bytes) +
                                          ": the kernel may end the crawl before it has begun to "
                                          "wait for memory; give less, or null");
}

void LookAtDescriptors(Adviser& adviser) {
  const Machine& machine = adviser.machine;
  if (machine.max_descriptors == 0 || machine.needed_descriptors <= machine.max_descriptors) return;
  const Fetcher& fetcher = adviser.config.fetcher;
  adviser.Say(
      fetcher.concurrency > fetcher.max_slow ? "fetcher.concurrency" : "fetcher.max_slow",
      "with this the crawl may need " + std::to_string(machine.needed_descriptors) +
          " file descriptors, and a process may open " + std::to_string(machine.max_descriptors) +
          " here: fewer hosts that do not answer are waited for, and fewer connections kept; "
          "raise LimitNOFILE (systemd) or `ulimit -n`, or lower this");
}

void LookAtThreads(Adviser& adviser) {
  const uint64_t cores = adviser.machine.cores;
  const Config& config = adviser.config;
  if (cores == 0) return;
  const auto has = [&](uint64_t threads) {
    return "is " + std::to_string(threads) + ", and there are " + std::to_string(cores) +
           " cores: ";
  };
  if (config.fetcher.threads > cores) {
    adviser.Say("fetcher.threads",
                has(config.fetcher.threads) +
                    "event loops that wait for a core keep servers waiting; give " +
                    std::to_string(cores) + " or less");
  }
  if (config.parser.threads > 2 * cores) {
    adviser.Say("parser.threads", has(config.parser.threads) +
                                      "more workers parse no faster, and each may hold a page and "
                                      "its tree; give 0, which is one a core");
  }
}

void LookAtHostsInMemory(Adviser& adviser) {
  const Config& config = adviser.config;
  const uint64_t most = config.frontier.hosts_in_memory * config.politeness.concurrency_per_host;
  if (most >= config.fetcher.concurrency) return;
  adviser.Say("frontier.hosts_in_memory",
              "is " + std::to_string(config.frontier.hosts_in_memory) +
                  ", and only hosts in memory are fetched from: no more than " +
                  std::to_string(most) + " of fetcher.concurrency (" +
                  std::to_string(config.fetcher.concurrency) +
                  ") are ever in flight; give as many hosts, and some for their delays");
}

void LookAtWriteBuffer(Adviser& adviser) {
  const Frontier& frontier = adviser.config.frontier;
  if (frontier.write_buffer_bytes < frontier.cache_bytes) return;
  adviser.Say(
      adviser.config.Has("frontier.write_buffer") ? "frontier.write_buffer" : "frontier.cache",
      "the write buffer (" + FormatSize(frontier.write_buffer_bytes) +
          ") is taken from frontier.cache (" + FormatSize(frontier.cache_bytes) +
          "): nothing is left for what is read, and each look at a URL reads the disk; make "
          "the cache twice as large");
}

// --- data_dir

void LookAtDataDir(Adviser& adviser) {
  const std::string& type = adviser.machine.data_dir_file_system;
  const std::string dir = adviser.config.data_dir.lexically_normal().string();
  const auto within = [&](std::string_view folder) {
    return dir.starts_with(folder) && dir.substr(folder.size()).starts_with('/');
  };
  if (type == "tmpfs" || type == "ramfs") {
    adviser.Say("data_dir", "is on a " + type +
                                ", in memory: the crawl is gone at the next boot, and takes memory "
                                "as it grows; give a folder on a disk");
  } else if (type == "overlay") {
    adviser.Say("data_dir",
                "is in a container's own layer, and is gone with the container; give a volume");
  } else if (type == "nfs" || type == "cifs" || type == "9p") {
    adviser.Say("data_dir",
                "is on " + type +
                    ", over a network: each commit waits for it, and whether it has kept "
                    "what it was told to sync is for its server to say; give a folder on "
                    "a disk of this machine");
  } else if (!adviser.own &&
             (within("/tmp") || within("/var/tmp") || within("/run") || within("/dev/shm"))) {
    adviser.Say("data_dir",
                "is where systems clean up, at boot or by age: a crawl that loses a file does not "
                "start again; give a folder that stays, such as /var/lib/crawld/NAME");
  }
  const uint64_t room = adviser.machine.data_dir_free_bytes;
  if (room < adviser.config.resources.min_free_disk_bytes) {
    adviser.Say("data_dir", "has " + Roughly(room) +
                                " of room, less than resources.min_free_disk: nothing is fetched "
                                "until there is more; make room, or give another");
  } else if (room < kGiB) {
    adviser.Say("data_dir", "has " + Roughly(room) +
                                " of room: the crawl will soon wait for more; make room, or give "
                                "another");
  }
}

void LookAtMinFreeDisk(Adviser& adviser) {
  if (adviser.config.resources.min_free_disk_bytes != 0) return;
  adviser.Say(
      "resources.min_free_disk",
      "is 0: the crawl ends with the first write that the disk refuses, where it could wait "
      "for room; give 256MiB");
}

// --- what has no end

void LookAtEnd(Adviser& adviser) {
  const Scope& scope = adviser.config.scope;
  if (scope.mode != ScopeMode::kAny || scope.max_depth) return;
  if (scope.max_pages == 0) {
    adviser.Say(
        "scope.mode",
        "is any, without max_depth and max_pages: the web has no last page, so this ends when "
        "the disk is full; set one of them");
  } else if (scope.max_pages_per_host == 0) {
    adviser.Say(
        "scope.mode",
        "is any, without max_depth and max_pages_per_host: one host with endless pages, such "
        "as a calendar, can use up max_pages; set one of them");
  }
}

// --- commits and stopping

void LookAtInterval(Adviser& adviser) {
  const milliseconds interval = adviser.config.commit.interval;
  if (interval > seconds(5)) {
    adviser.Say("commit.interval",
                "is " + FormatDuration(interval) +
                    ": after a crash, hosts are asked once more for what came since the last "
                    "commit, and links wait as long until they are fetched; give 5s or less");
  } else if (interval < milliseconds(20)) {
    adviser.Say("commit.interval",
                "is " + FormatDuration(interval) +
                    ": a sync for every few pages keeps the disk busy, and the crawl waits for it; "
                    "give 100ms or more");
  }
}

void LookAtGrace(Adviser& adviser) {
  constexpr milliseconds kSystemd = seconds(90);  // its DefaultTimeoutStopSec
  const milliseconds grace = adviser.config.shutdown.grace;
  if (grace < kSystemd) return;
  adviser.Say(
      "shutdown.grace",
      "is " + FormatDuration(grace) +
          ": systemd kills what has not stopped after 90s, unless it is told otherwise; set "
          "TimeoutStopSec to more than this, or give less");
}

void LookAtTimeouts(Adviser& adviser) {
  const Fetcher& fetcher = adviser.config.fetcher;
  std::string longer;
  const auto look = [&](const char* name, milliseconds timeout) {
    if (timeout > fetcher.total_timeout) longer += (longer.empty() ? "" : ", ") + std::string(name);
  };
  look("connect_timeout", fetcher.connect_timeout);
  look("first_byte_timeout", fetcher.first_byte_timeout);
  look("idle_timeout", fetcher.idle_timeout);
  if (longer.empty()) return;
  adviser.Say(
      "fetcher.total_timeout",
      "is " + FormatDuration(fetcher.total_timeout) + ", less than " + longer +
          ": it ends a slow transfer before they can, and the log cannot say what was slow; "
          "give more, or less to them");
}

constexpr AdviceRule kRules[] = {
    {"fetcher.memory_budget, frontier.cache, frontier.seen_cache, frontier.hosts_in_memory, "
     "parser.threads",
     "more in all than the memory of the machine, of the control group of `crawld check`, or of "
     "`resources.max_memory`",
     LookAtMemory},
    {"resources.max_memory", "more than that", LookAtMaxMemory},
    {"fetcher.memory_budget", "more than an eighth of it", LookAtBudget},
    {"fetcher.concurrency, fetcher.max_slow", "more descriptors than a process may open here",
     LookAtDescriptors},
    {"fetcher.threads, parser.threads", "more than cores, more than two a core", LookAtThreads},
    {"frontier.hosts_in_memory", "too few for `fetcher.concurrency`", LookAtHostsInMemory},
    {"frontier.write_buffer, frontier.cache", "a write buffer as large as the cache",
     LookAtWriteBuffer},
    {"data_dir",
     "a file system in memory, of a container or on a network; a folder for temporary files; less "
     "than 1GiB of room",
     LookAtDataDir},
    {"resources.min_free_disk", "0", LookAtMinFreeDisk},
    {"scope.mode", "any, and nothing that ends the crawl", LookAtEnd},
    {"commit.interval", "more than 5s, less than 20ms", LookAtInterval},
    {"shutdown.grace", "90s or more", LookAtGrace},
    {"fetcher.total_timeout", "less than the time-outs within it", LookAtTimeouts},
};

}  // namespace

std::span<const AdviceRule> CapacityRules() { return kRules; }

}  // namespace crawld::config
