#include "tests/support/hostile_server.h"

#include <cstdlib>
#include <set>
#include <utility>

#include "base/check.h"

namespace crawld::test {
namespace {

// Hosts that the misbehaviours with a path share: one a group.
constexpr int kFront = 1;

void Append(std::vector<Misbehaviour>& all, std::string_view group,
            std::vector<Misbehaviour> more) {
  for (Misbehaviour& entry : more) {
    entry.group = group;
    all.push_back(std::move(entry));
  }
}

}  // namespace

const std::vector<Misbehaviour>& Misbehaviours() {
  static const std::vector<Misbehaviour> all = [] {
    std::vector<Misbehaviour> list;
    Append(list, "connection", ConnectionMisbehaviours());
    Append(list, "status line", StatusLineMisbehaviours());
    Append(list, "head", HeadMisbehaviours());
    Append(list, "body", BodyMisbehaviours());
    Append(list, "coding", CodingMisbehaviours());
    Append(list, "redirect", RedirectMisbehaviours());
    Append(list, "retry", RetryMisbehaviours());
    Append(list, "content", ContentMisbehaviours());
    Append(list, "robots", RobotsMisbehaviours());
    std::set<std::string_view> names;
    for (const Misbehaviour& entry : list) {
      CRAWLD_CHECK(names.insert(entry.name).second, "a misbehaviour's name is its own");
    }
    return list;
  }();
  return all;
}

HostileServer::HostileServer(const HostileServerOptions& options)
    : options_(options),
      server_([this](const Request& request) { return Handle(request); }, ServerOptions()) {}

// Gives every entry its address.
HttpServerOptions HostileServer::ServerOptions() {
  int last = kFront;
  std::map<std::string_view, int> groups;
  for (const Misbehaviour& entry : Misbehaviours()) {
    int& address = entry.place == Place::kPath ? groups[entry.group] : addresses_[entry.name];
    if (address == 0) address = ++last;
    addresses_[entry.name] = address;
    if (entry.place == Place::kPath || entry.place == Place::kAlone) {
      by_path_["/" + entry.name] = &entry;
    } else {
      by_address_[address] = &entry;
    }
  }
  first_healthy_ = last + 1;
  HttpServerOptions server;
  server.addresses = last + options_.healthy_hosts;
  server.port = options_.port;
  server.on_connect = [this](int address) { return Welcome(address); };
  return server;
}

std::string HostileServer::UrlOf(const Misbehaviour& entry) const {
  switch (entry.place) {
    case Place::kPath:
    case Place::kAlone:
      return UrlOf(entry, "/" + entry.name);
    case Place::kHost:
      return UrlOf(entry, "/");
    case Place::kRobots:
      return UrlOf(entry, "/robots.txt");
  }
  return {};
}

std::string HostileServer::UrlOf(const Misbehaviour& entry, std::string_view target) const {
  return server_.Url(target, AddressOf(entry));
}

std::string HostileServer::HealthyUrlOf(const Misbehaviour& entry) const {
  return UrlOf(entry, "/healthy/" + entry.name);
}

std::string HostileServer::HealthyHostUrl(int number) const {
  return server_.Url("/", first_healthy_ + number);
}

std::string HostileServer::HealthyBody(std::string_view target) {
  return "<!doctype html><title>well</title><p>" + std::string(target);
}

Reply HostileServer::Welcome(int address) {
  const auto it = by_address_.find(address);
  if (healed_.load() || it == by_address_.end() || it->second->place != Place::kHost) return {};
  const Request nothing;
  return it->second->script({nothing, "/", "", options_.canary});
}

Reply HostileServer::Handle(const Request& request) {
  // "127.0.0.N:PORT"
  const size_t dot = request.host.rfind('.');
  const int address = dot == std::string::npos ? 0 : std::atoi(request.host.c_str() + dot + 1);
  if (address >= first_healthy_ && options_.healthy)
    return options_.healthy(address - first_healthy_, request);
  if (const auto it = next_.find(request.connection); it != next_.end()) {
    const Misbehaviour& entry = *it->second;
    next_.erase(it);
    return entry.next({request, "/" + entry.name, "", options_.canary});
  }
  const auto own = by_address_.find(address);
  const bool robots = own != by_address_.end() && own->second->place == Place::kRobots;
  if (request.target == "/robots.txt") {
    if (!robots || healed_.load()) return Answer(404, "");
    return own->second->script({request, request.target, "", options_.canary});
  }
  if (address == kFront && request.target == "/") return Html(StartPage());
  if (address == kFront && request.target == "/rules") {
    return Answer(200, "User-agent: *\nDisallow: /forbidden\n", {{"Content-Type", "text/plain"}});
  }
  return HandlePath(request);
}

Reply HostileServer::HandlePath(const Request& request) {
  const std::string_view target = request.target;
  const std::string_view self = target.substr(0, target.find_first_of("/?", 1));
  const auto it = by_path_.find(self);
  if (it == by_path_.end()) return Html(HealthyBody(target));
  const Misbehaviour& entry = *it->second;
  if (entry.next) next_[request.connection] = &entry;
  return entry.script({request, std::string(self), target.substr(self.size()), options_.canary});
}

std::string HostileServer::StartPage() const {
  std::string page = "<!doctype html><title>the catalogue</title>\n";
  const auto link = [&](const std::string& url) { page += "<a href=\"" + url + "\">x</a>\n"; };
  for (const Misbehaviour& entry : Misbehaviours()) {
    if (entry.place == Place::kRobots) {
      link(UrlOf(entry, "/page"));
      link(UrlOf(entry, "/forbidden"));
    } else {
      link(UrlOf(entry));
    }
    if (entry.place == Place::kPath) link(HealthyUrlOf(entry));
  }
  for (int i = 0; i < options_.healthy_hosts; ++i) link(HealthyHostUrl(i));
  return page;
}

}  // namespace crawld::test
