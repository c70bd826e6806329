#include "fetcher/resolver.h"

#include <ares.h>
#include <fmt/format.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <list>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "web/ascii.h"

namespace crawld::fetcher {
namespace {

namespace asio = boost::asio;

// How often a name is asked for while no name server can be contacted, and the first wait between.
constexpr int kAttempts = 3;
constexpr Millis kAskAgain{100};
using Clock = std::chrono::steady_clock;

// How often the hosts file is looked at, at most.
constexpr std::chrono::seconds kHostsInterval{1};
constexpr uint64_t kMaxHostsBytes = 64ULL << 20;

void InitialiseCaresOnce() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status != ARES_SUCCESS) {
    throw FatalError(std::string("c-ares cannot be initialised: ") + ares_strerror(status));
  }
}

std::string Lower(std::string_view name) {
  std::string lower(name);
  if (lower.ends_with('.')) lower.pop_back();
  for (char& c : lower) c = web::AsciiLower(c);
  return lower;
}

// hosts(5), in memory.
class HostsFile {
 public:
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // nullptr: it does not name the host.
  const std::vector<IpAddress>* Find(const std::string& name) {
    ReadIfChanged();
    const auto found = hosts_.find(name);
    return found == hosts_.end() ? nullptr : &found->second;
  }

 private:
  void ReadIfChanged() {
    const Clock::time_point now = Clock::now();
    if (now < next_look_) return;
    next_look_ = now + kHostsInterval;
    struct stat status {};
    if (path_.empty() || stat(path_.c_str(), &status) != 0) {
      hosts_.clear();
      return;
    }
    const std::array<int64_t, 4> version = {
        static_cast<int64_t>(status.st_mtim.tv_sec), static_cast<int64_t>(status.st_mtim.tv_nsec),
        static_cast<int64_t>(status.st_size), static_cast<int64_t>(status.st_ino)};
    if (version == version_ || static_cast<uint64_t>(status.st_size) > kMaxHostsBytes) return;
    version_ = version;
    hosts_.clear();
    std::ifstream file(path_);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line.substr(0, line.find('#')));
      std::string word;
      words >> word;
      const auto address = IpAddress::Parse(word);
      if (!address) continue;
      while (words >> word) {
        auto& addresses = hosts_[Lower(word)];
        if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
          addresses.push_back(*address);
        }
      }
    }
  }

  const std::string path_;
  std::unordered_map<std::string, std::vector<IpAddress>> hosts_;
  std::array<int64_t, 4> version_ = {};
  Clock::time_point next_look_ = Clock::time_point::min();
};

}  // namespace

class Resolver::Impl {
 public:
  Impl(asio::io_context& io, const ResolverOptions& options)
      : options_(options), io_(io), timer_(io), hosts_(options.hosts_file) {
    InitialiseCaresOnce();
    ares_options settings{};
    settings.timeout = static_cast<int>(options.timeout.count());
    settings.tries = options.tries;
    settings.sock_state_cb = &OnSocketState;
    settings.sock_state_cb_data = this;
    std::string dns_only = "b";
    settings.lookups = dns_only.data();
    const int mask =
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
    if (const int status = ares_init_options(&channel_, &settings, mask); status != ARES_SUCCESS) {
      throw FatalError(std::string("c-ares cannot be initialised: ") + ares_strerror(status));
    }
    if (options.servers.empty()) return;
    std::string list;
    for (const std::string& server : options.servers) list += (list.empty() ? "" : ",") + server;
    if (const int status = ares_set_servers_ports_csv(channel_, list.c_str());
        status != ARES_SUCCESS) {
      ares_destroy(channel_);
      throw FatalError(
          fmt::format("{}: these are no name servers ({}); write 192.0.2.53 or "
                      "[2001:db8::53]:5353",
                      list, ares_strerror(status)));
    }
  }

  ~Impl() {
    ending_ = true;
    ares_destroy(channel_);  // calls back for each lookup and each socket
    for (auto& [fd, socket] : sockets_) socket->LetGo();
  }

  void Resolve(std::string_view host, Done done) {
    const std::string name = Lower(host);
    const Clock::time_point now = Clock::now();
    if (const auto hit = cache_.find(name); hit != cache_.end()) {
      Entry& entry = hit->second;
      if (entry.expires > now) {
        ++stats_.hits;
        order_.splice(order_.begin(), order_, entry.place);
        const Resolution answer = entry.resolution;  // `done` may ask us, and so drop the entry
        return done(answer);
      }
      order_.erase(entry.place);
      cache_.erase(hit);
    }
    if (const std::vector<IpAddress>* const addresses = hosts_.Find(name)) {
      const Resolution answer = {*addresses, {}, true};
      Keep(name, answer, options_.hosts_ttl);
      return done(answer);
    }
    // RFC 6761 section 6.3: names of localhost are this machine's, and no name server is asked.
    if (name == "localhost" || name.ends_with(".localhost")) {
      return done({{*IpAddress::Parse("127.0.0.1"), *IpAddress::Parse("::1")}, {}, true});
    }
    auto [lookup, is_new] = lookups_.try_emplace(name);
    lookup->second.push_back(std::move(done));
    if (!is_new) {
      ++stats_.joined;
      return;
    }
    ++stats_.lookups;
    Ask(name, 1);
  }

  const ResolverStats& stats() const { return stats_; }
  size_t entries() const { return cache_.size(); }

 private:
  void Ask(const std::string& name, int attempt) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;  // else each address comes once for each kind of socket
    // A final dot: the system's search domains are not for URLs. c-ares may answer from within.
    ares_getaddrinfo(channel_, (name + ".").c_str(), nullptr, &hints, &OnAnswer,
                     new Question{this, name, attempt});
    ArmTimer();
  }

  // "No name server can be contacted" may be another question's fault: when a server refuses one by
  // TCP, c-ares gives up all that it has asked that server.
  void AskAgain(const std::string& name, int attempt) {
    auto timer = std::make_shared<asio::steady_timer>(io_, attempt * kAskAgain);
    timer->async_wait(
        [this, timer, name, attempt, alive = std::weak_ptr(alive_)](const auto& error) {
          if (!error && !alive.expired()) Ask(name, attempt + 1);
        });
  }

  struct Entry {
    Resolution resolution;
    Clock::time_point expires;
    std::list<std::string>::iterator place;
  };
  struct Question {
    Impl* resolver;
    std::string name;
    int attempt;  // from 1
  };
  struct Socket {
    Socket(asio::io_context& io, ares_socket_t fd) : descriptor(io, fd) {}
    asio::posix::stream_descriptor descriptor;
    bool wants_read = false;
    bool wants_write = false;
    bool reading = false;
    bool writing = false;
    bool gone = false;
    // c-ares closes it.
    void LetGo() {
      if (std::exchange(gone, true)) return;
      descriptor.release();
    }
  };

  static void OnAnswer(void* data, int status, int, ares_addrinfo* info) {
    const std::unique_ptr<Question> question(static_cast<Question*>(data));
    Impl& resolver = *question->resolver;
    if (status == ARES_ECONNREFUSED && question->attempt < kAttempts && !resolver.ending_) {
      resolver.AskAgain(question->name, question->attempt);
    } else {
      resolver.Answer(question->name, status, info);
    }
    if (info != nullptr) ares_freeaddrinfo(info);
  }

  void Answer(const std::string& name, int status, const ares_addrinfo* info) {
    if (ending_) return;
    Resolution resolution;
    Millis ttl = options_.max_ttl;
    if (status == ARES_SUCCESS && info != nullptr) {
      for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_addr == nullptr) continue;
        if (const auto address = IpAddress::From(*node->ai_addr)) {
          resolution.addresses.push_back(*address);
          ttl = std::min<Millis>(ttl, std::chrono::seconds(std::max(node->ai_ttl, 0)));
        }
      }
      for (const ares_addrinfo_cname* alias = info->cnames; alias != nullptr; alias = alias->next) {
        ttl = std::min<Millis>(ttl, std::chrono::seconds(std::max(alias->ttl, 0)));
      }
      ttl = std::max(ttl, options_.min_ttl);
    }
    if (resolution.addresses.empty()) {
      ++stats_.failures;
      const bool nothing = status == ARES_SUCCESS || status == ARES_ENOTFOUND ||
                           status == ARES_ENODATA || status == ARES_EBADNAME;
      ttl = nothing ? options_.negative_ttl : options_.failure_ttl;
      resolution.error = status == ARES_SUCCESS        ? "the name has no address"
                         : status == ARES_ECONNREFUSED ? "no name server gives an answer"
                                                       : ares_strerror(status);
    }
    auto lookup = lookups_.extract(name);
    CRAWLD_CHECK(!lookup.empty(), "an answer has a question");
    const Resolution answer = resolution;
    resolution.cached = true;
    Keep(name, std::move(resolution), ttl);
    for (const Done& done : lookup.mapped()) done(answer);
  }

  void Keep(const std::string& name, Resolution resolution, Millis ttl) {
    while (cache_.size() >= options_.max_entries && !order_.empty()) {
      cache_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(name);
    Entry& entry = cache_[name];
    entry.resolution = std::move(resolution);
    entry.expires = Clock::now() + ttl;
    entry.place = order_.begin();
  }

  static void OnSocketState(void* data, ares_socket_t fd, int readable, int writable) {
    // No exception may leave through c-ares' frames: the question is asked again, or times out.
    try {
      static_cast<Impl*>(data)->Watch(fd, readable != 0, writable != 0);
    } catch (const std::exception& e) {
      spdlog::error("a name server's socket cannot be watched: {}", e.what());
    }
  }

  void Watch(ares_socket_t fd, bool readable, bool writable) {
    auto it = sockets_.find(fd);
    if (!readable && !writable) {  // c-ares closes it now
      if (it == sockets_.end()) return;
      it->second->LetGo();
      sockets_.erase(it);
      return;
    }
    if (ending_) return;
    if (it == sockets_.end()) {
      it = sockets_.emplace(fd, std::make_shared<Socket>(io_, fd)).first;
    }
    it->second->wants_read = readable;
    it->second->wants_write = writable;
    Arm(it->second);
  }

  void Arm(const std::shared_ptr<Socket>& socket) {
    if (socket->gone) return;
    if (socket->wants_read && !std::exchange(socket->reading, true)) {
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                    [this, socket](const boost::system::error_code& error) {
                                      socket->reading = false;
                                      if (error || socket->gone) return;
                                      Process(socket->descriptor.native_handle(), ARES_SOCKET_BAD);
                                      Arm(socket);
                                    });
    }
    if (socket->wants_write && !std::exchange(socket->writing, true)) {
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                    [this, socket](const boost::system::error_code& error) {
                                      socket->writing = false;
                                      if (error || socket->gone) return;
                                      Process(ARES_SOCKET_BAD, socket->descriptor.native_handle());
                                      Arm(socket);
                                    });
    }
  }

  void Process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    ArmTimer();
  }

  // c-ares wants to be called at its next time-out.
  void ArmTimer() {
    if (ending_) return;
    timeval room{};
    const timeval* const next = ares_timeout(channel_, nullptr, &room);
    if (next == nullptr) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(std::chrono::seconds(next->tv_sec) +
                         std::chrono::microseconds(next->tv_usec));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    });
  }

  const ResolverOptions options_;
  asio::io_context& io_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  bool ending_ = false;
  HostsFile hosts_;
  std::unordered_map<std::string, Entry> cache_;
  std::list<std::string> order_;  // of the cache, latest first
  std::unordered_map<std::string, std::vector<Done>> lookups_;
  std::unordered_map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  ResolverStats stats_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

bool IsNameServer(std::string_view text) {
  // As an address range, it must be one address and one port at most.
  const auto range = AddressRange::Parse(text);
  return range && text.find('/') == std::string_view::npos && range->bits == 128 &&
         (range->first_port == range->last_port
              ? range->first_port != 0
              : range->first_port == 0 && range->last_port == 65535);  // none is given
}

Resolver::Resolver(asio::io_context& io, const ResolverOptions& options)
    : impl_(std::make_unique<Impl>(io, options)) {}
Resolver::~Resolver() = default;

void Resolver::Resolve(std::string_view host, Done done) { impl_->Resolve(host, std::move(done)); }
const ResolverStats& Resolver::stats() const { return impl_->stats(); }
size_t Resolver::entries() const { return impl_->entries(); }

}  // namespace crawld::fetcher
