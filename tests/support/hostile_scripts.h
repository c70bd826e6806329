// The words in which the catalogue of misbehaviours is written: what a server does, and what is
// due. Internal to tests/support.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/hostile_server.h"

namespace crawld::test {

using std::chrono::milliseconds;

inline constexpr uint64_t kForEver = uint64_t{1} << 40;
inline constexpr std::string_view kPlainOk = "HTTP/1.1 200 OK\r\n";
inline constexpr std::string_view kHtmlOk = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
inline constexpr std::string_view kChunkedOk =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n";

inline std::string Join(std::string_view a, std::string_view b, std::string_view c = "") {
  return std::string(a).append(b).append(c);
}
inline std::string Times(std::string_view piece, size_t times) {
  std::string out;
  out.reserve(piece.size() * times);
  for (size_t i = 0; i < times; ++i) out.append(piece);
  return out;
}
// Bytes with NULs in them.
template <size_t N>
std::string Raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

// --- what is done

// Sends these bytes, and then: closes, keeps the connection for the next request, says no more,
// resets it (once the bytes have arrived), half-closes it.
inline Script Closes(std::string bytes) {
  return [bytes = std::move(bytes)](const Scene&) { return Reply().Send(bytes).Close(); };
}
inline Script Keeps(std::string bytes) {
  return [bytes = std::move(bytes)](const Scene&) { return Reply().Send(bytes); };
}
inline Script Stalls(std::string bytes) {
  return [bytes = std::move(bytes)](const Scene&) { return Reply().Send(bytes).Stall(); };
}
inline Script Resets(std::string bytes) {
  return [bytes = std::move(bytes)](const Scene&) {
    Reply reply;
    if (!bytes.empty()) reply.Send(bytes).Delay(milliseconds(50));
    return reply.Reset();
  };
}
inline Script HalfCloses(std::string bytes) {
  return
      [bytes = std::move(bytes)](const Scene&) { return Reply().Send(bytes).HalfClose().Stall(); };
}
// Sends the first bytes, then the piece over and over, then the last bytes.
inline Script Floods(std::string first, std::string piece, uint64_t times = kForEver,
                     std::string last = "") {
  return [first = std::move(first), piece = std::move(piece), times, last = std::move(last)](
             const Scene&) { return Reply().Send(first).Send(piece, times).Send(last).Close(); };
}
// Sends the first bytes, then the piece every so often, for a minute.
inline Script Drips(std::string first, std::string piece, milliseconds every = milliseconds(20)) {
  return [first = std::move(first), piece = std::move(piece), every](const Scene&) {
    Reply reply;
    reply.Send(first);
    for (milliseconds time{0}; time < std::chrono::minutes(1); time += every) {
      reply.Delay(every).Send(piece);
    }
    return reply.Close();
  };
}
// A good answer with these fields ("A: b\r\n...") and this body.
inline Script Page(std::string_view fields, std::string_view body) {
  return Keeps(Join(kHtmlOk, fields, "Content-Length: ") + std::to_string(body.size()) +
               "\r\n\r\n" + std::string(body));
}
inline Script Chunks(std::string_view raw) { return Keeps(Join(kChunkedOk, raw)); }

// --- what is due

inline Due Whole(int status, std::optional<uint64_t> body,
                 std::optional<std::string_view> unread = {}) {
  return {.error = "", .status = status, .truncated = "", .body = body, .unread = unread};
}
// As much as was asked for.
inline Due Cut(int status = 200, std::optional<std::string_view> unread = {}) {
  return {.error = "",
          .status = status,
          .truncated = "length",
          .body = kHostileMaxBody,
          .unread = unread};
}
// Likewise, or a limit of another kind was met first.
inline Due CutOr(std::string_view error) {
  Due due = Cut();
  due.body.reset();
  due.or_errors = {error};
  return due;
}
// No answer.
inline Due Fails(std::string_view error, std::vector<std::string_view> or_errors = {}) {
  return {.error = error,
          .status = 0,
          .truncated = "",
          .body = 0,
          .unread = {},
          .or_errors = std::move(or_errors)};
}
// Part of an answer, kept.
inline Due Broken(std::string_view error, int status, std::optional<uint64_t> body) {
  return {.error = error, .status = status, .truncated = "disconnect", .body = body};
}
inline Due TimedOut(std::string_view error, int status, std::optional<uint64_t> body) {
  return {.error = error, .status = status, .truncated = "time", .body = body};
}

}  // namespace crawld::test
