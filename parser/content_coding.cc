#include "parser/content_coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "web/ascii.h"

namespace crawld::parser {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

using Take = std::function<bool(std::string_view)>;

// Hands on up to the limit.
class Sink {
 public:
  Sink(size_t input_bytes, const DecodeLimits& limits, const Take& take)
      : left_(std::min(limits.max_output_bytes,
                       std::max(kMinRatioBytes, input_bytes > limits.max_output_bytes
                                                    ? limits.max_output_bytes
                                                    : input_bytes * limits.max_ratio))),
        take_(take) {}

  // False when no more is wanted.
  bool Write(const char* data, size_t size) {
    const size_t room = std::min(size, left_);
    left_ -= room;
    if (room > 0 && !take_({data, room})) return false;
    if (room == size) return true;
    truncated_ = true;
    return false;
  }

  DecodeEnd End(bool complete) const { return {.complete = complete, .truncated = truncated_}; }

 private:
  size_t left_;
  bool truncated_ = false;
  const Take& take_;
};

// `window_bits` as zlib takes it: 31 gzip, 15 zlib, -15 raw deflate. `started` becomes true once
// the data has proved to be in the format.
DecodeEnd Inflate(std::string_view raw, int window_bits, const DecodeLimits& limits,
                  const Take& take, bool& started) {
  Sink sink(raw.size(), limits, take);
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) {
    return sink.End(false);
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
    if (!sink.Write(buffer.data(), produced)) return sink.End(true);
    if (status == Z_STREAM_END) {
      // A gzip file may have several members; anything else behind one is ignored, as by gzip.
      if (window_bits != 31 || stream.avail_in < 2 || stream.next_in[0] != 0x1F ||
          stream.next_in[1] != 0x8B || inflateReset(&stream) != Z_OK) {
        return sink.End(true);
      }
      continue;
    }
    if (status != Z_OK || (produced == 0 && stream.avail_in == 0 && left == 0)) {
      return sink.End(false);
    }
  }
}

DecodeEnd Unbrotli(std::string_view raw, const DecodeLimits& limits, const Take& take,
                   bool& started) {
  Sink sink(raw.size(), limits, take);
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
    if (!sink.Write(buffer.data(), produced)) return sink.End(true);
    if (status == BROTLI_DECODER_RESULT_SUCCESS) return sink.End(true);
    if (status != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
      return sink.End(false);
    }
  }
}

DecodeEnd Unzstd(std::string_view raw, const DecodeLimits& limits, const Take& take,
                 bool& started) {
  Sink sink(raw.size(), limits, take);
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
      return sink.End(false);
    }
    if (!sink.Write(buffer.data(), out.pos)) return sink.End(true);
    if (in.pos == in.size && out.pos < out.size) {
      return sink.End(status == 0);
    }
    if (in.pos == before && out.pos == 0) {
      return sink.End(false);
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

DecodeEnd DecodeOne(std::string_view raw, Coding coding, const DecodeLimits& limits,
                    const Take& take, bool& started) {
  switch (coding) {
    case Coding::kGzip:
      return Inflate(raw, 31, limits, take, started);
    case Coding::kDeflate: {
      // "deflate" means the zlib format; some servers send the bare stream.
      const DecodeEnd end = Inflate(raw, 15, limits, take, started);
      return started ? end : Inflate(raw, -15, limits, take, started);
    }
    case Coding::kBrotli:
      return Unbrotli(raw, limits, take, started);
    case Coding::kZstd:
      return Unzstd(raw, limits, take, started);
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
    // An extension, blanks before it, or the line's end; "0x1e" is no size.
    const bool sound = digits == line_end || raw[digits] == ';' || web::IsAsciiSpace(raw[digits]);
    if (digits == 0 || !sound) return body;
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

struct GunzipStream::State {
  Take take;
  z_stream stream{};
  bool open = false;
  bool whole = false;  // at a member's end
  bool over = false;

  ~State() {
    if (open) inflateEnd(&stream);
  }
};

GunzipStream::GunzipStream(Take take) : state_(std::make_unique<State>()) {
  state_->take = std::move(take);
  state_->open = inflateInit2(&state_->stream, 31) == Z_OK;
  state_->over = !state_->open;
}
GunzipStream::~GunzipStream() = default;

bool GunzipStream::complete() const { return state_->whole; }

bool GunzipStream::Write(std::string_view piece) {
  State& state = *state_;
  z_stream& stream = state.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<uInt>(piece.size());
  std::array<char, kBufferBytes> buffer;  // NOLINT: written before it is read
  while (!state.over) {
    if (state.whole && stream.avail_in > 0) {
      // Anything but a member behind the last one is ignored, as by gzip.
      state.over = stream.next_in[0] != 0x1F || inflateReset(&stream) != Z_OK;
      if (state.over) break;
      state.whole = false;
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    const int status = inflate(&stream, Z_NO_FLUSH);
    const size_t produced = buffer.size() - stream.avail_out;
    if (produced > 0 && !state.take({buffer.data(), produced})) state.over = true;
    if (status == Z_STREAM_END) {
      state.whole = true;
      if (stream.avail_in == 0) break;
      continue;
    }
    if (status != Z_OK && status != Z_BUF_ERROR) state.over = true;
    if (stream.avail_in == 0 && stream.avail_out > 0) break;
    if (status == Z_BUF_ERROR && produced == 0) break;
  }
  return !state.over;
}

Result<DecodedBody, ParseError> DecodeBody(std::string_view raw, bool chunked,
                                           std::string_view content_encoding,
                                           const DecodeLimits& limits) {
  DecodedBody body;
  const auto end =
      DecodeBodyTo(raw, chunked, content_encoding, limits, [&](std::string_view piece) {
        body.bytes.append(piece);
        return true;
      });
  if (!end) return Err(end.error());
  body.complete = end->complete;
  body.truncated = end->truncated;
  return body;
}

Result<DecodeEnd, ParseError> DecodeBodyTo(std::string_view raw, bool chunked,
                                           std::string_view content_encoding,
                                           const DecodeLimits& limits, const Take& take) {
  auto codings = ParseCodings(content_encoding, limits.max_codings);
  if (!codings) return Err(codings.error());
  DecodeEnd result;
  DecodedBody held;
  std::string_view bytes = raw;
  if (chunked) {
    held = Dechunk(raw);
    result.complete = held.complete;
    bytes = held.bytes;
  }
  // Listed in the order in which they were applied, so undone from the last; the first one's output
  // goes on at once, that of the others is held.
  for (size_t i = codings->size(); i > 0 && !bytes.empty(); --i) {
    const bool last = i == 1;
    std::string decoded;
    const Take hold = [&](std::string_view piece) {
      decoded.append(piece);
      return true;
    };
    bool started = false;
    const DecodeEnd end = DecodeOne(bytes, (*codings)[i - 1], limits, last ? take : hold, started);
    if (!started && !HasMagic(bytes, (*codings)[i - 1])) {
      result.complete = false;
      continue;
    }
    result.complete = result.complete && end.complete;
    result.truncated = result.truncated || end.truncated;
    if (last) return result;
    held.bytes = std::move(decoded);
    bytes = held.bytes;
  }
  if (bytes.size() > limits.max_output_bytes) {
    bytes = bytes.substr(0, limits.max_output_bytes);
    result.truncated = true;
  }
  while (!bytes.empty() && take(bytes.substr(0, kBufferBytes))) {
    bytes.remove_prefix(std::min(bytes.size(), kBufferBytes));
  }
  return result;
}

}  // namespace crawld::parser
