// Transfer: one fetch on its way, from Submit() to its promise. Internal to the room.
//
// Belongs to its loop's thread once it is taken in. libcurl has a pointer to it (CURLOPT_PRIVATE
// and the callbacks' data) from Launch() to Finish().
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "concurrency/future.h"
#include "fetcher/address_guard.h"
#include "fetcher/fetch.h"
#include "fetcher/loop.h"

namespace crawld::fetcher {

struct Fetcher::Loop::Transfer {
  Transfer(Loop* l, FetchRequest r, concurrency::Promise<FetchResult> p)
      : loop(l), request(std::move(r)), promise(std::move(p)) {}
  ~Transfer() { curl_slist_free_all(addresses); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Loop* const loop;
  CURL* easy = nullptr;
  curl_slist* addresses = nullptr;  // of its host, as CURLOPT_RESOLVE wants them
  FetchRequest request;
  concurrency::Promise<FetchResult> promise;
  FetchResult result;
  uint64_t max_body = 0;
  Clock::time_point begun;
  Clock::time_point last_progress;
  // What the guard said of the addresses that the name has.
  std::optional<AddressKind> refused;
  std::string refused_ip;
  bool connecting = false;  // to one that it did not refuse
  bool sent = false;        // the request is on its way
  bool died = false;        // and the connection broke, so that libcurl would send it once more
  bool answering = false;   // a final response's head is complete
  bool head_open = false;   // inside a head: between a status line and its empty line
  uint64_t head_bytes = 0;  // interim responses included
  std::optional<FetchError> ended_by_us;
};

}  // namespace crawld::fetcher
