#include "service/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "base/readable.h"
#include "service/commands.h"

namespace crawld::service {

void PrintSummary(const config::Config& config, pipeline::Pipeline::End end,
                  const pipeline::Snapshot& last, std::chrono::steady_clock::duration took) {
  const frontier::Counters& counters = last.frontier.counters;
  const auto count = [&](frontier::UrlState state) {
    return counters.by_state[static_cast<int>(state)];
  };
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 0.001);
  const char* how = end == pipeline::Pipeline::End::kDrained   ? "complete"
                    : end == pipeline::Pipeline::End::kStopped ? "stopped"
                                                               : "failed";
  std::string text =
      fmt::format("crawl '{}' {}: {} pages in {} ({:.1f}/s), {} fetched\n", config.name, how,
                  Thousands(last.pipeline.pages),
                  Duration(std::chrono::duration_cast<std::chrono::seconds>(took)),
                  static_cast<double>(last.pipeline.pages) / seconds, Bytes(last.pipeline.bytes));
  text += fmt::format("  URLs       {} seen: {} done, {} failed, {} queued, {} to be tried again\n",
                      Thousands(counters.seen()), Thousands(count(frontier::UrlState::kDone)),
                      Thousands(count(frontier::UrlState::kFailed)),
                      Thousands(count(frontier::UrlState::kQueued)),
                      Thousands(count(frontier::UrlState::kLater)));
  std::string reasons;
  for (int i = 0; i < frontier::kVerdicts; ++i) {
    if (counters.excluded[i] == 0) continue;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", Thousands(counters.excluded[i]),
                           frontier::Name(static_cast<frontier::Verdict>(i)));
  }
  text += fmt::format("  excluded   {}{}\n", Thousands(count(frontier::UrlState::kExcluded)),
                      reasons.empty() ? "" : ": " + reasons);
  if (last.frontier.origins_held > 0) {
    text +=
        fmt::format("  held       {}: origins whose robots.txt cannot be had; the log names them\n",
                    Thousands(last.frontier.origins_held));
  }
  if (last.frontier.parked_urls > 0) {
    text += fmt::format(
        "  parked     {} URLs of hosts that do not answer or are blocked; the next run looks at "
        "them again\n",
        Thousands(last.frontier.parked_urls));
  }
  const fetcher::FetcherStats& fetcher = last.fetcher;
  text += fmt::format(
      "  network    {} connections, {} fetches on one that was there; {} names looked up, {} known"
      ", {} not found\n",
      Thousands(fetcher.connections), Thousands(fetcher.reused), Thousands(fetcher.dns_lookups),
      Thousands(fetcher.dns_hits + fetcher.dns_joined), Thousands(fetcher.dns_failures));
  if (fetcher.tls_handshakes > 0) {
    text += fmt::format("  TLS        {} handshakes, {} of them resumed a session\n",
                        Thousands(fetcher.tls_handshakes), Thousands(fetcher.tls_resumed));
  }
  const std::string dir = config.data_dir.string();
  if (config.archive.warc)
    text += fmt::format("  archive    {}/warc/*.warc.gz, index {}/index.cdxj\n", dir, dir);
  if (config.archive.pages) text += fmt::format("  pages      {}/pages/*.jsonl\n", dir);
  if (config.archive.crawl_log) text += fmt::format("  crawl log  {}/crawl.log\n", dir);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int ExitCodeOf(const config::Config& config, bool once, pipeline::Pipeline::End end,
               const pipeline::Snapshot& last) {
  const auto& states = last.frontier.counters.by_state;
  const uint64_t unreachable =
      last.frontier.counters.excluded[static_cast<int>(frontier::Verdict::kRobotsUnreachable)];
  const bool nothing_came = states[static_cast<int>(frontier::UrlState::kDone)] == 0 &&
                            states[static_cast<int>(frontier::UrlState::kFailed)] + unreachable +
                                    last.frontier.parked_urls >
                                0;
  if (!once || end != pipeline::Pipeline::End::kDrained) return kExitDone;
  if (last.frontier.counters.seen() == 0) {
    fmt::print(stderr,
               "crawld: nothing to crawl: no seed of {} can be used; the log names each bad line\n",
               config.origin);
    return kExitFailed;
  }
  return nothing_came ? kExitFailed : kExitDone;
}

}  // namespace crawld::service
