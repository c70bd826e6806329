#include "web/robots_directives.h"

#include <algorithm>

#include "web/ascii.h"
#include "web/date.h"

namespace crawld::web {
namespace {

using std::chrono::system_clock;

// A page means the same whenever it is read, so two-digit years are those around 2000.
const system_clock::time_point century = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);

constexpr std::string_view kUnavailableAfter = "unavailable_after";

// A directive that has a value behind a colon, and so is no crawler's name.
bool HasValue(std::string_view name) {
  return EqualIgnoringCase(name, kUnavailableAfter) ||
         (name.size() > 4 && EqualIgnoringCase(name.substr(0, 4), "max-"));
}

class DirectiveReader {
 public:
  DirectiveReader(std::string_view token, RobotsDirectives& into) : token_(token), into_(into) {}

  // With `agents`, a name with a colon begins one crawler's directives.
  void Read(std::string_view text, bool agents) {
    while (!text.empty()) {
      std::string_view piece = Next(text);
      const size_t colon = piece.find(':');
      std::string_view name = TrimAsciiSpace(piece.substr(0, colon));
      if (colon != std::string_view::npos && agents && !HasValue(name)) {
        for_us_ = EqualIgnoringCase(name, token_);
        piece = TrimAsciiSpace(piece.substr(colon + 1));
        name = TrimAsciiSpace(piece.substr(0, piece.find(':')));
      }
      const size_t value = piece.find(':');
      if (value != std::string_view::npos && EqualIgnoringCase(name, kUnavailableAfter)) {
        Unavailable(piece.substr(value + 1), text);
      } else if (for_us_) {
        const bool none = EqualIgnoringCase(piece, "none");
        into_.noindex = into_.noindex || none || EqualIgnoringCase(piece, "noindex");
        into_.nofollow = into_.nofollow || none || EqualIgnoringCase(piece, "nofollow");
      }
    }
  }

 private:
  // The text up to the next comma, which is taken off with it.
  static std::string_view Next(std::string_view& text) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view piece = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    return TrimAsciiSpace(piece);
  }

  // A date may have a comma in it: "Sat, 01 Jun 2030 00:00:00 GMT".
  void Unavailable(std::string_view value, std::string_view& rest) {
    auto date = ParseDate(value, century);
    if (!date) {
      std::string_view behind = rest;
      const std::string_view next = Next(behind);
      // `value` and `next` stand in one text, with nothing but the comma and blanks between.
      const std::string_view both(value.data(),
                                  static_cast<size_t>(next.data() + next.size() - value.data()));
      date = ParseDate(both, century);
      if (date) rest = behind;
    }
    if (!date || !for_us_) return;
    into_.unavailable_after = std::min(into_.unavailable_after.value_or(*date), *date);
  }

  const std::string_view token_;
  RobotsDirectives& into_;
  bool for_us_ = true;
};

// Cut at a character's beginning.
void AppendRaw(std::string_view text, std::string& raw) {
  if (raw.size() + 2 >= RobotsDirectives::kMaxRaw) return;
  if (!raw.empty()) raw += ", ";
  size_t size = std::min(text.size(), RobotsDirectives::kMaxRaw - raw.size());
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
    --size;
  raw += text.substr(0, size);
}

}  // namespace

void RobotsDirectives::Add(const RobotsDirectives& other) {
  noindex = noindex || other.noindex;
  nofollow = nofollow || other.nofollow;
  if (other.unavailable_after) {
    unavailable_after =
        std::min(unavailable_after.value_or(*other.unavailable_after), *other.unavailable_after);
  }
  if (!other.raw.empty()) AppendRaw(other.raw, raw);
}

void ReadRobotsMeta(std::string_view content, RobotsDirectives& into) {
  AppendRaw(content, into.raw);
  DirectiveReader({}, into).Read(content, false);
}

void ReadXRobotsTag(std::string_view value, std::string_view product_token,
                    RobotsDirectives& into) {
  std::string printable(TrimAsciiSpace(value));
  for (char& c : printable) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  AppendRaw(printable, into.raw);
  DirectiveReader(product_token, into).Read(value, true);
}

}  // namespace crawld::web
