#include "fetcher/tls.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace crawld::fetcher {
namespace {

std::string SystemFile() {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  if (info->age >= CURLVERSION_SEVENTH && info->cainfo != nullptr) return info->cainfo;
  return X509_get_default_cert_file();
}

}  // namespace

std::shared_ptr<const Trust> Trust::FromFile(const std::string& path) {
  const std::shared_ptr<Trust> trust(new Trust);
  errno = 0;
  BIO* const file = BIO_new_file(path.c_str(), "r");
  const int error = errno;
  if (file == nullptr) {
    ERR_clear_error();
    throw FatalError(fmt::format("{}: the certificates to trust cannot be read: {}", path,
                                 std::generic_category().message(error)));
  }
  while (X509* certificate = PEM_read_bio_X509_AUX(file, nullptr, nullptr, nullptr)) {
    trust->certificates_.push_back(certificate);
  }
  BIO_free(file);
  // The end of the file is that no further certificate begins.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end || trust->certificates_.empty()) {
    throw FatalError(fmt::format(
        "{}: {}; give a file of certificates as PEM (-----BEGIN CERTIFICATE-----)", path,
        at_end
            ? "has no certificate"
            : fmt::format("its certificate number {} is broken", trust->certificates_.size() + 1)));
  }
  return trust;
}

std::shared_ptr<const Trust> Trust::OfSystem() {
  static const std::shared_ptr<const Trust> trust = []() -> std::shared_ptr<const Trust> {
    try {
      return FromFile(SystemFile());
    } catch (const FatalError& e) {
      spdlog::warn("no https server is trusted (install ca-certificates, or set ca_file): {}",
                   e.what());
      return std::shared_ptr<const Trust>(new Trust);
    }
  }();
  return trust;
}

Trust::~Trust() {
  for (X509* certificate : certificates_) X509_free(certificate);
}

X509_STORE* Trust::MakeStore() const {
  X509_STORE* const store = X509_STORE_new();
  if (store == nullptr) throw FatalError("OpenSSL gives no store for certificates: out of memory");
  for (X509* certificate : certificates_) X509_STORE_add_cert(store, certificate);
  // As libcurl sets it: a certificate that is trusted need not be its own issuer.
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return store;
}

SessionCache::~SessionCache() {
  while (!peers_.empty()) Forget(peers_.begin());
}

void SessionCache::Forget(std::list<Peer>::iterator peer) {
  for (SSL_SESSION* session : peer->sessions) SSL_SESSION_free(session);
  index_.erase(peer->name);
  peers_.erase(peer);
}

void SessionCache::Put(const std::string& peer, SSL_SESSION* session) {
  if (max_peers_ == 0) return SSL_SESSION_free(session);
  auto found = index_.find(peer);
  if (found == index_.end()) {
    std::list<Peer> made(1);
    made.front().name = peer;
    made.front().sessions.reserve(kTickets);
    found = index_.emplace(made.front().name, made.begin()).first;
    peers_.splice(peers_.begin(), made);  // from here on nothing throws
    if (index_.size() > max_peers_) Forget(std::prev(peers_.end()));
  } else {
    peers_.splice(peers_.begin(), peers_, found->second);
  }
  auto& sessions = found->second->sessions;
  if (sessions.size() == kTickets) {
    SSL_SESSION_free(sessions.front());
    sessions.erase(sessions.begin());
  }
  sessions.push_back(session);
}

SSL_SESSION* SessionCache::Take(const std::string& peer) {
  const auto found = index_.find(peer);
  if (found == index_.end()) return nullptr;
  const auto it = found->second;
  peers_.splice(peers_.begin(), peers_, it);
  SSL_SESSION* const session = it->sessions.back();
  if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(session);
    return session;
  }
  it->sessions.pop_back();
  if (it->sessions.empty()) Forget(it);
  return session;
}

// What a connection's SSL_CTX has of us; dies with it.
struct Tls::Connection {
  Tls* tls = nullptr;
  std::string peer;
  bool begun = false;
  bool done = false;
};

Tls::~Tls() {
  for (auto& [trust, store] : stores_) X509_STORE_free(store);
}

int Tls::Index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &OnFree);
  return index;
}

void Tls::OnFree(void*, void* connection, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Connection*>(connection);
}

Tls::Connection* Tls::ConnectionOf(const SSL* ssl) {
  return static_cast<Connection*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), Index()));
}

bool Tls::SetUp(SSL_CTX* context, const Trust& trust, std::string peer) {
  X509_STORE*& store = stores_[&trust];
  if (store == nullptr) store = trust.MakeStore();
  SSL_CTX_set1_cert_store(context, store);
  auto connection = std::make_unique<Connection>();
  connection->tls = this;
  connection->peer = std::move(peer);
  if (SSL_CTX_set_ex_data(context, Index(), connection.get()) != 1) return false;
  (void)connection.release();  // OnFree() deletes it
  // libcurl switches off the tickets of TLS 1.2; many servers remember no session in another way.
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  // An idle connection needs no 34 KB of buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &OnNewSession);
  SSL_CTX_set_info_callback(context, &OnInfo);
  return true;
}

int Tls::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  const Connection* connection = ConnectionOf(ssl);
  if (connection == nullptr || connection->peer.empty()) return 0;  // OpenSSL keeps its reference
  try {
    connection->tls->sessions_.Put(connection->peer, session);
  } catch (const std::exception&) {  // no memory; none may leave through OpenSSL's frames
    return 0;
  }
  return 1;
}

// OpenSSL has no hook for a client's session. It tells when the handshake begins, before the
// ClientHello is written.
void Tls::OnInfo(const SSL* ssl, int where, int) {
  if ((where & (SSL_CB_HANDSHAKE_START | SSL_CB_HANDSHAKE_DONE)) == 0) return;
  Connection* connection = ConnectionOf(ssl);
  if (connection == nullptr) return;
  Tls& tls = *connection->tls;
  if ((where & SSL_CB_HANDSHAKE_START) != 0) {
    if (std::exchange(connection->begun, true) || connection->peer.empty()) return;
    SSL_SESSION* const session = tls.sessions_.Take(connection->peer);
    if (session == nullptr) return;
    SSL_set_session(const_cast<SSL*>(ssl), session);  // the callback's type has a const too many
    SSL_SESSION_free(session);
  } else if (!std::exchange(connection->done, true)) {
    tls.handshakes_.fetch_add(1, std::memory_order_relaxed);
    if (SSL_session_reused(ssl) == 1) tls.resumed_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace crawld::fetcher
