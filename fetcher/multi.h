// Multi: one of a loop's libcurl multi handles. Internal to the room; the loop's thread's own.
//
// A loop has several, because libcurl goes through a list of all hosts that it has connections to
// when it closes one, and through a 97th of them when it looks for one; with some thousand hosts
// that is the larger part of what a fetch costs. A host always goes by the same of them.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "fetcher/loop.h"

namespace crawld::fetcher {

struct Fetcher::Loop::Multi {
  // Throws FatalError: no memory, or no file descriptors.
  Multi(Loop* loop, const FetcherOptions& options);
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  Loop* const loop;
  CURLM* const handle;
  Clock::time_point due = Clock::time_point::max();  // when libcurl wants to be called
  std::unordered_map<std::string, size_t> names;     // "host:port" that it has; their transfers
  std::vector<std::string> unneeded;                 // that it still has
  size_t kept = 0;                                   // connections
};

}  // namespace crawld::fetcher
