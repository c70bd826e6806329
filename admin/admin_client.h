// AdminClient: asks a running daemon, for the command line.
//
// One request after the other on one connection; a daemon that does not answer in time is a
// FatalError that says where it was looked for. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace crawld::admin {

// Where the daemon listens: its Unix socket, or an address ("127.0.0.1:8080").
struct AdminTarget {
  std::optional<std::filesystem::path> socket;
  std::string address;
  std::string token;  // by TCP, if it wants one
};

struct AdminAnswer {
  int status = 0;
  std::string body;
};

class AdminClient {
 public:
  explicit AdminClient(AdminTarget target,
                       std::chrono::milliseconds patience = std::chrono::seconds(30));
  ~AdminClient();
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  // Throws FatalError if nobody answers.
  AdminAnswer Get(const std::string& path) { return Ask("GET", path, {}, {}); }
  AdminAnswer Post(const std::string& path, const std::string& body, const std::string& type) {
    return Ask("POST", path, body, type);
  }
  AdminAnswer Put(const std::string& path, const std::string& body, const std::string& type) {
    return Ask("PUT", path, body, type);
  }

 private:
  AdminAnswer Ask(const std::string& method, const std::string& path, const std::string& body,
                  const std::string& type);
  class Connection;
  const AdminTarget target_;
  const std::chrono::milliseconds patience_;
  std::unique_ptr<Connection> connection_;  // null: none yet, or it has ended
};

}  // namespace crawld::admin
