// CookieJar: the cookies of a crawl, shared by all loops, and kept in a file. Internal to the room.
//
// libcurl keeps and sends them (RFC 6265; none for public suffixes); here is what it lacks: a bound
// and a file that is whole or not there. The file is Netscape's, as libcurl and browsers' tools
// read it, for its owner's eyes alone.
//
// Thread safety: all members, from any thread. It must outlive the handles that share it.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/mutex.h"

namespace crawld::fetcher {

class CookieJar {
 public:
  static constexpr uint64_t kMaxCookies = 10'000;

  // Reads `file`, if it is there, as far as there is room; one that is broken is a warning, and the
  // jar is empty. An empty
  // name: nothing is kept. Throws FatalError when libcurl refuses.
  explicit CookieJar(std::filesystem::path file, uint64_t max_cookies = kMaxCookies);
  ~CookieJar();
  CookieJar(const CookieJar&) = delete;
  CookieJar& operator=(const CookieJar&) = delete;

  // For CURLOPT_SHARE.
  CURLSH* share() const { return share_; }
  // An answer has set one.
  void NoteCookie() { noted_.fetch_add(1, std::memory_order_relaxed); }
  // Looks at the number when it may be too large, and then drops what is only for a session, or, if
  // that does not help, everything. Cost: mostly none; else all cookies once.
  void Trim();
  // Writes the file if there is news: first another one, then its name. A disk that says no is
  // logged, and asked again the next time.
  void Save();
  uint64_t Count();

 private:
  static void OnLock(CURL*, curl_lock_data, curl_lock_access, void* jar);
  static void OnUnlock(CURL*, curl_lock_data, void* jar);
  void Read();
  void Command(const char* what);  // of CURLOPT_COOKIELIST
  std::string Text();              // of all cookies, a line each

  // Constant after construction.
  const std::filesystem::path file_;
  const uint64_t max_cookies_;
  CURLSH* share_ = nullptr;

  // Nothing is ordered by them.
  std::atomic<uint64_t> noted_ = 0;  // answers' cookies, so far
  std::atomic<uint64_t> recount_at_ = 0;
  std::atomic<bool> full_logged_ = false;

  Mutex cookies_mutex_;  // libcurl's, around the cookies themselves
  Mutex mutex_;
  CURL* easy_ GUARDED_BY(mutex_) = nullptr;  // our own hands on the jar

  Mutex file_mutex_;  // one writes at a time; it is held while the disk is waited for
  uint64_t saved_ GUARDED_BY(file_mutex_) = 0;  // of noted_: is in the file
};

}  // namespace crawld::fetcher
