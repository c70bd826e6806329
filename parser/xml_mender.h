// XmlMender: makes text well-formed where writers of sitemaps and feeds often fail.
#pragma once

#include <string>
#include <string_view>

namespace crawld::parser {

// U+FDD0, a noncharacter that XML lets pass: stands for a character that it does not.
inline constexpr std::string_view kNoXmlCharacter = "\xEF\xB7\x90";

// An '&' that begins no reference of XML (of 8 digits at most) becomes "&amp;"; a character that
// XML does not have, or a reference to one, becomes kNoXmlCharacter; "--" in a comment becomes "-
// -". The rest passes as it is. Text comes in pieces. O(text); holds back a few bytes. Not thread
// safe.
class XmlMender {
 public:
  // Appends what is decided; the last few bytes wait for what follows, unless `last`.
  void Write(std::string_view utf8, bool last, std::string& out);

 private:
  std::string pending_;
  std::string_view section_end_;  // of the CDATA section or comment that is open
};

}  // namespace crawld::parser
