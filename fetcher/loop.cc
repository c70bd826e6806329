#include "fetcher/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/error.h"
#include "fetcher/multi.h"
#include "fetcher/socket.h"
#include "fetcher/transfer.h"

namespace crawld::fetcher {
namespace {

namespace asio = boost::asio;

// How often time limits are looked at: the resolution of first byte, idle and total time-outs.
constexpr std::chrono::milliseconds kSweepInterval{50};
constexpr long kNoLimit = std::numeric_limits<int32_t>::max();
constexpr size_t kMultis = 32;
// Between two looks at the network.
constexpr size_t kStartsAtOnce = 16;
constexpr std::string_view kNoNameServer = "no name server has answered in time";

}  // namespace

Fetcher::Loop::Multi::Multi(Loop* l, const FetcherOptions& options)
    : loop(l), handle(curl_multi_init()) {
  if (handle == nullptr) {
    throw FatalError("libcurl cannot be initialised: out of memory or of file descriptors");
  }
  curl_multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(handle, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(handle, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(handle, CURLMOPT_TIMERDATA, this);
  // Ours is the limit, see OnRequest(): libcurl would look at each connection it has to find the
  // oldest, for each that it closes.
  curl_multi_setopt(handle, CURLMOPT_MAXCONNECTS, kNoLimit);
  curl_multi_setopt(handle, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_multi_setopt(handle, CURLMOPT_MAX_CONCURRENT_STREAMS,
                    static_cast<long>(options.max_streams));
}

Fetcher::Loop::Multi::~Multi() { curl_multi_cleanup(handle); }

Fetcher::Loop::Loop(const FetcherOptions& options, int number, std::shared_ptr<const Trust> trust,
                    std::shared_ptr<const HostRules> rules, std::shared_ptr<CookieJar> cookies,
                    concurrency::ByteBudget& budget, concurrency::ByteBudget& body_bytes)
    : options_(options),
      max_kept_((options.max_kept_connections + kMultis - 1) / kMultis),
      guard_(options.allow_addresses, options.own_addresses),
      fields_(options.headers),
      any_proxy_(options.proxy.has_value() ||
                 std::any_of(options.hosts.begin(), options.hosts.end(),
                             [](const HostOptions& host) { return host.proxy.has_value(); })),
      trust_(std::move(trust)),
      rules_(std::move(rules)),
      cookies_(std::move(cookies)),
      budget_(budget),
      body_bytes_(body_bytes),
      io_(1),
      work_(asio::make_work_guard(io_)),
      tls_(options.max_tls_sessions),
      timer_(io_),
      sweep_(io_) {
  for (size_t i = 0; i < kMultis; ++i) multis_.push_back(std::make_unique<Multi>(this, options));
  resolver_ = std::make_unique<Resolver>(io_, options.resolver);
  thread_ = concurrency::NamedThread(fmt::format("fetch-{}", number), [this] { Run(); });
}

Fetcher::Loop::~Loop() {
  Stop();
  asio::post(io_, [this] { io_.stop(); });
  thread_.Join();
}

void Fetcher::Loop::Run() {
  concurrency::Idle("waits for network events");
  io_.run();
}

concurrency::Future<FetchResult> Fetcher::Loop::Submit(FetchRequest request) {
  concurrency::Promise<FetchResult> promise;
  auto future = promise.GetFuture();
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  auto transfer = std::make_unique<Transfer>(this, std::move(request), std::move(promise));
  transfer->begun = Clock::now();
  {
    MutexLock lock(intake_mutex_);
    if (oldest_begun_.load(std::memory_order_relaxed) == kNothing) {
      oldest_begun_.store(transfer->begun.time_since_epoch().count(), std::memory_order_relaxed);
    }
    intake_.push_back(std::move(transfer));
    if (std::exchange(take_in_posted_, true)) return future;
  }
  asio::post(io_, [this] { TakeIn(); });
  return future;
}

concurrency::Future<std::string> Fetcher::Loop::LookUp(std::string host) {
  auto promise = std::make_shared<concurrency::Promise<std::string>>();
  auto future = promise->GetFuture();
  asio::post(io_, [this, promise = std::move(promise), host = std::move(host)] {
    if (resolver_ == nullptr || !promise->Start()) return;
    if (const auto address = AddressOf(host)) {
      promise->SetValue(address->ToString());
      return;
    }
    resolver_->Resolve(host, [promise](const Resolution& found) {
      promise->SetValue(found.addresses.empty() ? "" : found.addresses.front().ToString());
    });
  });
  return future;
}

void Fetcher::Loop::TakeIn() {
  std::vector<std::unique_ptr<Transfer>> taken;
  bool more = false;
  {
    MutexLock lock(intake_mutex_);
    while (!intake_.empty() && taken.size() < kStartsAtOnce) {
      taken.push_back(std::move(intake_.front()));
      intake_.pop_front();
    }
    more = take_in_posted_ = !intake_.empty();
  }
  const bool posted = std::exchange(act_posted_, true);
  for (auto& transfer : taken) Start(std::move(transfer));
  act_posted_ = posted;
  ActOnDue();  // connects, or sends on connections that stand
  if (more) asio::post(io_, [this] { TakeIn(); });
  ArmSweep();
}

void Fetcher::Loop::Start(std::unique_ptr<Transfer> transfer) {
  concurrency::Heartbeat("starts a fetch");
  const FetchRequest& request = transfer->request;
  transfer->max_body = request.max_body != 0 ? request.max_body : options_.max_body_bytes;
  transfer->begun = transfer->last_progress = Clock::now();
  transfer->result.begun = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  if (!transfer->promise.Start()) {  // cancelled before it began
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  if (multis_.empty()) return Refuse(*transfer, FetchError::kCancelled);
  if (!request.url.IsHttp()) {
    return Refuse(*transfer, FetchError::kBadUrl, "neither http nor https");
  }
  transfer->rule = rules_->Find(request.url.host());
  if (any_proxy_) transfer->proxy = ProxyFor(*transfer);
  transfer->multi = &MultiFor(*transfer);
  FindAddresses(std::move(transfer));
}

void Fetcher::Loop::CountResolving() {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  resolving_now_.store(resolving_.size(), kRelaxed);
  if (resolver_ == nullptr) return;
  const ResolverStats& stats = resolver_->stats();
  dns_lookups_.store(stats.lookups, kRelaxed);
  dns_hits_.store(stats.hits, kRelaxed);
  dns_joined_.store(stats.joined, kRelaxed);
  dns_failures_.store(stats.failures, kRelaxed);
}

void Fetcher::Loop::NoteLookup(Transfer& transfer) {
  std::optional<std::chrono::microseconds>& lookup = transfer.result.lookup;
  lookup = lookup.value_or(std::chrono::microseconds(0)) +
           std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - transfer.asked);
}

bool Fetcher::Loop::LooksUpProxy(const Transfer& transfer) {
  return transfer.proxy != nullptr && !transfer.proxy_found;
}

void Fetcher::Loop::Resolved(uint64_t number, const Resolution& resolution) {
  auto node = resolving_.extract(number);
  if (node.empty()) return;
  CountResolving();
  std::unique_ptr<Transfer> transfer = std::move(node.mapped());
  NoteLookup(*transfer);
  const bool of_proxy = LooksUpProxy(*transfer);
  if (resolution.addresses.empty()) {
    if (!of_proxy) return Refuse(*transfer, FetchError::kDns, resolution.error);
    return Refuse(*transfer, FetchError::kProxy,
                  fmt::format("{}: {}", transfer->proxy->ToString(), resolution.error));
  }
  if (of_proxy) {
    AddAddresses(*transfer, transfer->proxy->host, transfer->proxy->port, resolution.addresses);
    transfer->proxy_found = true;
    return FindAddresses(std::move(transfer));
  }
  const web::Url& url = transfer->request.url;
  std::vector<IpAddress> addresses = resolution.addresses;
  if (transfer->proxy != nullptr) {  // OnOpen() will not see them
    std::optional<AddressKind> refusal;
    const IpAddress first = addresses.front();
    std::erase_if(addresses, [&](const IpAddress& address) {
      const auto one = guard_.Refusal(address, url.EffectivePort());
      if (one && !refusal) refusal = one;
      return one.has_value();
    });
    if (addresses.empty()) {
      DescribeRefusal(*transfer, *refusal, first.ToString());
      return End(*transfer);
    }
  }
  AddAddresses(*transfer, url.host(), url.EffectivePort(), addresses);
  Launch(std::move(transfer));
}

void Fetcher::Loop::Launch(std::unique_ptr<Transfer> transfer) {
  transfer->easy = TakeHandle();
  if (transfer->easy == nullptr) {
    return Refuse(*transfer, FetchError::kInternal, "libcurl gives no handle");
  }
  transfer->launched = Clock::now();
  Prepare(*transfer);
  AddTransfer(*transfer);
  // libcurl takes none after a callback has failed, until all others have ended.
  if (const CURLMcode code = curl_multi_add_handle(transfer->multi->handle, transfer->easy);
      code != CURLM_OK) {
    RemoveTransfer(*transfer);
    GiveHandleBack(transfer->easy);
    return Refuse(*transfer, FetchError::kInternal, curl_multi_strerror(code));
  }
  (void)transfer.release();  // Finish() deletes it
  ArmSweep();
}

void Fetcher::Loop::End(Transfer& transfer) {
  ForgetNames(transfer);
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  transfer.promise.SetValue(std::move(transfer.result));
}

void Fetcher::Loop::Refuse(Transfer& transfer, FetchError error, std::string_view detail) {
  transfer.result.Fail(error, detail);
  transfer.result.total =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - transfer.begun);
  End(transfer);
}

void Fetcher::Loop::Finish(Transfer& ended, CURLcode code) {
  std::unique_ptr<Transfer> transfer(&ended);
  if (transfer->spoiled && !transfer->ended_by_us) return LaunchAgain(std::move(transfer));
  if (transfer->is_linked()) {
    bodies_.erase(bodies_.iterator_to(*transfer));
    GiveRoomBack(transfer->result.body.size());
  }
  EndPause(*transfer);
  Describe(*transfer, code);
  Count(*transfer);
  curl_multi_remove_handle(transfer->multi->handle, transfer->easy);
  GiveHandleBack(transfer->easy);
  ForgetNames(*transfer);
  RemoveTransfer(*transfer);
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  transfer->promise.SetValue(std::move(transfer->result));
}

void Fetcher::Loop::LaunchAgain(std::unique_ptr<Transfer> transfer) {
  curl_multi_remove_handle(transfer->multi->handle, transfer->easy);
  GiveHandleBack(transfer->easy);
  RemoveTransfer(*transfer);
  transfer->spoiled = transfer->shaking_hands = false;
  transfer->request.fresh_connection = true;
  Launch(std::move(transfer));
}

void Fetcher::Loop::Reap(Multi& multi) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message dies with the handle's removal
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    Finish(*transfer, code);
  }
}

void Fetcher::Loop::CancelAll() {
  asio::post(io_, [this] { CancelNow(); });
}

void Fetcher::Loop::Stop() {
  asio::post(io_, [this] {
    CancelNow();
    CloseAll();
  });
}

void Fetcher::Loop::CancelNow() {
  std::deque<std::unique_ptr<Transfer>> waiting;
  {
    MutexLock lock(intake_mutex_);
    waiting.swap(intake_);
  }
  for (auto& transfer : waiting) {
    if (transfer->promise.Start()) {
      Refuse(*transfer, FetchError::kCancelled);
    } else {
      in_flight_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  auto resolving = std::exchange(resolving_, {});
  CountResolving();
  for (auto& [number, transfer] : resolving) Refuse(*transfer, FetchError::kCancelled);
  const std::vector<InCurl> all = transfers_;
  for (const InCurl& in_curl : all) {
    in_curl.transfer->ended_by_us = FetchError::kCancelled;
    Finish(*in_curl.transfer, CURLE_ABORTED_BY_CALLBACK);
  }
  if (transfers_.empty()) {
    timer_.cancel();
    armed_ = Clock::time_point::max();
    for (auto& multi : multis_) multi->due = Clock::time_point::max();
  }
}

void Fetcher::Loop::CloseAll() {
  for (CURL* easy : idle_handles_) curl_easy_cleanup(easy);
  idle_handles_.clear();
  multis_.clear();
  kept_.clear();
  for (auto& [fd, socket] : sockets_) socket->LetGo();
  sockets_.clear();
  resolver_.reset();
}

void Fetcher::Loop::Count(const Transfer& transfer) {
  long opened = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_NUM_CONNECTS, &opened);
  connections_.fetch_add(static_cast<uint64_t>(opened), std::memory_order_relaxed);
  if (transfer.result.reused) reused_.fetch_add(1, std::memory_order_relaxed);
}

void Fetcher::Loop::AddTo(FetcherStats& stats) const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  stats.in_flight += in_flight_.load(kRelaxed);
  stats.resolving += resolving_now_.load(kRelaxed);
  stats.paused += paused_.load(kRelaxed);
  stats.dns_lookups += dns_lookups_.load(kRelaxed);
  stats.dns_hits += dns_hits_.load(kRelaxed);
  stats.dns_joined += dns_joined_.load(kRelaxed);
  stats.dns_failures += dns_failures_.load(kRelaxed);
  stats.connections += connections_.load(kRelaxed);
  stats.reused += reused_.load(kRelaxed);
  stats.tls_handshakes += tls_.handshakes();
  stats.tls_resumed += tls_.resumed();
  const Clock::rep oldest = oldest_begun_.load(kRelaxed);
  if (oldest == kNothing) return;
  const auto age = Clock::now().time_since_epoch() - Clock::duration(oldest);
  stats.oldest = std::max(stats.oldest, std::chrono::ceil<Millis>(age));
}

void Fetcher::Loop::TellIfSlow(Transfer& transfer, Clock::time_point now) {
  const FetchRequest& request = transfer.request;
  if (!request.on_slow || request.patience <= Millis(0)) return;
  if (now - transfer.begun < request.patience) return;
  if (transfer.request.on_slow()) transfer.request.on_slow = {};
}

bool Fetcher::Loop::TooSlow(Transfer& transfer, Clock::time_point now) const {
  const auto elapsed = std::chrono::floor<Millis>(now - transfer.window_begun);
  if (options_.min_speed_bytes == 0 || elapsed < options_.min_speed_window) return false;
  const uint64_t came = transfer.received() - transfer.window_bytes;
  transfer.window_begun = now;
  transfer.window_bytes = transfer.received();
  return came * 1000 < options_.min_speed_bytes * static_cast<uint64_t>(elapsed.count());
}

void Fetcher::Loop::ArmSweep() {
  if (sweeping_) return;
  sweeping_ = true;
  sweep_.expires_after(kSweepInterval);
  sweep_.async_wait([this](const boost::system::error_code& error) {
    sweeping_ = false;
    if (!error) Sweep();
  });
}

std::optional<FetchError> Fetcher::Loop::Late(Transfer& transfer, const Hosts& held_up,
                                              Clock::time_point now) const {
  if (now - transfer.begun >= options_.total_timeout) return FetchError::kTotalTimeout;
  if (transfer.paused || IsHeldUp(transfer, held_up)) {
    transfer.RestartClocks(now);
    return std::nullopt;
  }
  if (transfer.head_bytes > 0) {
    if (now - transfer.last_progress >= options_.idle_timeout) return FetchError::kIdleTimeout;
    if (TooSlow(transfer, now)) return FetchError::kTooSlow;
    return std::nullopt;
  }
  if (!transfer.sent || now - transfer.sent_at < options_.first_byte_timeout) return std::nullopt;
  return FetchError::kFirstByteTimeout;
}

Fetcher::Loop::Clock::time_point Fetcher::Loop::NextLook(const Transfer& transfer,
                                                         Clock::time_point now) const {
  Clock::time_point look = transfer.begun + options_.total_timeout;
  if (transfer.request.on_slow && transfer.request.patience > Millis(0)) {
    look = std::min(look, transfer.begun + transfer.request.patience);
  }
  // What begins with the next byte ends so much later.
  Clock::duration soonest = options_.idle_timeout;
  if (options_.min_speed_bytes != 0) {
    soonest = std::min<Clock::duration>(soonest, options_.min_speed_window);
  }
  if (transfer.head_bytes > 0) {
    look = std::min(look, transfer.last_progress + options_.idle_timeout);
    if (options_.min_speed_bytes != 0) {
      look = std::min(look, transfer.window_begun + options_.min_speed_window);
    }
  } else if (transfer.sent) {
    look = std::min({look, transfer.sent_at + options_.first_byte_timeout, now + soonest});
  } else {
    look = std::min({look, now + options_.first_byte_timeout, now + soonest});
  }
  return look;
}

void Fetcher::Loop::AddTransfer(Transfer& transfer) {
  transfer.slot = transfers_.size();
  transfers_.push_back({&transfer, transfer.begun, transfer.launched});
}

void Fetcher::Loop::RemoveTransfer(const Transfer& transfer) {
  InCurl& last = transfers_.back();
  last.transfer->slot = transfer.slot;
  transfers_[transfer.slot] = last;
  transfers_.pop_back();
}

void Fetcher::Loop::TellOldest(Clock::time_point oldest) {
  // Under the lock: Submit() must not come between the look and the word.
  const MutexLock lock(intake_mutex_);
  if (!intake_.empty()) oldest = std::min(oldest, intake_.front()->begun);
  oldest_begun_.store(oldest.time_since_epoch().count(), std::memory_order_relaxed);
}

// Time limits that libcurl has no word for, and the total as a last resort.
void Fetcher::Loop::Sweep() {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<Transfer*, FetchError>> late;
  Clock::time_point oldest = Clock::time_point::max();
  const Hosts held_up = PausedHosts();
  const bool all = paused() > 0;  // their clocks are set anew by each sweep
  for (InCurl& in_curl : transfers_) {
    if (all || now >= in_curl.look) {
      Transfer& transfer = *in_curl.transfer;
      TellIfSlow(transfer, now);
      if (const auto error = Late(transfer, held_up, now)) {
        late.emplace_back(&transfer, *error);
        continue;
      }
      in_curl.look = NextLook(transfer, now);
    }
    oldest = std::min(oldest, in_curl.begun);
  }
  std::vector<uint64_t> unresolved;
  for (const auto& [number, transfer] : resolving_) {
    TellIfSlow(*transfer, now);
    if (now - transfer->begun >= std::min(options_.connect_timeout, options_.total_timeout)) {
      unresolved.push_back(number);
    } else {
      oldest = std::min(oldest, transfer->begun);
    }
  }
  for (const uint64_t number : unresolved) {
    auto node = resolving_.extract(number);
    Transfer& transfer = *node.mapped();
    NoteLookup(transfer);
    if (options_.total_timeout < options_.connect_timeout) {
      Refuse(transfer, FetchError::kTotalTimeout, kNoNameServer);
    } else if (LooksUpProxy(transfer)) {
      Refuse(transfer, FetchError::kProxy,
             fmt::format("{}: {}", transfer.proxy->ToString(), kNoNameServer));
    } else {
      Refuse(transfer, FetchError::kConnectTimeout, kNoNameServer);
    }
  }
  for (const auto& [transfer, error] : late) {
    transfer->ended_by_us = error;
    Finish(*transfer, CURLE_OPERATION_TIMEDOUT);
  }
  TellOldest(oldest);
  CountResolving();
  if (cookies_) cookies_->Trim();
  ActOnDue();  // OnTimer() had no memory for a timer, or that is about to fire
  ResumePaused();
  if (!transfers_.empty() || !resolving_.empty()) ArmSweep();
}

}  // namespace crawld::fetcher
