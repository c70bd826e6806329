#include "fetcher/cookie_jar.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"

namespace crawld::fetcher {
namespace {

constexpr std::string_view kFirstLine = "# Netscape HTTP Cookie File";
constexpr size_t kMaxLine = 16 << 10;

// Seven fields between tabs. "#HttpOnly_" begins a cookie, another "#" a comment.
bool IsCookieLine(std::string_view line) {
  return std::count(line.begin(), line.end(), '\t') == 6 && line.front() != '\t' &&
         line.find('\0') == line.npos;
}

}  // namespace

CookieJar::CookieJar(std::filesystem::path file, uint64_t max_cookies)
    : file_(std::move(file)), max_cookies_(max_cookies), recount_at_(max_cookies) {
  share_ = curl_share_init();
  const MutexLock lock(mutex_);
  easy_ = curl_easy_init();
  if (share_ == nullptr || easy_ == nullptr) {
    throw FatalError("libcurl gives no cookie jar: out of memory");
  }
  curl_share_setopt(share_, CURLSHOPT_LOCKFUNC, &OnLock);
  curl_share_setopt(share_, CURLSHOPT_UNLOCKFUNC, &OnUnlock);
  curl_share_setopt(share_, CURLSHOPT_USERDATA, this);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
  curl_easy_setopt(easy_, CURLOPT_SHARE, share_);
  curl_easy_setopt(easy_, CURLOPT_COOKIEFILE, "");
  if (!file_.empty()) Read();
}

CookieJar::~CookieJar() {
  {
    const MutexLock lock(mutex_);
    curl_easy_cleanup(easy_);
  }
  curl_share_cleanup(share_);
}

// libcurl locks in one call and unlocks in another, which the analysis cannot follow.
void CookieJar::OnLock(CURL*, curl_lock_data, curl_lock_access,
                       void* jar) NO_THREAD_SAFETY_ANALYSIS {
  static_cast<CookieJar*>(jar)->cookies_mutex_.Lock();
}

void CookieJar::OnUnlock(CURL*, curl_lock_data, void* jar) NO_THREAD_SAFETY_ANALYSIS {
  static_cast<CookieJar*>(jar)->cookies_mutex_.Unlock();
}

void CookieJar::Read() NO_THREAD_SAFETY_ANALYSIS {  // called by the constructor, which has the lock
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return;
  std::ifstream in(file_, std::ios::binary);
  std::vector<std::string> lines;
  std::string line;
  bool sound = std::getline(in, line) && line == kFirstLine;
  while (sound && lines.size() < max_cookies_ && std::getline(in, line)) {
    if (line.empty() || (line.starts_with('#') && !line.starts_with("#HttpOnly_"))) continue;
    sound = line.size() <= kMaxLine && IsCookieLine(line);
    lines.push_back(std::move(line));
  }
  if (!sound || in.bad()) {
    spdlog::warn("{}: is no file of cookies, or a broken one; the crawl begins with none",
                 file_.string());
    return;
  }
  for (const std::string& one : lines) curl_easy_setopt(easy_, CURLOPT_COOKIELIST, one.c_str());
  // What was read counts, but is not dropped before an answer brings more.
  recount_at_ = std::max<uint64_t>(max_cookies_ - lines.size(), 1);
}

void CookieJar::Command(const char* what) {
  const MutexLock lock(mutex_);
  curl_easy_setopt(easy_, CURLOPT_COOKIELIST, what);
}

std::string CookieJar::Text() {
  const MutexLock lock(mutex_);
  curl_slist* cookies = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_COOKIELIST, &cookies);
  std::string text;
  for (const curl_slist* cookie = cookies; cookie != nullptr; cookie = cookie->next) {
    text.append(cookie->data).append("\n");
  }
  curl_slist_free_all(cookies);
  return text;
}

uint64_t CookieJar::Count() {
  const MutexLock lock(mutex_);
  curl_slist* cookies = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_COOKIELIST, &cookies);
  uint64_t count = 0;
  for (const curl_slist* cookie = cookies; cookie != nullptr; cookie = cookie->next) ++count;
  curl_slist_free_all(cookies);
  return count;
}

void CookieJar::Trim() {
  const uint64_t noted = noted_.load(std::memory_order_relaxed);
  if (noted < recount_at_.load(std::memory_order_relaxed)) return;
  // Far enough below the limit that the next count is some way off.
  const uint64_t enough = max_cookies_ - max_cookies_ / 10;
  uint64_t count = Count();
  if (count > enough) {
    if (!full_logged_.exchange(true)) {
      spdlog::warn("there are {} cookies, of {} at most: those of sessions are dropped", count,
                   max_cookies_);
    }
    Command("SESS");
    count = Count();
  }
  if (count > enough) {
    Command("ALL");
    count = 0;
  }
  recount_at_.store(noted + max_cookies_ - count, std::memory_order_relaxed);
}

void CookieJar::Save() {
  const MutexLock lock(file_mutex_);
  const uint64_t noted = noted_.load(std::memory_order_relaxed);
  if (file_.empty() || saved_ == noted) return;
  const std::string text = std::string(kFirstLine) + "\n" + Text();
  const std::string next = file_.string() + ".new";
  // A new file of ours: not through a link, nor into one that others may read.
  unlink(next.c_str());
  const int fd = open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool good = fd >= 0;
  for (size_t at = 0; good && at < text.size();) {
    const ssize_t written = write(fd, text.data() + at, text.size() - at);
    good = written > 0;
    at += good ? static_cast<size_t>(written) : 0;
  }
  good = good && fdatasync(fd) == 0;
  int error = errno;
  if (fd >= 0) close(fd);
  if (good && rename(next.c_str(), file_.c_str()) == 0) {
    saved_ = noted;
    return;
  }
  if (good) error = errno;
  spdlog::error("{}: the cookies cannot be written: {}", file_.string(),
                std::generic_category().message(error));
}

}  // namespace crawld::fetcher
