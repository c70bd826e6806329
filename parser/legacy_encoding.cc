#include "parser/legacy_encoding.h"

#include <unicode/utf16.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include "parser/legacy_indexes.h"
#include "parser/legacy_tables.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

constexpr std::string_view kBad = "\xEF\xBF\xBD";

const void* TableOf(LegacyEncoding encoding, const char* icu) {
  switch (encoding) {
    case LegacyEncoding::kSingleByte:
      return &SingleByteTable(icu);
    case LegacyEncoding::kGbk:
    case LegacyEncoding::kGb18030:
      return &Gb18030Table();
    case LegacyEncoding::kBig5:
      return &Big5Index();
    case LegacyEncoding::kEucKr:
      return &EucKrIndex();
    case LegacyEncoding::kEucJp:
    case LegacyEncoding::kIso2022Jp:
    case LegacyEncoding::kShiftJis:
      return &Jis0208Index();
    case LegacyEncoding::kUtf16Be:
    case LegacyEncoding::kUtf16Le:
    case LegacyEncoding::kUserDefined:
      break;
  }
  return nullptr;
}

void Put(std::initializer_list<uint32_t> values, std::string& bytes) {
  for (const uint32_t value : values) bytes += static_cast<char>(value);
}

}  // namespace

LegacyDecoder::LegacyDecoder(LegacyEncoding encoding, const char* icu_name)
    : encoding_(encoding), table_(TableOf(encoding, icu_name)) {}

bool LegacyDecoder::plain() const { return lead_ == 0 && second_ == 0 && third_ == 0; }

void LegacyDecoder::Write(std::string_view bytes, bool last, std::string& out) {
  const bool ascii_is_itself = encoding_ != LegacyEncoding::kUtf16Be &&
                               encoding_ != LegacyEncoding::kUtf16Le &&
                               encoding_ != LegacyEncoding::kIso2022Jp;
  for (size_t i = 0; i < bytes.size();) {
    if (ascii_is_itself && plain()) {
      size_t end = i;
      while (end < bytes.size() && static_cast<uint8_t>(bytes[end]) < 0x80) ++end;
      out.append(bytes.substr(i, end - i));
      i = end;
      if (i == bytes.size()) break;
    }
    Feed(static_cast<uint8_t>(bytes[i]), out);
    ++i;
  }
  if (last) Finish(out);
}

void LegacyDecoder::Feed(uint8_t byte, std::string& out) {
  // Sections 11.1, 12.1, 12.3 and 13.1 end alike: a trail byte that is ASCII is read again.
  const auto end_pair = [&](uint32_t point) {
    lead_ = 0;
    if (point != kNoPoint) {
      web::AppendUtf8(point, out);
      return;
    }
    out += kBad;
    if (byte < 0x80) out += static_cast<char>(byte);
  };
  switch (encoding_) {
    case LegacyEncoding::kSingleByte:
      out += static_cast<const SingleByte*>(table_)->utf8[byte - 0x80];
      return;
    case LegacyEncoding::kUserDefined:
      web::AppendUtf8(0xF780 + byte - 0x80, out);
      return;
    case LegacyEncoding::kGbk:
    case LegacyEncoding::kGb18030:
      FeedGb18030(byte, out);
      return;
    case LegacyEncoding::kIso2022Jp:
      FeedIso2022Jp(byte, out);
      return;
    case LegacyEncoding::kUtf16Be:
    case LegacyEncoding::kUtf16Le:
      FeedUtf16(byte, out);
      return;
    case LegacyEncoding::kBig5: {
      if (lead_ == 0) break;
      uint32_t point = kNoPoint;
      if (In(byte, 0x40, 0x7E) || In(byte, 0xA1, 0xFE)) {
        const uint32_t pointer = (lead_ - 0x81U) * 157 + (byte - (byte < 0x7F ? 0x40U : 0x62U));
        // Two code points each.
        for (const auto& [special, base, mark] : {std::array<uint32_t, 3>{1133, 0xCA, 0x304},
                                                  {1135, 0xCA, 0x30C},
                                                  {1164, 0xEA, 0x304},
                                                  {1166, 0xEA, 0x30C}}) {
          if (pointer != special) continue;
          lead_ = 0;
          web::AppendUtf8(base, out);
          web::AppendUtf8(mark, out);
          return;
        }
        point = static_cast<const Index*>(table_)->At(pointer);
      }
      end_pair(point);
      return;
    }
    case LegacyEncoding::kEucKr:
      if (lead_ == 0) break;
      end_pair(In(byte, 0x41, 0xFE)
                   ? static_cast<const Index*>(table_)->At((lead_ - 0x81U) * 190 + byte - 0x41U)
                   : kNoPoint);
      return;
    case LegacyEncoding::kEucJp: {
      if (lead_ == 0x8E && In(byte, 0xA1, 0xDF)) {
        lead_ = 0;
        web::AppendUtf8(0xFF61 - 0xA1 + byte, out);
        return;
      }
      if (lead_ == 0x8F && !jis0212_ && In(byte, 0xA1, 0xFE)) {
        jis0212_ = true;
        lead_ = byte;
        return;
      }
      if (lead_ != 0) {
        uint32_t point = kNoPoint;
        if (In(lead_, 0xA1, 0xFE) && In(byte, 0xA1, 0xFE)) {
          const Index& index = jis0212_ ? Jis0212Index() : *static_cast<const Index*>(table_);
          point = index.At((lead_ - 0xA1U) * 94 + byte - 0xA1U);
        }
        jis0212_ = false;
        end_pair(point);
        return;
      }
      if (byte == 0x8E || byte == 0x8F || In(byte, 0xA1, 0xFE)) {
        lead_ = byte;
      } else {
        out += kBad;
      }
      return;
    }
    case LegacyEncoding::kShiftJis: {
      if (lead_ != 0) {
        uint32_t point = kNoPoint;
        if (In(byte, 0x40, 0x7E) || In(byte, 0x80, 0xFC)) {
          const uint32_t pointer = (lead_ - (lead_ < 0xA0 ? 0x81U : 0xC1U)) * 188 +
                                   (byte - (byte < 0x7F ? 0x40U : 0x41U));
          point = In(pointer, 8836, 10715) ? 0xE000 - 8836 + pointer
                                           : static_cast<const Index*>(table_)->At(pointer);
        }
        end_pair(point);
      } else if (byte == 0x80) {
        web::AppendUtf8(byte, out);
      } else if (In(byte, 0xA1, 0xDF)) {
        web::AppendUtf8(0xFF61 - 0xA1 + byte, out);
      } else if (In(byte, 0x81, 0x9F) || In(byte, 0xE0, 0xFC)) {
        lead_ = byte;
      } else {
        out += kBad;
      }
      return;
    }
  }
  // Big5 and EUC-KR, at the beginning of a character.
  if (In(byte, 0x81, 0xFE)) {
    lead_ = byte;
  } else {
    out += kBad;
  }
}

// Section 10.2.1; lead_ is the standard's "gb18030 first".
void LegacyDecoder::FeedGb18030(uint8_t byte, std::string& out) {
  const auto& table = *static_cast<const Gb18030*>(table_);
  if (third_ != 0) {
    const uint8_t first = std::exchange(lead_, 0);
    const uint8_t second = std::exchange(second_, 0);
    const uint8_t third = std::exchange(third_, 0);
    if (!In(byte, 0x30, 0x39)) {
      out += kBad;
      out += static_cast<char>(second);  // a digit
      FeedGb18030(third, out);
      FeedGb18030(byte, out);
      return;
    }
    const uint32_t point = table.Four((first - 0x81U) * 12600 + (second - 0x30U) * 1260 +
                                      (third - 0x81U) * 10 + byte - 0x30U);
    if (point == kNoPoint) {
      out += kBad;
    } else {
      web::AppendUtf8(point, out);
    }
    return;
  }
  if (second_ != 0) {
    if (In(byte, 0x81, 0xFE)) {
      third_ = byte;
      return;
    }
    lead_ = 0;
    out += kBad;
    out += static_cast<char>(std::exchange(second_, 0));
    FeedGb18030(byte, out);
    return;
  }
  if (lead_ != 0) {
    if (In(byte, 0x30, 0x39)) {
      second_ = byte;
      return;
    }
    const uint8_t lead = std::exchange(lead_, 0);
    uint32_t point = kNoPoint;
    if (In(byte, 0x40, 0x7E) || In(byte, 0x80, 0xFE)) {
      point = table.two.At((lead - 0x81U) * 190 + (byte - (byte < 0x7F ? 0x40U : 0x41U)));
    }
    if (point != kNoPoint) {
      web::AppendUtf8(point, out);
      return;
    }
    out += kBad;
    if (byte < 0x80) out += static_cast<char>(byte);
    return;
  }
  if (byte < 0x80) {
    out += static_cast<char>(byte);
  } else if (byte == 0x80) {
    web::AppendUtf8(0x20AC, out);
  } else if (byte == 0xFF) {
    out += kBad;
  } else {
    lead_ = byte;
  }
}

// Section 12.2.1.
void LegacyDecoder::FeedIso2022Jp(uint8_t byte, std::string& out) {
  const auto bad = [&] {
    output_ = false;
    out += kBad;
  };
  const auto give = [&](uint32_t point) {
    output_ = false;
    web::AppendUtf8(point, out);
  };
  const bool shift = byte == 0x0E || byte == 0x0F;
  switch (mode_) {
    case Mode::kAscii:
    case Mode::kRoman:
      if (byte == 0x1B) {
        mode_ = Mode::kEscapeStart;
      } else if (byte >= 0x80 || shift) {
        bad();
      } else if (mode_ == Mode::kRoman && byte == 0x5C) {
        give(0xA5);
      } else if (mode_ == Mode::kRoman && byte == 0x7E) {
        give(0x203E);
      } else {
        give(byte);
      }
      return;
    case Mode::kKatakana:
      if (byte == 0x1B) {
        mode_ = Mode::kEscapeStart;
      } else if (In(byte, 0x21, 0x5F)) {
        give(0xFF61 - 0x21 + byte);
      } else {
        bad();
      }
      return;
    case Mode::kLead:
      if (byte == 0x1B) {
        mode_ = Mode::kEscapeStart;
      } else if (In(byte, 0x21, 0x7E)) {
        output_ = false;
        lead_ = byte;
        mode_ = Mode::kTrail;
      } else {
        bad();
      }
      return;
    case Mode::kTrail: {
      if (byte == 0x1B) {
        mode_ = Mode::kEscapeStart;
        out += kBad;
        return;
      }
      mode_ = Mode::kLead;
      const uint32_t point =
          In(byte, 0x21, 0x7E)
              ? static_cast<const Index*>(table_)->At((lead_ - 0x21U) * 94 + byte - 0x21U)
              : kNoPoint;
      if (point == kNoPoint) {
        out += kBad;
      } else {
        web::AppendUtf8(point, out);
      }
      return;
    }
    case Mode::kEscapeStart:
      if (byte == 0x24 || byte == 0x28) {
        lead_ = byte;
        mode_ = Mode::kEscape;
        return;
      }
      mode_ = output_mode_;
      bad();
      FeedIso2022Jp(byte, out);
      return;
    case Mode::kEscape: {
      const uint8_t lead = std::exchange(lead_, 0);
      std::optional<Mode> next;
      if (lead == 0x28 && byte == 0x42) next = Mode::kAscii;
      if (lead == 0x28 && byte == 0x4A) next = Mode::kRoman;
      if (lead == 0x28 && byte == 0x49) next = Mode::kKatakana;
      if (lead == 0x24 && (byte == 0x40 || byte == 0x42)) next = Mode::kLead;
      if (next) {
        mode_ = output_mode_ = *next;
        if (std::exchange(output_, true)) out += kBad;
        return;
      }
      mode_ = output_mode_;
      bad();
      FeedIso2022Jp(lead, out);
      FeedIso2022Jp(byte, out);
      return;
    }
  }
}

// Section 14.2.
void LegacyDecoder::FeedUtf16(uint8_t byte, std::string& out) {
  if (!half_) {
    lead_ = byte;
    half_ = true;
    return;
  }
  half_ = false;
  const uint8_t first = std::exchange(lead_, 0);
  const auto unit = static_cast<uint16_t>(
      encoding_ == LegacyEncoding::kUtf16Be ? first << 8 | byte : byte << 8 | first);
  if (surrogate_ != 0) {
    const uint16_t lead = std::exchange(surrogate_, 0);
    if (U16_IS_TRAIL(unit)) {
      web::AppendUtf8(static_cast<uint32_t>(U16_GET_SUPPLEMENTARY(lead, unit)), out);
      return;
    }
    out += kBad;
  }
  if (U16_IS_LEAD(unit)) {
    surrogate_ = unit;
  } else if (U16_IS_TRAIL(unit)) {
    out += kBad;
  } else {
    web::AppendUtf8(unit, out);
  }
}

// The end of the queue.
void LegacyDecoder::Finish(std::string& out) {
  switch (encoding_) {
    case LegacyEncoding::kSingleByte:
    case LegacyEncoding::kUserDefined:
      break;
    case LegacyEncoding::kGbk:
    case LegacyEncoding::kGb18030:
    case LegacyEncoding::kBig5:
    case LegacyEncoding::kEucJp:
    case LegacyEncoding::kShiftJis:
    case LegacyEncoding::kEucKr:
      if (!plain()) out += kBad;
      break;
    case LegacyEncoding::kUtf16Be:
    case LegacyEncoding::kUtf16Le:
      if (half_ || surrogate_ != 0) out += kBad;
      break;
    case LegacyEncoding::kIso2022Jp:
      if (mode_ == Mode::kTrail) {
        out += kBad;
      } else if (mode_ == Mode::kEscapeStart) {
        mode_ = output_mode_;
        out += kBad;
      } else if (mode_ == Mode::kEscape) {
        // The byte behind ESC is read again.
        mode_ = output_mode_;
        out += kBad;
        FeedIso2022Jp(std::exchange(lead_, 0), out);
        if (mode_ == Mode::kTrail) out += kBad;
      }
      break;
  }
  lead_ = second_ = third_ = 0;
  half_ = jis0212_ = output_ = false;
  surrogate_ = 0;
  mode_ = output_mode_ = Mode::kAscii;
}

LegacyEncoder::LegacyEncoder(LegacyEncoding encoding, const char* icu_name)
    : encoding_(encoding), table_(TableOf(encoding, icu_name)) {}

bool LegacyEncoder::Append(uint32_t point, std::string& bytes) {
  if (encoding_ == LegacyEncoding::kIso2022Jp) return AppendIso2022Jp(point, bytes);
  if (point < 0x80) {
    bytes += static_cast<char>(point);
    return true;
  }
  switch (encoding_) {
    case LegacyEncoding::kSingleByte: {
      const auto& points = static_cast<const SingleByte*>(table_)->points;
      const auto found = std::find(points.begin(), points.end(), point);
      if (found == points.end()) return false;
      Put({static_cast<uint32_t>(found - points.begin()) + 0x80}, bytes);
      return true;
    }
    case LegacyEncoding::kUserDefined:
      if (!In(point, 0xF780, 0xF7FF)) return false;
      Put({point - 0xF780 + 0x80}, bytes);
      return true;
    case LegacyEncoding::kGbk:
    case LegacyEncoding::kGb18030: {
      const auto& table = *static_cast<const Gb18030*>(table_);
      const bool gbk = encoding_ == LegacyEncoding::kGbk;
      if (point == 0xE5E5) return false;
      if (gbk && point == 0x20AC) {
        Put({0x80}, bytes);
        return true;
      }
      if (const auto p = table.two.Of(point)) {
        const uint32_t trail = *p % 190;
        Put({*p / 190 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x41)}, bytes);
        return true;
      }
      const auto p = table.FourOf(point);
      if (gbk || !p) return false;
      Put({*p / 12600 + 0x81, *p / 1260 % 10 + 0x30, *p / 10 % 126 + 0x81, *p % 10 + 0x30}, bytes);
      return true;
    }
    case LegacyEncoding::kBig5: {
      const auto p = Big5Pointer(point);
      if (!p) return false;
      const uint32_t trail = *p % 157;
      Put({*p / 157 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x62)}, bytes);
      return true;
    }
    case LegacyEncoding::kEucKr: {
      const auto p = static_cast<const Index*>(table_)->Of(point);
      if (!p) return false;
      Put({*p / 190 + 0x81, *p % 190 + 0x41}, bytes);
      return true;
    }
    case LegacyEncoding::kEucJp:
    case LegacyEncoding::kShiftJis: {
      const bool shift_jis = encoding_ == LegacyEncoding::kShiftJis;
      if (point == 0xA5 || point == 0x203E || (shift_jis && point == 0x80)) {
        Put({point == 0xA5 ? 0x5CU : point == 0x203E ? 0x7EU : 0x80U}, bytes);
        return true;
      }
      if (In(point, 0xFF61, 0xFF9F)) {
        if (!shift_jis) Put({0x8E}, bytes);
        Put({point - 0xFF61 + 0xA1}, bytes);
        return true;
      }
      if (point == 0x2212) point = 0xFF0D;
      const auto p =
          shift_jis ? ShiftJisPointer(point) : static_cast<const Index*>(table_)->Of(point);
      // EUC-JP has no place for what only Shift_JIS has.
      if (!p || (!shift_jis && *p >= 94 * 94)) return false;
      if (shift_jis) {
        const uint32_t lead = *p / 188;
        const uint32_t trail = *p % 188;
        Put({lead + (lead < 0x1F ? 0x81 : 0xC1), trail + (trail < 0x3F ? 0x40 : 0x41)}, bytes);
      } else {
        Put({*p / 94 + 0xA1, *p % 94 + 0xA1}, bytes);
      }
      return true;
    }
    case LegacyEncoding::kIso2022Jp:  // above
    case LegacyEncoding::kUtf16Be:
    case LegacyEncoding::kUtf16Le:
      break;
  }
  return false;
}

// Section 12.2.2.
bool LegacyEncoder::AppendIso2022Jp(uint32_t point, std::string& bytes) {
  const auto shift_to = [&](Mode mode, std::string_view escape) {
    if (std::exchange(mode_, mode) != mode) bytes += escape;
  };
  if (mode_ != Mode::kJis0208 && (point == 0x0E || point == 0x0F || point == 0x1B)) return false;
  if (mode_ == Mode::kRoman && point < 0x80 && point != 0x5C && point != 0x7E) {
    bytes += static_cast<char>(point);
    return true;
  }
  if (point < 0x80) {
    shift_to(Mode::kAscii, "\x1B(B");
    if (point == 0x0E || point == 0x0F || point == 0x1B) return false;
    bytes += static_cast<char>(point);
    return true;
  }
  if (point == 0xA5 || point == 0x203E) {
    shift_to(Mode::kRoman, "\x1B(J");
    bytes += point == 0xA5 ? '\x5C' : '\x7E';
    return true;
  }
  if (point == 0x2212) point = 0xFF0D;
  if (In(point, 0xFF61, 0xFF9F)) point = kKatakana[point - 0xFF61];
  const auto p = static_cast<const Index*>(table_)->Of(point);
  if (!p || *p >= 94 * 94) {
    if (mode_ == Mode::kJis0208) shift_to(Mode::kAscii, "\x1B(B");
    return false;
  }
  shift_to(Mode::kJis0208, "\x1B$B");
  Put({*p / 94 + 0x21, *p % 94 + 0x21}, bytes);
  return true;
}

void LegacyEncoder::Finish(std::string& bytes) {
  if (std::exchange(mode_, Mode::kAscii) != Mode::kAscii) bytes += "\x1B(B";
}

}  // namespace crawld::parser
