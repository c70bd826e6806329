// TLS: whom connections trust, and what they remember of earlier ones. Internal to the room.
//
// libcurl would read its CA file for each connection, and forget a session when a few others have
// come. So the certificates are parsed once (Trust), and each loop has a store of them and a cache
// of sessions (Tls), which are put into every new connection's SSL_CTX. libcurl is told to load
// and to remember nothing itself.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace crawld::fetcher {

// Certificates of authorities. Immutable; any thread. The loops' stores share the certificates.
class Trust {
 public:
  // Those of a PEM file. Throws FatalError if it cannot be read, has none, or a broken one.
  static std::shared_ptr<const Trust> FromFile(const std::string& path);
  // The system's, read once a process. Where it has none, nothing is trusted.
  static std::shared_ptr<const Trust> OfSystem();

  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

  // A new store, the caller's to free. Throws FatalError when there is no memory.
  X509_STORE* MakeStore() const;
  size_t size() const { return certificates_.size(); }

 private:
  Trust() = default;
  std::vector<X509*> certificates_;
};

// Sessions by what they are good for ("host:port"), the least lately used forgotten first. A ticket
// of TLS 1.3 is given out once (RFC 8446 appendix C.4); sessions of earlier versions stay.
class SessionCache {
 public:
  explicit SessionCache(size_t max_peers) : max_peers_(max_peers) {}
  ~SessionCache();
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;

  // Takes over a reference, unless it throws.
  void Put(const std::string& peer, SSL_SESSION* session);
  SSL_SESSION* Take(const std::string& peer);  // nullptr, or a reference to free

 private:
  static constexpr size_t kTickets = 2;  // a peer; servers mostly send two
  struct Peer {
    std::string name;
    std::vector<SSL_SESSION*> sessions;  // the newest last
  };
  void Forget(std::list<Peer>::iterator peer);

  const size_t max_peers_;
  std::list<Peer> peers_;  // the most lately used first
  std::unordered_map<std::string_view, std::list<Peer>::iterator> index_;
};

// One loop's. Everything but the counters belongs to the loop's thread; it must outlive the
// connections that were set up with it.
class Tls {
 public:
  explicit Tls(size_t max_sessions) : sessions_(max_sessions) {}
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // Prepares a new connection's context. `peer`: whose sessions are its own; empty: nobody's.
  // `trust` must outlive this object. False: no memory.
  bool SetUp(SSL_CTX* context, const Trust& trust, std::string peer);

  // Any thread; nothing is ordered by them.
  uint64_t handshakes() const { return handshakes_.load(std::memory_order_relaxed); }
  uint64_t resumed() const { return resumed_.load(std::memory_order_relaxed); }

 private:
  struct Connection;
  static int Index();  // of a Connection in its SSL_CTX
  static Connection* ConnectionOf(const SSL* ssl);
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);
  static void OnInfo(const SSL* ssl, int where, int value);
  static void OnFree(void* parent, void* connection, CRYPTO_EX_DATA*, int, long, void*);

  SessionCache sessions_;
  std::unordered_map<const Trust*, X509_STORE*> stores_;
  std::atomic<uint64_t> handshakes_ = 0;
  std::atomic<uint64_t> resumed_ = 0;
};

}  // namespace crawld::fetcher
