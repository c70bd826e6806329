#include "parser/content_coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "web/url_bytes.h"

namespace crawld::parser {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Appends up to the limit. False when that cut something: the output is truncated and over.
class Sink {
 public:
  Sink(size_t input_bytes, const DecodeLimits& limits, DecodedBody& body)
      : limit_(std::min(limits.max_output_bytes,
                        std::max(kMinRatioBytes, input_bytes > limits.max_output_bytes
                                                     ? limits.max_output_bytes
                                                     : input_bytes * limits.max_ratio))),
        body_(body) {}

  bool Write(const char* data, size_t size) {
    const size_t room = limit_ - body_.bytes.size();
    body_.bytes.append(data, std::min(size, room));
    if (size <= room) return true;
    body_.truncated = true;
    return false;
  }

 private:
  const size_t limit_;
  DecodedBody& body_;
};

// `window_bits` as zlib takes it: 31 gzip, 15 zlib, -15 raw deflate. `started` becomes true once
// the data has proved to be in the format.
DecodedBody Inflate(std::string_view raw, int window_bits, const DecodeLimits& limits,
                    bool& started) {
  DecodedBody body;
  Sink sink(raw.size(), limits, body);
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) {
    body.complete = false;
    return body;
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, inflateEnd);
  // zlib does not write through next_in, it only lacks the const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  size_t left = raw.size();
  std::array<char, kBufferBytes> buffer;  // NOLINT: written before it is read
  started = false;
  while (true) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min(left, size_t{1} << 30));
      left -= stream.avail_in;
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    const int status = inflate(&stream, Z_NO_FLUSH);
    const size_t produced = buffer.size() - stream.avail_out;
    started = started || produced > 0 || status == Z_STREAM_END;
    if (!sink.Write(buffer.data(), produced)) return body;
    if (status == Z_STREAM_END) {
      // A gzip file may have several members; anything else behind one is ignored, as by gzip.
      if (window_bits != 31 || stream.avail_in < 2 || stream.next_in[0] != 0x1F ||
          stream.next_in[1] != 0x8B || inflateReset(&stream) != Z_OK) {
        return body;
      }
      continue;
    }
    if (status != Z_OK || (produced == 0 && stream.avail_in == 0 && left == 0)) {
      body.complete = false;
      return body;
    }
  }
}

DecodedBody Unbrotli(std::string_view raw, const DecodeLimits& limits, bool& started) {
  DecodedBody body;
  Sink sink(raw.size(), limits, body);
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> decoder(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  const auto* next_in = reinterpret_cast<const uint8_t*>(raw.data());
  size_t in = raw.size();
  std::array<char, kBufferBytes> buffer;  // NOLINT: written before it is read
  started = false;
  while (true) {
    auto* next_out = reinterpret_cast<uint8_t*>(buffer.data());
    size_t out = buffer.size();
    const BrotliDecoderResult status =
        BrotliDecoderDecompressStream(decoder.get(), &in, &next_in, &out, &next_out, nullptr);
    const size_t produced = buffer.size() - out;
    started = started || produced > 0 || status == BROTLI_DECODER_RESULT_SUCCESS;
    if (!sink.Write(buffer.data(), produced)) return body;
    if (status == BROTLI_DECODER_RESULT_SUCCESS) return body;
    if (status != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
      body.complete = false;
      return body;
    }
  }
}

DecodedBody Unzstd(std::string_view raw, const DecodeLimits& limits, bool& started) {
  DecodedBody body;
  Sink sink(raw.size(), limits, body);
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> decoder(ZSTD_createDStream(),
                                                                         ZSTD_freeDStream);
  ZSTD_initDStream(decoder.get());
  // RFC 9659: "zstd" as a content coding has windows of at most 8 MiB.
  ZSTD_DCtx_setParameter(decoder.get(), ZSTD_d_windowLogMax, 23);
  ZSTD_inBuffer in{raw.data(), raw.size(), 0};
  std::array<char, kBufferBytes> buffer;  // NOLINT: written before it is read
  started = false;
  while (true) {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    const size_t before = in.pos;
    const size_t status = ZSTD_decompressStream(decoder.get(), &out, &in);
    started = started || (out.pos > 0 && ZSTD_isError(status) == 0);
    if (ZSTD_isError(status) != 0) {
      body.complete = false;
      return body;
    }
    if (!sink.Write(buffer.data(), out.pos)) return body;
    if (in.pos == in.size && out.pos < out.size) {
      body.complete = status == 0;
      return body;
    }
    if (in.pos == before && out.pos == 0) {
      body.complete = false;
      return body;
    }
  }
}

enum class Coding : uint8_t { kIdentity, kGzip, kDeflate, kBrotli, kZstd };

Result<std::vector<Coding>, ParseError> ParseCodings(std::string_view header, size_t max_codings) {
  std::vector<Coding> codings;
  while (!header.empty()) {
    const size_t comma = std::min(header.find(','), header.size());
    std::string name(Trim(header.substr(0, comma)));
    for (char& c : name) c = web::AsciiLower(c);
    header.remove_prefix(std::min(comma + 1, header.size()));
    if (name.empty() || name == "identity" || name == "none") continue;
    if (codings.size() == max_codings) return Err(ParseError::kTooManyCodings);
    if (name == "gzip" || name == "x-gzip") {
      codings.push_back(Coding::kGzip);
    } else if (name == "deflate") {
      codings.push_back(Coding::kDeflate);
    } else if (name == "br") {
      codings.push_back(Coding::kBrotli);
    } else if (name == "zstd") {
      codings.push_back(Coding::kZstd);
    } else {
      return Err(ParseError::kUnknownCoding);
    }
  }
  return codings;
}

// The data says itself that it is in that coding, even where nothing could be decoded.
bool HasMagic(std::string_view bytes, Coding coding) {
  return (coding == Coding::kGzip && bytes.starts_with("\x1F\x8B")) ||
         (coding == Coding::kZstd && bytes.starts_with("\x28\xB5\x2F\xFD"));
}

DecodedBody DecodeOne(std::string_view raw, Coding coding, const DecodeLimits& limits,
                      bool& started) {
  switch (coding) {
    case Coding::kGzip:
      return Inflate(raw, 31, limits, started);
    case Coding::kDeflate: {
      // "deflate" means the zlib format; some servers send the bare stream.
      DecodedBody body = Inflate(raw, 15, limits, started);
      return started ? body : Inflate(raw, -15, limits, started);
    }
    case Coding::kBrotli:
      return Unbrotli(raw, limits, started);
    case Coding::kZstd:
      return Unzstd(raw, limits, started);
    case Coding::kIdentity:
      break;
  }
  started = false;
  return {};
}

}  // namespace

DecodedBody Dechunk(std::string_view raw) {
  DecodedBody body;
  body.complete = false;
  while (true) {
    const size_t line_end = raw.find('\n');
    if (line_end == std::string_view::npos) return body;
    size_t size = 0;
    size_t digits = 0;
    while (digits < line_end && web::HexValue(raw[digits]) >= 0) {
      if (size > (size_t{1} << 40)) return body;
      size = size * 16 + static_cast<size_t>(web::HexValue(raw[digits]));
      ++digits;
    }
    if (digits == 0) return body;
    raw.remove_prefix(line_end + 1);
    if (size == 0) {
      body.complete = true;
      return body;
    }
    body.bytes.append(raw.substr(0, size));
    if (raw.size() < size) return body;
    raw.remove_prefix(size);
    if (raw.starts_with("\r\n")) {
      raw.remove_prefix(2);
    } else if (raw.starts_with('\n')) {
      raw.remove_prefix(1);
    } else {
      return body;
    }
  }
}

DecodedBody Gunzip(std::string_view raw, const DecodeLimits& limits) {
  bool started = false;
  return Inflate(raw, 31, limits, started);
}

Result<DecodedBody, ParseError> DecodeBody(std::string_view raw, bool chunked,
                                           std::string_view content_encoding,
                                           const DecodeLimits& limits) {
  auto codings = ParseCodings(content_encoding, limits.max_codings);
  if (!codings) return Err(codings.error());
  DecodedBody body;
  std::string_view bytes = raw;
  if (chunked) {
    body = Dechunk(raw);
    bytes = body.bytes;
  }
  // Listed in the order in which they were applied, so undone from the last.
  for (auto coding = codings->rbegin(); coding != codings->rend() && !bytes.empty(); ++coding) {
    bool started = false;
    DecodedBody decoded = DecodeOne(bytes, *coding, limits, started);
    if (!started && !HasMagic(bytes, *coding)) {
      body.complete = false;
      continue;
    }
    decoded.complete = decoded.complete && body.complete;
    decoded.truncated = decoded.truncated || body.truncated;
    body = std::move(decoded);
    bytes = body.bytes;
  }
  if (bytes.data() == raw.data()) body.bytes = raw;
  if (body.bytes.size() > limits.max_output_bytes) {
    body.bytes.resize(limits.max_output_bytes);
    body.truncated = true;
  }
  return body;
}

}  // namespace crawld::parser
