#include "web/date.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "web/ascii.h"

namespace crawld::web {
namespace {

using std::chrono::system_clock;

// Reads the pieces of a date from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool Skip(std::string_view literal) {
    if (!text_.starts_with(literal)) return false;
    text_.remove_prefix(literal.size());
    return true;
  }

  std::optional<int> Digits(size_t count) {
    if (text_.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : text_.substr(0, count)) {
      if (!IsDigit(c)) return std::nullopt;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return value;
  }

  std::optional<unsigned> Month() {
    constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (text_.size() < 3) return std::nullopt;
    const std::array<char, 3> name = {AsciiLower(text_[0]), AsciiLower(text_[1]),
                                      AsciiLower(text_[2])};
    for (unsigned month = 0; month < 12; ++month) {
      if (kMonths.substr(size_t{3} * month, 3) == std::string_view(name.data(), 3)) {
        text_.remove_prefix(3);
        return month + 1;
      }
    }
    return std::nullopt;
  }

  std::optional<std::chrono::seconds> Time() {
    const auto hour = Digits(2);
    if (!hour || !Skip(":")) return std::nullopt;
    const auto minute = Digits(2);
    if (!minute || !Skip(":")) return std::nullopt;
    const auto second = Digits(2);
    // 60 is a leap second.
    if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
  }

  // 1 to `most` digits.
  std::optional<int> Number(size_t most) {
    size_t n = 0;
    while (n < most && n < text_.size() && IsDigit(text_[n])) ++n;
    return n == 0 ? std::nullopt : Digits(n);
  }

  // "hh:mm" and, if they are there, ":ss" and a fraction, which is dropped.
  std::optional<std::chrono::seconds> ShortTime() {
    const auto hour = Digits(2);
    if (!hour || *hour > 23 || !Skip(":")) return std::nullopt;
    const auto minute = Digits(2);
    if (!minute || *minute > 59) return std::nullopt;
    std::chrono::seconds time = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    if (Skip(":")) {
      const auto second = Digits(2);
      if (!second || *second > 60) return std::nullopt;
      time += std::chrono::seconds(*second);
      if (Skip(".") || Skip(",")) {
        if (!AtDigit()) return std::nullopt;
        while (AtDigit()) text_.remove_prefix(1);
      }
    }
    return time;
  }

  // What is to be taken from a local time to get UTC. Nothing at the text's end.
  std::optional<std::chrono::seconds> Zone() {
    if (empty() || Skip("Z") || Skip("z")) return std::chrono::seconds(0);
    for (const auto& [name, hours] : kZones) {
      if (text_ == name) {
        text_ = {};
        return std::chrono::hours(hours);
      }
    }
    const bool east = text_[0] == '+';
    if (!east && text_[0] != '-') return std::nullopt;
    text_.remove_prefix(1);
    const auto hours = Digits(2);
    Skip(":");
    const auto minutes = empty() ? std::optional(0) : Digits(2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    const std::chrono::seconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return east ? offset : -offset;
  }

  void SkipBlanks() {
    while (Skip(" ") || Skip("\t")) {
    }
  }

  // A day's name: letters.
  bool SkipWord() { return SkipLetters() >= 3; }

  size_t SkipLetters() {
    size_t n = 0;
    while (n < text_.size() && IsAlpha(text_[n])) ++n;
    text_.remove_prefix(n);
    return n;
  }

  bool empty() const { return text_.empty(); }
  bool AtDigit() const { return !text_.empty() && IsDigit(text_[0]); }

 private:
  // RFC 822 section 5.1; hours to the east of UTC.
  static constexpr std::array<std::pair<std::string_view, int>, 11> kZones = {{
      {"GMT", 0},
      {"UTC", 0},
      {"UT", 0},
      {"EST", -5},
      {"EDT", -4},
      {"CST", -6},
      {"CDT", -5},
      {"MST", -7},
      {"MDT", -6},
      {"PST", -8},
      {"PDT", -7},
  }};

  std::string_view text_;
};

std::optional<system_clock::time_point> Assemble(int year, unsigned month, int day,
                                                 std::chrono::seconds time) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1900) return std::nullopt;
  // The clock counts nanoseconds in 64 bits; "31 Dec 9999" is its way of saying never.
  if (year > 2261) return std::chrono::sys_days(std::chrono::year(2262) / 1 / 1);
  return std::chrono::sys_days(date) + time;
}

int FullYear(int two_digits, system_clock::time_point now) {
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  int year = this_year / 100 * 100 + two_digits;
  if (year > this_year + 50) year -= 100;
  return year;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<system_clock::time_point> InUtc(int year, unsigned month, int day,
                                              std::chrono::seconds time, Reader& in) {
  in.SkipBlanks();
  const auto zone = in.Zone();
  if (!zone || !in.empty()) return std::nullopt;
  const auto date = Assemble(year, month, day, time);
  return date ? std::optional(*date - *zone) : std::nullopt;
}

// "2024", "2024-06", "2024-06-01", "2024-06-01T12:30:05+02:00"
std::optional<system_clock::time_point> ParseW3c(Reader in) {
  const auto year = in.Digits(4);
  if (!year) return std::nullopt;
  unsigned month = 1;
  int day = 1;
  std::chrono::seconds time(0);
  if (in.Skip("-")) {
    const auto m = in.Digits(2);
    if (!m) return std::nullopt;
    month = static_cast<unsigned>(*m);
    if (in.Skip("-")) {
      const auto d = in.Digits(2);
      if (!d) return std::nullopt;
      day = *d;
      if (in.Skip("T") || in.Skip("t") || in.Skip(" ")) {
        const auto t = in.ShortTime();
        if (!t) return std::nullopt;
        time = *t;
      }
    }
  }
  return InUtc(*year, month, day, time, in);
}

// "[Sat,] 1 Jun 2024 12:30[:05] GMT"
std::optional<system_clock::time_point> ParseRfc822(Reader in, system_clock::time_point now) {
  if (!in.AtDigit()) {
    if (!in.SkipWord()) return std::nullopt;
    in.Skip(",");
    in.SkipBlanks();
  }
  const auto day = in.Number(2);
  if (!day || !(in.Skip(" ") || in.Skip("-"))) return std::nullopt;
  in.SkipBlanks();
  const auto month = in.Month();
  if (!month) return std::nullopt;
  // "June"
  in.SkipLetters();
  if (!(in.Skip(" ") || in.Skip("-"))) return std::nullopt;
  in.SkipBlanks();
  auto year = in.Number(4);
  if (!year) return std::nullopt;
  if (*year < 100) year = FullYear(*year, now);
  in.SkipBlanks();
  std::chrono::seconds time(0);
  if (in.AtDigit()) {
    const auto t = in.ShortTime();
    if (!t) return std::nullopt;
    time = *t;
  }
  return InUtc(*year, *month, *day, time, in);
}

}  // namespace

std::optional<system_clock::time_point> ParseDate(std::string_view text,
                                                  system_clock::time_point now) {
  text = Trim(text);
  if (const auto date = ParseW3c(Reader(text))) return date;
  if (const auto date = ParseRfc822(Reader(text), now)) return date;
  return ParseHttpDate(text, now);
}

std::optional<system_clock::time_point> ParseHttpDate(std::string_view text,
                                                      system_clock::time_point now) {
  Reader in(Trim(text));
  if (!in.SkipWord()) return std::nullopt;
  if (in.Skip(", ")) {
    const auto day = in.Digits(2);
    if (!day) return std::nullopt;
    const bool rfc850 = in.Skip("-");
    if (!rfc850 && !in.Skip(" ")) return std::nullopt;
    const auto month = in.Month();
    if (!month || !in.Skip(rfc850 ? "-" : " ")) return std::nullopt;
    // "06-Nov-1994" with four digits is a common mixture of the two forms.
    const auto head = in.Digits(2);
    if (!head) return std::nullopt;
    int year = FullYear(*head, now);
    if (in.AtDigit()) {
      const auto tail = in.Digits(2);
      if (!tail) return std::nullopt;
      year = *head * 100 + *tail;
    } else if (!rfc850) {
      return std::nullopt;
    }
    if (!in.Skip(" ")) return std::nullopt;
    const auto time = in.Time();
    if (!time || !(in.Skip(" GMT") || in.Skip(" UTC")) || !in.empty()) return std::nullopt;
    return Assemble(year, *month, *day, *time);
  }
  if (!in.Skip(" ")) return std::nullopt;  // asctime: "Sun Nov  6 08:49:37 1994"
  const auto month = in.Month();
  if (!month || !in.Skip(" ")) return std::nullopt;
  const auto day = in.Skip(" ") ? in.Digits(1) : in.Digits(2);
  if (!day || !in.Skip(" ")) return std::nullopt;
  const auto time = in.Time();
  if (!time || !in.Skip(" ")) return std::nullopt;
  const auto year = in.Digits(4);
  if (!year || !in.empty()) return std::nullopt;
  return Assemble(*year, *month, *day, *time);
}

std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view text,
                                                    system_clock::time_point now) {
  text = Trim(text);
  if (text.empty()) return std::nullopt;
  if (IsDigit(text[0])) {
    int64_t seconds = 0;
    for (const char c : text) {
      if (!IsDigit(c)) return std::nullopt;
      seconds = std::min<int64_t>(seconds * 10 + (c - '0'), kMaxRetryAfter.count());
    }
    return std::chrono::seconds(seconds);
  }
  const auto date = ParseHttpDate(text, now);
  if (!date) return std::nullopt;
  const auto delay = std::chrono::ceil<std::chrono::seconds>(*date - now);
  return std::clamp<std::chrono::seconds>(delay, std::chrono::seconds(0), kMaxRetryAfter);
}

}  // namespace crawld::web
