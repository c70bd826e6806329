// Loop: one thread of the fetcher. Internal to the room.
//
// Everything but Submit(), LookUp(), CancelAll(), Stop() and the counters belongs to the loop's own
// thread. libcurl tells which sockets and which timer it cares about; Asio watches them; each event
// goes back into libcurl, and transfers that have ended are handed to their promises.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "concurrency/byte_budget.h"
#include "concurrency/future.h"
#include "concurrency/threads.h"
#include "fetcher/address_guard.h"
#include "fetcher/cookie_jar.h"
#include "fetcher/fetch.h"
#include "fetcher/fetcher.h"
#include "fetcher/host_rules.h"
#include "fetcher/request_fields.h"
#include "fetcher/resolver.h"
#include "fetcher/tls.h"

namespace crawld::fetcher {

class Fetcher::Loop {
 public:
  // `budget` and `body_bytes`: the fetcher's, shared by its loops.
  Loop(const FetcherOptions& options, int number, std::shared_ptr<const Trust> trust,
       std::shared_ptr<const HostRules> rules, std::shared_ptr<CookieJar> cookies,
       concurrency::ByteBudget& budget, concurrency::ByteBudget& body_bytes);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  concurrency::Future<FetchResult> Submit(FetchRequest request);
  concurrency::Future<std::string> LookUp(std::string host);
  void CancelAll();
  void Stop();

  size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  // Any thread.
  void AddTo(FetcherStats& stats) const;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::rep kNothing = std::numeric_limits<Clock::rep>::max();
  using BodyHook = boost::intrusive::list_base_hook<>;
  struct Transfer;
  struct Socket;
  struct Multi;

  void Run();
  // Starts some of what was submitted, and comes back for the rest: a thousand new connections must
  // not keep the first of them waiting for the last.
  void TakeIn();
  void Start(std::unique_ptr<Transfer> transfer);
  // The transfer's name has been looked up; nothing if it has ended in the meantime.
  void Resolved(uint64_t number, const Resolution& resolution);
  // A look-up is over, with an answer or without.
  static void NoteLookup(Transfer& transfer);
  // Whether the name that is looked up is its proxy's, not its host's.
  static bool LooksUpProxy(const Transfer& transfer);
  // By which proxy it goes; nullptr: none.
  const ProxyUrl* ProxyFor(const Transfer& transfer) const;
  // Looks up what has to be known by its addresses, one name after another; then Launch().
  void FindAddresses(std::unique_ptr<Transfer> transfer);
  void LookUp(std::unique_ptr<Transfer> transfer, const std::string& name);
  // What a proxy must not be asked for: nobody judges what it connects to.
  std::optional<AddressKind> ProxiedRefusal(const Transfer& transfer) const;
  // Where its host or its proxy is; libcurl is told by Launch().
  void AddAddresses(Transfer& transfer, std::string_view host, uint16_t port,
                    const std::vector<IpAddress>& addresses);
  void ForgetNames(const Transfer& transfer);  // it has ended
  // Hands it to libcurl.
  void Launch(std::unique_ptr<Transfer> transfer);
  void PrepareProxy(Transfer& transfer) const;
  // Tells libcurl its names, and which ones nobody needs any more. As late as can be: what another
  // transfer has added meanwhile must not be taken from it.
  void PrepareAddresses(Transfer& transfer);
  void CountResolving();
  void CancelNow();
  void CloseAll();
  // Ends a transfer that libcurl does not have.
  void Refuse(Transfer& transfer, FetchError error, std::string_view detail = {});
  void End(Transfer& transfer);  // its result into its promise
  CURL* TakeHandle();
  void GiveHandleBack(CURL* easy);
  void Prepare(Transfer& transfer);
  // By which it goes.
  Multi& MultiFor(const Transfer& transfer) const;
  void Act(Multi& multi, curl_socket_t fd, int events);
  void ActOnDue();
  void Reap(Multi& multi);
  // Ends the transfer: out of libcurl, its result into its promise.
  void Finish(Transfer& transfer, CURLcode code);
  // Once more, on a new connection: nothing has been sent yet.
  void LaunchAgain(std::unique_ptr<Transfer> transfer);
  void Count(const Transfer& transfer);
  static void Describe(Transfer& transfer, CURLcode code);
  static bool IsCutBehindHead(const Transfer& transfer);
  static void DescribeRefusal(Transfer& transfer, AddressKind kind, const std::string& ip);
  // Whether it is the proxy's fault, and then says so.
  static bool DescribeProxyError(Transfer& transfer, CURLcode code);
  static void DescribeError(Transfer& transfer, CURLcode code);

  // Asio's side of libcurl's sockets.
  void Watch(Multi& multi, curl_socket_t fd, int what);
  // A kept connection is known by its ends; libcurl does not tell which one it takes.
  void NoteKept(const std::shared_ptr<Socket>& socket);
  void ForgetKept(const Socket& socket);
  const Socket* FindKept(std::string_view peer_ip, int peer_port, int local_port) const;
  // By which it goes; nullptr: nobody knows. Cost: a look at those of its multi handle.
  std::shared_ptr<Socket> SocketOf(const Transfer& transfer) const;
  void Arm(const std::shared_ptr<Socket>& socket);
  void ArmTimer(Multi& multi, long delay_ms);
  void WaitUntil(Clock::time_point due);
  // Takes room for a piece of a body; false: the transfer has to wait.
  bool TakeRoom(Transfer& transfer, size_t bytes);
  void GiveRoomBack(size_t bytes);
  size_t paused() const { return paused_.load(std::memory_order_relaxed); }
  void Pause(Transfer& transfer);
  void EndPause(Transfer& transfer);
  // Lets those go on for which there is room, the oldest first.
  void ResumePaused();
  bool Resume(Transfer& transfer);  // false: it is paused again
  // Whether libcurl reads both from one connection, so that one cannot go on without the other.
  static bool ShareConnection(const Transfer& a, const Transfer& b);
  // Of which a stream is paused, so that nothing can come on the connection's others.
  using Hosts = std::set<std::pair<std::string_view, uint16_t>>;
  Hosts PausedHosts() const;
  static bool IsHeldUp(const Transfer& transfer, const Hosts& paused);
  // Whether the window is over and has brought too little; begins the next one.
  bool TooSlow(Transfer& transfer, Clock::time_point now) const;
  // Calls on_slow when it is time.
  static void TellIfSlow(Transfer& transfer, Clock::time_point now);
  // By which of the limits it has to end now, if by any.
  std::optional<FetchError> Late(Transfer& transfer, const Hosts& held_up,
                                 Clock::time_point now) const;
  // Before then it cannot be late by any of them, whatever comes or does not, unless a stream is
  // paused; and on_slow need not be called.
  Clock::time_point NextLook(const Transfer& transfer, Clock::time_point now) const;
  void AddTransfer(Transfer& transfer);
  void RemoveTransfer(const Transfer& transfer);
  // `oldest`: of those that were taken in.
  void TellOldest(Clock::time_point oldest) EXCLUDES(intake_mutex_);
  void ArmSweep();
  void Sweep();

  static size_t OnHeader(char* data, size_t size, size_t count, void* transfer);
  static size_t OnBody(char* data, size_t size, size_t count, void* transfer);
  // What these two do; they may throw.
  static size_t TakeHeader(Transfer& transfer, std::string_view line);
  static size_t TakeBody(Transfer& transfer, std::string_view piece);
  static int OnRequest(void* transfer, char* peer_ip, char* local_ip, int peer_port,
                       int local_port);
  static CURLcode OnTls(CURL* easy, void* context, void* transfer);
  static curl_socket_t OnOpen(void* transfer, curlsocktype purpose, curl_sockaddr* address);
  static curl_socket_t Open(Transfer& transfer, const curl_sockaddr& address);  // may throw
  static int OnClose(void* loop, curl_socket_t fd);
  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* multi, void* socket);
  static int OnTimer(CURLM* handle, long delay_ms, void* multi);

  // Constant after construction.
  const FetcherOptions options_;
  const size_t max_kept_;  // a multi handle's share of the kept connections
  const AddressGuard guard_;
  const RequestFields fields_;
  const bool any_proxy_;  // is configured
  const std::shared_ptr<const Trust> trust_;
  const std::shared_ptr<const HostRules> rules_;
  const std::shared_ptr<CookieJar> cookies_;  // nullptr: none are taken

  // Have their own synchronisation.
  concurrency::ByteBudget& budget_;
  concurrency::ByteBudget& body_bytes_;

  // Atomics: read by other threads for reports and budgets; nothing is ordered by them.
  std::atomic<size_t> in_flight_ = 0;
  std::atomic<size_t> resolving_now_ = 0;
  std::atomic<uint64_t> dns_lookups_ = 0;
  std::atomic<uint64_t> dns_hits_ = 0;
  std::atomic<uint64_t> dns_joined_ = 0;
  std::atomic<uint64_t> dns_failures_ = 0;
  std::atomic<uint64_t> connections_ = 0;
  std::atomic<uint64_t> reused_ = 0;
  // When the oldest transfer began; kNothing: there is none. Told by Submit() if it is the only
  // one, and by each sweep; both under intake_mutex_.
  std::atomic<Clock::rep> oldest_begun_ = kNothing;
  std::atomic<size_t> paused_ = 0;

  Mutex intake_mutex_;
  std::deque<std::unique_ptr<Transfer>> intake_ GUARDED_BY(intake_mutex_);
  bool take_in_posted_ GUARDED_BY(intake_mutex_) = false;

  // Owned by the loop's thread.
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Tls tls_;                                             // before multis_: connections refer to it
  std::vector<std::unique_ptr<Multi>> multis_;          // none once stopped
  boost::asio::steady_timer timer_;                     // for libcurl
  Clock::time_point armed_ = Clock::time_point::max();  // when timer_ fires
  bool act_posted_ = false;                             // those that are due are about to be called
  boost::asio::steady_timer sweep_;
  bool sweeping_ = false;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
  std::unordered_multimap<int, std::shared_ptr<Socket>> kept_;         // by local port
  std::unique_ptr<Resolver> resolver_;                                 // nullptr once stopped
  std::unordered_map<uint64_t, std::unique_ptr<Transfer>> resolving_;  // by their numbers
  uint64_t next_number_ = 0;
  // Those that libcurl has. What a sweep looks at lies together, so that thousands that wait for
  // servers that are silent cost it little.
  struct InCurl {
    Transfer* transfer = nullptr;
    Clock::time_point begun;
    Clock::time_point look;  // before then it is not late
  };
  std::vector<InCurl> transfers_;
  // Those with a body, in the order of its first byte. Intrusive: no allocation a transfer.
  boost::intrusive::list<BodyHook, boost::intrusive::constant_time_size<false>> bodies_;
  bool room_made_ = false;  // bytes have left the budget since ResumePaused() last looked
  std::vector<CURL*> idle_handles_;

  concurrency::NamedThread thread_;  // last: it uses all of the above
};

}  // namespace crawld::fetcher
