// HostileServer: a web of servers that do everything wrong, each wrong in one way, and of each it
// is known what a crawler has to make of it.
//
// The catalogue is a table: a line is one misbehaviour, with the outcome that is due. Most have a
// path of a host that is otherwise well; what breaks a whole host (a connection, a robots.txt) has
// a host to itself. "/" of the first host links to all of them, so a crawl that begins there meets
// everything at once. What behaves stands next to it: "/healthy/..." of every host, and hosts that
// somebody else answers for.
//
// Bombs and floods are made while they are sent; none takes memory. Thread safety: as HttpServer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_server.h"

namespace crawld::test {

// The limits for which the outcomes are due.
inline constexpr uint64_t kHostileMaxBody = 64 << 10;
inline constexpr uint64_t kHostileMaxHeader = 32 << 10;

// What a fetch has to come to, in the words of crawl.log.
struct Due {
  std::string_view error;  // empty: none
  int status = 0;
  std::string_view truncated;                    // empty: whole
  std::optional<uint64_t> body;                  // bytes that are kept; nullopt: up to chance
  std::optional<std::string_view> unread = {};   // why the page was not read, or not all of it
  std::vector<std::string_view> or_errors = {};  // where it is TCP's timing that decides
};

struct Scene {
  const Request& request;
  std::string self;       // "/Name"
  std::string_view rest;  // of the target, behind that
  std::string canary;     // host and port that nobody may be led to
};
using Script = std::function<Reply(const Scene&)>;

enum class Place : uint8_t {
  kPath,   // "/Name" of a host that is otherwise well
  kAlone,  // likewise, of a host of its own: an answer that comes unasked may meet the next request
  kHost,   // performed for whoever connects to a host of its own
  kRobots,  // the robots.txt of a host of its own, with "/page" and "/forbidden" behind it
};

// What a crawl takes of a host with an odd robots.txt.
enum class Taken : uint8_t { kAll, kPage /* not what is forbidden */, kNothing };

struct Misbehaviour {
  std::string name;  // letters and digits
  std::string_view what;
  Script script;
  Due due;
  Script next = nullptr;  // performed for the next request on the same connection
  Place place = Place::kPath;
  Taken taken = Taken::kNothing;
  std::string_view group = {};
};

// All of them; the names are unique.
const std::vector<Misbehaviour>& Misbehaviours();

// Parts of it, see misbehaviours_*.cc.
std::vector<Misbehaviour> ConnectionMisbehaviours();
std::vector<Misbehaviour> StatusLineMisbehaviours();
std::vector<Misbehaviour> HeadMisbehaviours();
std::vector<Misbehaviour> BodyMisbehaviours();
std::vector<Misbehaviour> CodingMisbehaviours();
std::vector<Misbehaviour> RedirectMisbehaviours();
std::vector<Misbehaviour> RetryMisbehaviours();
std::vector<Misbehaviour> ContentMisbehaviours();
std::vector<Misbehaviour> RobotsMisbehaviours();

struct HostileServerOptions {
  int port = 0;  // 0: any
  std::string canary = "127.0.0.1:9";
  int healthy_hosts = 0;  // answered for by:
  std::function<Reply(int number, const Request& request)> healthy = nullptr;
};

class HostileServer {
 public:
  explicit HostileServer(const HostileServerOptions& options = {});

  const HttpServer& http() const { return server_; }
  std::string StartUrl() const { return server_.Url("/", 1); }
  // Of a host with an odd robots.txt, that file.
  std::string UrlOf(const Misbehaviour& entry) const;
  std::string UrlOf(const Misbehaviour& entry, std::string_view target) const;
  // On the same host, and well.
  std::string HealthyUrlOf(const Misbehaviour& entry) const;
  std::string HealthyHostUrl(int number) const;  // from 0
  // What "/healthy/..." answers.
  static std::string HealthyBody(std::string_view target);

  // From now on every connection is welcome, everywhere.
  void Heal() { healed_.store(true); }

 private:
  HttpServerOptions ServerOptions();
  Reply Welcome(int address);
  Reply Handle(const Request& request);
  Reply HandlePath(const Request& request);
  std::string StartPage() const;
  int AddressOf(const Misbehaviour& entry) const { return addresses_.at(entry.name); }

  // Constant after construction.
  const HostileServerOptions options_;
  std::map<std::string, int, std::less<>> addresses_;  // by name
  std::map<std::string, const Misbehaviour*, std::less<>> by_path_;
  std::map<int, const Misbehaviour*> by_address_;  // those that have a host to themselves
  int first_healthy_ = 0;

  std::atomic<bool> healed_ = false;  // nothing is ordered by it

  // Owned by the server's thread.
  std::map<uint64_t, const Misbehaviour*> next_;  // by connection

  HttpServer server_;  // last: it uses all of the above
};

}  // namespace crawld::test
