#include "tests/support/tls_server.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <deque>
#include <utility>

#include "base/check.h"

namespace crawld::test {
namespace {

constexpr long kDay = 24L * 3600;
constexpr int kPollMs = 5;

EVP_PKEY* MakeKey() {
  std::string curve = "P-256";
  return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.data());
}

X509* MakeCertificate(EVP_PKEY* key, const std::string& name, X509* issuer, EVP_PKEY* signer,
                      const std::vector<std::string>& names, bool expired) {
  static std::atomic<long> serial = 1;
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -kDay : 10 * kDay);
  X509_set_pubkey(certificate, key);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, issuer != nullptr ? X509_get_subject_name(issuer) : subject);
  const auto add = [&](int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer != nullptr ? issuer : certificate, certificate, nullptr,
                   nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    CRAWLD_CHECK(extension != nullptr, "the test's extensions are well-formed");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  std::string list;
  for (const std::string& one : names) list += (list.empty() ? "" : ",") + one;
  if (!list.empty()) add(NID_subject_alt_name, list);
  CRAWLD_CHECK(X509_sign(certificate, signer, EVP_sha256()) > 0, "a test can sign");
  return certificate;
}

bool ReadAll(SSL* ssl, char* to, size_t bytes) {
  while (bytes > 0) {
    size_t got = 0;
    if (SSL_read_ex(ssl, to, bytes, &got) != 1) return false;
    to += got;
    bytes -= got;
  }
  return true;
}

bool WriteAll(SSL* ssl, std::string_view bytes) {
  size_t written = 0;
  return bytes.empty() || SSL_write_ex(ssl, bytes.data(), bytes.size(), &written) == 1;
}

// RFC 9113 section 4.1.
enum FrameType : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoaway };
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndHeaders = 4;

std::string Number(uint32_t n, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(n >> shift);
  return text;
}

// ":status: 200" and the length (RFC 7541: static entries 8 and 28).
std::string HeadersOf(const std::string& body) {
  const std::string length = std::to_string(body.size());
  return std::string("\x88\x0f\x0d") + static_cast<char>(length.size()) + length;
}

}  // namespace

std::string Http2Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  return Number(static_cast<uint32_t>(payload.size()), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + Number(stream, 4) + std::string(payload);
}

TlsServer::TlsServer(Handler handler, const TlsServerOptions& options)
    : handler_(std::move(handler)), options_(options) {
  EVP_PKEY* const ca_key = MakeKey();
  EVP_PKEY* const key = MakeKey();
  static std::atomic<int> number = 1;
  X509* const ca = MakeCertificate(ca_key, "crawld test CA " + std::to_string(number++), nullptr,
                                   ca_key, {}, false);
  X509* const own = MakeCertificate(key, "crawld test", ca, ca_key, options.names, options.expired);
  BIO* const pem = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(pem, ca);
  char* text = nullptr;
  const long size = BIO_ctrl(pem, BIO_CTRL_INFO, 0, &text);
  ca_pem_.assign(text, static_cast<size_t>(size));
  BIO_free(pem);
  context_ = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(context_, own);
  SSL_CTX_use_PrivateKey(context_, key);
  SSL_CTX_set_max_proto_version(context_, options.max_version);
  SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("t"), 1);
  if (options.http2) {
    SSL_CTX_set_alpn_select_cb(
        context_,
        [](SSL*, const unsigned char** out, unsigned char* length, const unsigned char*, unsigned,
           void*) {
          *out = reinterpret_cast<const unsigned char*>("h2");
          *length = 2;
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }
  X509_free(own);
  X509_free(ca);
  EVP_PKEY_free(key);
  EVP_PKEY_free(ca_key);

  acceptor_.Start();
}

TlsServer::~TlsServer() {
  acceptor_.Stop();
  SSL_CTX_free(context_);
}

std::string TlsServer::Url(std::string_view target, std::string_view host) const {
  return "https://" + std::string(host) + ":" + std::to_string(port()) + std::string(target);
}

std::vector<std::string> TlsServer::heads() const {
  const MutexLock lock(mutex_);
  return heads_;
}

void TlsServer::Serve(int fd, int connection) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  SSL* const ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    if (SSL_session_reused(ssl) == 1) ++resumed_;
    const unsigned char* protocol = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &length);
    if (length == 2) {
      ServeHttp2(ssl, fd, connection);
    } else {
      ServeHttp1(ssl, connection);
    }
  }
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // or its session is forgotten
  SSL_free(ssl);
  shutdown(fd, SHUT_RDWR);
}

void TlsServer::ServeHttp1(SSL* ssl, int connection) {
  std::string in;
  while (!acceptor_.stopping()) {
    size_t end = 0;
    while ((end = in.find("\r\n\r\n")) == std::string::npos) {
      std::array<char, 4096> piece;
      size_t got = 0;
      if (SSL_read_ex(ssl, piece.data(), piece.size(), &got) != 1) return;
      in.append(piece.data(), got);
    }
    TlsRequest request;
    request.raw_head = in.substr(0, end + 4);
    in.erase(0, end + 4);
    const size_t from = request.raw_head.find(' ') + 1;
    request.target = request.raw_head.substr(from, request.raw_head.find(' ', from) - from);
    request.connection = connection;
    request.number = ++requests_;
    {
      const MutexLock lock(mutex_);
      heads_.push_back(request.raw_head);
    }
    const TlsAnswer answer = handler_(request);
    if (answer.stall) continue;
    if (!WriteAll(ssl, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(answer.body.size()) +
                           "\r\n\r\n" + answer.body)) {
      return;
    }
    if (answer.close) return;
  }
}

void TlsServer::ServeHttp2(SSL* ssl, int fd, int connection) {
  struct Stream {
    uint32_t id = 0;
    TlsAnswer answer;
    size_t sent = 0;
    bool begun = false;
  };
  std::deque<Stream> streams;
  std::array<char, 24> preface;
  if (!ReadAll(ssl, preface.data(), preface.size())) return;
  if (!WriteAll(ssl, Http2Frame(kSettings, 0, 0, ""))) return;
  while (!acceptor_.stopping()) {
    pollfd wait{fd, POLLIN, 0};
    const bool may_answer = !options_.wait || released_.load();
    const bool ready = may_answer && std::any_of(streams.begin(), streams.end(),
                                                 [](const auto& s) { return !s.answer.stall; });
    if (SSL_pending(ssl) > 0 || poll(&wait, 1, ready ? 0 : kPollMs) > 0) {
      std::array<char, 9> head;
      if (!ReadAll(ssl, head.data(), head.size())) break;
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(head[i]); };
      const size_t size = (size_t{byte(0)} << 16) | (size_t{byte(1)} << 8) | byte(2);
      const uint32_t id = (uint32_t{byte(5)} << 24) | (uint32_t{byte(6)} << 16) |
                          (uint32_t{byte(7)} << 8) | byte(8);
      std::string payload(size, '\0');
      if (!ReadAll(ssl, payload.data(), size)) break;
      if (byte(3) == kSettings && (byte(4) & kAck) == 0) {
        if (!WriteAll(ssl, Http2Frame(kSettings, kAck, 0, ""))) break;
      } else if (byte(3) == kPing && (byte(4) & kAck) == 0) {
        if (!WriteAll(ssl, Http2Frame(kPing, kAck, 0, payload))) break;
      } else if (byte(3) == kReset) {
        const auto gone = std::find_if(streams.begin(), streams.end(),
                                       [id](const Stream& stream) { return stream.id == id; });
        if (gone != streams.end()) {
          streams.erase(gone);
          --waiting_;
        }
      } else if (byte(3) == kHeaders) {
        TlsRequest request;
        request.number = ++requests_;
        request.connection = connection;
        TlsAnswer answer = handler_(request);
        if (answer.reset != 0) {
          if (!WriteAll(ssl, Http2Frame(kReset, 0, id, Number(answer.reset, 4)))) break;
        } else if (answer.goaway) {
          WriteAll(ssl, Http2Frame(kGoaway, 0, 0, Number(0, 4) + Number(0, 4)));
          break;
        } else if (answer.frames) {
          if (!WriteAll(ssl, answer.frames(id)) || answer.close) break;
        } else {
          streams.push_back({id, std::move(answer)});
          ++waiting_;
          most_streams_ = std::max(most_streams_.load(), static_cast<int>(streams.size()));
        }
      }
      continue;
    }
    if (!ready) continue;
    // A piece of each, one after another.
    constexpr size_t kPiece = 16'000;
    for (auto stream = streams.begin(); stream != streams.end();) {
      if (stream->answer.stall) {
        ++stream;
        continue;
      }
      const std::string& body = stream->answer.body;
      std::string out;
      if (!std::exchange(stream->begun, true)) {
        out += Http2Frame(kHeaders, kEndHeaders | (body.empty() ? kEndStream : 0), stream->id,
                          HeadersOf(body));
      }
      const std::string piece = body.substr(stream->sent, kPiece);
      stream->sent += piece.size();
      const bool last = stream->sent == body.size();
      if (!piece.empty()) out += Http2Frame(kData, last ? kEndStream : 0, stream->id, piece);
      if (!WriteAll(ssl, out)) return;
      if (last) {
        stream = streams.erase(stream);
        --waiting_;
      } else {
        ++stream;
      }
    }
  }
}

}  // namespace crawld::test
