// LegacyDecoder and LegacyEncoder: the encodings of the Encoding Standard that are not UTF-8, to
// the letter, errors included: which bytes are swallowed by an error, and which are read again.
//
// Tables are made when an encoding is first asked for, from ICU's converters and the places where
// these differ from the standard's indexes; that takes a few milliseconds, once in a process.
//
// Making and using an object is safe from any thread; one object is not thread safe. O(bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace crawld::parser {

enum class LegacyEncoding : uint8_t {
  kSingleByte,  // one byte a character: windows-*, iso-8859-*, koi8-*, ibm866, macintosh, ...
  kGbk,
  kGb18030,
  kBig5,
  kEucJp,
  kIso2022Jp,
  kShiftJis,
  kEucKr,
  kUtf16Be,
  kUtf16Le,
  kUserDefined,  // x-user-defined
};

// Encoding Standard, sections 9 to 14: the decoders.
class LegacyDecoder {
 public:
  // `icu_name`: ICU's converter, for kSingleByte.
  LegacyDecoder(LegacyEncoding encoding, const char* icu_name);

  // Appends valid UTF-8; each error is a U+FFFD. With `last` nothing is held back, and what comes
  // afterwards begins a new text.
  void Write(std::string_view bytes, bool last, std::string& out);

 private:
  void Feed(uint8_t byte, std::string& out);
  void FeedGb18030(uint8_t byte, std::string& out);
  void FeedIso2022Jp(uint8_t byte, std::string& out);
  void FeedUtf16(uint8_t byte, std::string& out);
  void Finish(std::string& out);
  bool plain() const;

  const LegacyEncoding encoding_;
  const void* const table_;  // of the encoding; lives as long as the process

  // What has been read of a character. UTF-16: lead_ is a byte, surrogate_ a code unit.
  uint8_t lead_ = 0;
  uint8_t second_ = 0;
  uint8_t third_ = 0;
  bool half_ = false;  // UTF-16: lead_ is set
  uint16_t surrogate_ = 0;
  bool jis0212_ = false;
  // ISO-2022-JP
  enum class Mode : uint8_t { kAscii, kRoman, kKatakana, kLead, kTrail, kEscapeStart, kEscape };
  Mode mode_ = Mode::kAscii;
  Mode output_mode_ = Mode::kAscii;
  bool output_ = false;
};

// The encoders of the same sections, but for UTF-16, which nothing is written in.
class LegacyEncoder {
 public:
  LegacyEncoder(LegacyEncoding encoding, const char* icu_name);

  // Appends the code point's bytes (with the shift before them); false if the encoding does not
  // have it. Bytes may be appended then too: a shift back to ASCII.
  bool Append(uint32_t point, std::string& bytes);
  // Appends what ends the text: a shift back to ASCII.
  void Finish(std::string& bytes);

 private:
  bool AppendIso2022Jp(uint32_t point, std::string& bytes);

  const LegacyEncoding encoding_;
  const void* const table_;
  enum class Mode : uint8_t { kAscii, kRoman, kJis0208 };
  Mode mode_ = Mode::kAscii;
};

}  // namespace crawld::parser
