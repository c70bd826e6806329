#include "archive/bundle.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <ctime>

#include "archive/gzip_member.h"
#include "base/check.h"

namespace crawld::archive {
namespace {

// RFC 4648 section 6, without padding: a SHA-1 needs none, other digests go without.
std::string Base32(const uint8_t* bytes, size_t size) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < size; ++i) {
    bits = bits << 8 | bytes[i];
    count += 8;
    while (count >= 5) {
      count -= 5;
      out.push_back(kAlphabet[(bits >> count) & 31]);
    }
  }
  if (count > 0) out.push_back(kAlphabet[(bits << (5 - count)) & 31]);
  return out;
}

std::string Quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::tm UtcOf(WallTime when) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return utc;
}

}  // namespace

std::string_view Name(Truncation truncation) {
  switch (truncation) {
    case Truncation::kNone:
      return "";
    case Truncation::kLength:
      return "length";
    case Truncation::kTime:
      return "time";
    case Truncation::kDisconnect:
      return "disconnect";
  }
  return "";
}

std::string FormatDate(WallTime when) {
  const std::tm utc = UtcOf(when);
  const auto millis = (when - std::chrono::floor<std::chrono::seconds>(when)).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

std::string FormatTimestamp(WallTime when) {
  const std::tm utc = UtcOf(when);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

struct BundleBuilder::Impl {
  explicit Impl(const BundleOptions& o)
      : options(o),
        gzip(o.compression),
        digest(EVP_MD_CTX_new()),
        algorithm(o.digest == Digest::kSha1 ? EVP_sha1() : EVP_sha256()) {
    CRAWLD_CHECK(digest != nullptr, "out of memory");
  }
  ~Impl() { EVP_MD_CTX_free(digest); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::string DigestOf(std::string_view a, std::string_view b = {}) {
    std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    CRAWLD_CHECK(EVP_DigestInit_ex(digest, algorithm, nullptr) == 1 &&
                     EVP_DigestUpdate(digest, a.data(), a.size()) == 1 &&
                     EVP_DigestUpdate(digest, b.data(), b.size()) == 1 &&
                     EVP_DigestFinal_ex(digest, out.data(), &size) == 1,
                 "a digest of OpenSSL's own does not fail");
    return (options.digest == Digest::kSha1 ? "sha1:" : "sha256:") + Base32(out.data(), size);
  }

  // Appends head + a + b + the record's closing empty lines to `out`, as one gzip member.
  uint64_t AppendMember(std::string_view head, std::string_view a, std::string_view b,
                        std::string& out) {
    record.clear();
    record.reserve(head.size() + a.size() + b.size() + 4);
    record.append(head).append(a).append(b).append("\r\n\r\n");
    const uint64_t size = gzip.Append(record, out);
    if (record.capacity() > kKeptBuffer) std::string().swap(record);
    return size;
  }

  std::string NewId() { return "<urn:uuid:" + to_string(uuids()) + ">"; }

  static constexpr size_t kKeptBuffer = 4 << 20;

  const BundleOptions options;
  GzipMember gzip;
  EVP_MD_CTX* const digest;
  const EVP_MD* const algorithm;
  boost::uuids::random_generator_mt19937 uuids;
  std::string record;  // reused
};

BundleBuilder::BundleBuilder(const BundleOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
BundleBuilder::~BundleBuilder() = default;

void BundleBuilder::AddExchange(const HttpExchange& exchange, Bundle& bundle) {
  const std::string date = FormatDate(exchange.begun);
  const std::string response_id = impl_->NewId();
  const std::string payload_digest = impl_->DigestOf(exchange.body);

  std::string head;
  head.reserve(1024);
  auto out = std::back_inserter(head);
  fmt::format_to(out,
                 "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: {}\r\nWARC-Date: {}\r\n"
                 "WARC-Target-URI: {}\r\n",
                 response_id, date, exchange.url);
  if (!exchange.ip.empty()) fmt::format_to(out, "WARC-IP-Address: {}\r\n", exchange.ip);
  if (!exchange.protocol.empty()) {
    fmt::format_to(out, "WARC-Protocol: {}\r\n", exchange.protocol);
  }
  if (exchange.truncated != Truncation::kNone) {
    fmt::format_to(out, "WARC-Truncated: {}\r\n", Name(exchange.truncated));
  }
  fmt::format_to(out,
                 "WARC-Payload-Digest: {}\r\nWARC-Block-Digest: {}\r\n"
                 "Content-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n",
                 payload_digest, impl_->DigestOf(exchange.response_head, exchange.body),
                 exchange.response_head.size() + exchange.body.size());
  bundle.response_bytes =
      impl_->AppendMember(head, exchange.response_head, exchange.body, bundle.warc);

  head.clear();
  fmt::format_to(out,
                 "WARC/1.1\r\nWARC-Type: request\r\nWARC-Record-ID: {}\r\nWARC-Date: {}\r\n"
                 "WARC-Target-URI: {}\r\nWARC-Concurrent-To: {}\r\nWARC-Block-Digest: {}\r\n"
                 "Content-Type: application/http; msgtype=request\r\nContent-Length: {}\r\n\r\n",
                 impl_->NewId(), date, exchange.url, response_id,
                 impl_->DigestOf(exchange.request_head), exchange.request_head.size());
  impl_->AppendMember(head, exchange.request_head, {}, bundle.warc);

  bundle.index =
      fmt::format(R"({} {} {{"url":{},"mime":{},"status":"{}","digest":"{}","length":"{}")",
                  exchange.surt, FormatTimestamp(exchange.begun), Quoted(exchange.url),
                  Quoted(exchange.media_type.empty() ? "unk" : exchange.media_type),
                  exchange.status, payload_digest, bundle.response_bytes);
}

std::string BundleBuilder::Warcinfo(std::string_view file_name, std::string_view user_agent,
                                    WallTime now) {
  const std::string fields = fmt::format(
      "software: crawld/{}\r\nformat: WARC File Format 1.1\r\nconformsTo: "
      "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
      "http-header-user-agent: {}\r\n",
      CRAWLD_VERSION, user_agent);
  const std::string head = fmt::format(
      "WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: {}\r\nWARC-Date: {}\r\n"
      "WARC-Filename: {}\r\nWARC-Block-Digest: {}\r\nContent-Type: application/warc-fields\r\n"
      "Content-Length: {}\r\n\r\n",
      impl_->NewId(), FormatDate(now), file_name, impl_->DigestOf(fields), fields.size());
  std::string member;
  impl_->AppendMember(head, fields, {}, member);
  return member;
}

}  // namespace crawld::archive
