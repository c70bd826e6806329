// The schema as JSON Schema, for editors and others who check a config without crawld.
//
// Draft 07: what the language servers of editors know (nothing here would read otherwise in
// 2020-12). It never refuses what the loader accepts: a value may hold ${NAME}, and is then as free
// as a text can be; a number may stand in quotes, a text be written as a number. The loader knows
// more: what values must agree on, which files must be there.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "config/number_pattern.h"
#include "config/schema.h"
#include "config/schema_table.h"
#include "config/units.h"

namespace crawld::config {
namespace {

// What expand.h accepts. RE2 and others repeat nothing more often than a thousand times.
constexpr std::string_view kExpansion = R"(\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\})";
constexpr uint64_t kMaxRepeat = 1000;

std::string Quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += "\\u00";
      json += kHex[static_cast<unsigned char>(c) >> 4U];
      json += kHex[static_cast<unsigned char>(c) & 15U];
    } else {
      json += c;
    }
  }
  return json + '"';
}

// A value in JSON, in the order in which it is told; an object is a line if it is inside a line.
using Member = std::pair<std::string_view, std::string>;

std::string InlineObject(const std::vector<Member>& members) {
  std::string json;
  for (const auto& [name, value] : members) {
    json += (json.empty() ? "" : ", ") + Quoted(name) + ": " + value;
  }
  return '{' + json + '}';
}

template <typename Texts>
std::string QuotedList(const Texts& texts) {
  std::string json;
  for (const auto& text : texts) json += (json.empty() ? "" : ", ") + Quoted(text);
  return '[' + json + ']';
}

std::string Types(std::vector<std::string_view> types, const Key& key) {
  if (key.nullable) types.emplace_back("null");
  return types.size() == 1 ? Quoted(types.front()) : QuotedList(types);
}

// A text that is `whole`, or holds ${NAME}.
std::string OrExpansion(const std::string& whole) {
  return Quoted("^(" + whole + ")$|" + std::string(kExpansion));
}

// Numbers with the units that leave a number within the range.
std::string WithUnits(const Key& key, std::span<const Unit> units) {
  std::string pattern;
  for (const Unit& unit : units) {
    const uint64_t min = key.min / unit.factor + (key.min % unit.factor == 0 ? 0 : 1);
    const uint64_t max = key.max / unit.factor;
    if (min > max) continue;
    pattern +=
        (pattern.empty() ? "0*(" : "|0*(") + NumberPattern(min, max) + ')' + std::string(unit.name);
  }
  if (key.kind == ValueKind::kDuration && key.min == 0) pattern = "0|" + pattern;
  return pattern;
}

std::string_view FormOf(const Key& key) {
  return key.kind == ValueKind::kDuration ? kDurationForm : kSizeForm;
}

// What the key's own check says of what is surely wrong.
std::string WhatIsAllowed(const Key& key) {
  constexpr const char* kNoText = "\x01";
  const auto wrong = key.check(key.kind == ValueKind::kMap ? Value(StringMap{{kNoText, ""}})
                                                           : Value(std::string(kNoText)));
  CRAWLD_CHECK(wrong.has_value(), "a check refuses control characters");
  return *wrong;
}

// `pattern`: see Key.
void AddTextLimits(const Key& key, std::string_view pattern, std::vector<Member>& members) {
  const std::string allowed = Quoted("allowed: " + RangeOf(key) + ", or ${NAME}");
  if (!pattern.empty()) {
    members.emplace_back("pattern", OrExpansion(std::string(pattern)));
    members.emplace_back("patternErrorMessage", Quoted(WhatIsAllowed(key)));
  } else if (key.max <= kMaxRepeat) {
    // The name in ${NAME} may be longer than what it stands for.
    members.emplace_back("pattern", Quoted("^[^$]{" + std::to_string(key.min) + ',' +
                                           std::to_string(key.max) + "}$|\\$"));
    members.emplace_back("patternErrorMessage", allowed);
  } else {
    if (key.min > 0) members.emplace_back("minLength", std::to_string(key.min));
    members.emplace_back("maxLength", std::to_string(key.max));
  }
}

// What YAML takes for a number is a text to the loader. So is what YAML takes for a bool; but that
// is left out here, as editors would offer true and false for every text.
std::vector<std::string_view> TextTypes() { return {"string", "number"}; }

std::string WordOrExpansion(const Key& key) {
  std::string choices = InlineObject({{"enum", QuotedList(key.names)}}) + ", " +
                        InlineObject({{"type", Quoted("string")}, {"pattern", Quoted(kExpansion)}});
  if (key.nullable) choices += ", " + InlineObject({{"type", Quoted("null")}});
  return '[' + choices + ']';
}

std::vector<Member> MembersOf(const Key& key) {
  std::vector<Member> members;
  switch (key.kind) {
    case ValueKind::kBool:
      members.emplace_back("type", Types({"boolean", "string"}, key));
      members.emplace_back("pattern", OrExpansion("true|false"));
      members.emplace_back("patternErrorMessage", Quoted("allowed: true or false, or ${NAME}"));
      break;
    case ValueKind::kInteger:
      members.emplace_back("type", Types({"integer", "string"}, key));
      members.emplace_back("minimum", std::to_string(key.min));
      members.emplace_back("maximum", std::to_string(key.max));
      members.emplace_back("pattern", OrExpansion("0*(" + NumberPattern(key.min, key.max) + ')'));
      members.emplace_back("patternErrorMessage",
                           Quoted("allowed: " + RangeOf(key) + ", or ${NAME}"));
      break;
    case ValueKind::kSize:
    case ValueKind::kDuration: {
      const bool size = key.kind == ValueKind::kSize;
      const std::string allowed =
          Quoted("allowed: " + RangeOf(key) + ", as " + std::string(FormOf(key)) + ", or ${NAME}");
      const bool number = size || key.min == 0;
      members.emplace_back("type",
                           number ? Types({"string", "integer"}, key) : Types({"string"}, key));
      if (size) {
        members.emplace_back("minimum", std::to_string(key.min));
        members.emplace_back("maximum", std::to_string(key.max));
      } else if (number) {
        // 0 needs no unit.
        members.emplace_back("if", InlineObject({{"type", Quoted("integer")}}));
        members.emplace_back("then", InlineObject({{"const", "0"}, {"errorMessage", allowed}}));
      }
      members.emplace_back("pattern",
                           OrExpansion(WithUnits(key, size ? SizeUnits() : DurationUnits())));
      members.emplace_back("patternErrorMessage", allowed);
      if (!size) members.emplace_back("errorMessage", allowed);
      break;
    }
    case ValueKind::kEnum:
      members.emplace_back("anyOf", WordOrExpansion(key));
      break;
    case ValueKind::kEnumList:
      members.emplace_back("type", Types({"array"}, key));
      members.emplace_back("items", InlineObject({{"anyOf", WordOrExpansion(key)}}));
      members.emplace_back("uniqueItems", "true");
      break;
    case ValueKind::kString:
    case ValueKind::kPath:
      members.emplace_back("type", Types(TextTypes(), key));
      AddTextLimits(key, key.pattern, members);
      break;
    case ValueKind::kStringList: {
      std::vector<Member> item = {{"type", QuotedList(TextTypes())}};
      AddTextLimits(key, key.pattern, item);
      std::vector<std::string_view> types = {"array"};
      if (key.one_or_many) {
        const auto texts = TextTypes();
        types.insert(types.end(), texts.begin(), texts.end());
      }
      members.emplace_back("type", Types(types, key));
      members.emplace_back("items", InlineObject(item));
      if (key.required) members.emplace_back("minItems", "1");
      if (key.one_or_many) AddTextLimits(key, key.pattern, members);
      break;
    }
    case ValueKind::kMap: {
      std::vector<Member> value = {{"type", QuotedList(TextTypes())}};
      AddTextLimits(key, {}, value);
      members.emplace_back("type", Types({"object"}, key));
      if (!key.pattern.empty()) {
        members.emplace_back(
            "propertyNames",
            InlineObject({{"pattern", Quoted("^(" + std::string(key.pattern) + ")$")},
                          {"patternErrorMessage", Quoted(WhatIsAllowed(key))}}));
      }
      members.emplace_back("additionalProperties", InlineObject(value));
      break;
    }
  }
  return members;
}

std::string DefaultAsJson(const Key& key) {
  static const Config defaults;
  if (key.path == "identity.robots_token") return "null";  // see DefaultOf in schema_text.cc
  const Value value = key.get(defaults);
  if (std::holds_alternative<std::monostate>(value)) return "null";
  switch (key.kind) {
    case ValueKind::kBool:
    case ValueKind::kInteger:
      return Format(key, value);
    case ValueKind::kSize:
    case ValueKind::kDuration: {
      const std::string text = Format(key, value);
      const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
      return bare ? text : Quoted(text);
    }
    case ValueKind::kEnum:
    case ValueKind::kString:
    case ValueKind::kPath:
      return Quoted(Format(key, value));
    case ValueKind::kEnumList: {
      std::vector<std::string_view> names;
      for (const uint64_t index : std::get<EnumList>(value)) names.push_back(key.names.at(index));
      return QuotedList(names);
    }
    case ValueKind::kStringList:
      return "[]";
    case ValueKind::kMap:
      return "{}";
  }
  return "null";
}

// The text of an object over several lines, and where its next line begins.
class Writer {
 public:
  void Line(std::string_view name, const std::string& value) {
    text_ += (first_ ? "\n" : ",\n") + std::string(depth_ * 2, ' ') + Quoted(name) + ": " + value;
    first_ = false;
  }
  void Open(std::string_view name) {
    Line(name, "{");
    ++depth_;
    first_ = true;
  }
  void Close() {
    --depth_;
    text_ += '\n' + std::string(depth_ * 2, ' ') + '}';
    first_ = false;
  }
  std::string Finish() && { return std::move(text_) + "\n}\n"; }

 private:
  std::string text_ = "{";
  size_t depth_ = 1;
  bool first_ = true;
};

// Closes `section` ("", "fetcher", "hosts[]") with what it says beside its keys.
void CloseSection(Writer& json, const std::string& section) {
  if (section.empty()) return;
  json.Close();  // properties
  json.Line("additionalProperties", "false");
  std::vector<std::string> required;
  for (const Key& key : Table()) {
    if (!key.required || !key.path.starts_with(section + '.')) continue;
    required.push_back(key.path.substr(section.size() + 1));
  }
  if (!required.empty()) json.Line("required", QuotedList(required));
  json.Close();                               // the section, or an entry
  if (section.ends_with("[]")) json.Close();  // the list
}

void OpenSection(Writer& json, const std::string& section) {
  const bool list = section.ends_with("[]");
  const std::string name = section.substr(0, section.size() - (list ? 2 : 0));
  const bool required = std::ranges::any_of(
      Table(), [&](const Key& key) { return key.required && key.path.starts_with(section + '.'); });
  json.Open(name);
  if (list) {
    json.Line("description", Quoted(kEntriesDoc));
    json.Line("type", QuotedList(std::vector<std::string_view>{"array", "null"}));
    json.Line("maxItems", std::to_string(kMaxHostRules));
    json.Open("items");
  }
  // A section without a value is one without keys.
  json.Line("type", list || required ? Quoted("object")
                                     : QuotedList(std::vector<std::string_view>{"object", "null"}));
  json.Open("properties");
}

void AddKey(Writer& json, const Key& key) {
  json.Open(key.path.substr(key.path.rfind('.') + 1));  // npos + 1 is 0
  const bool ranged = key.kind == ValueKind::kInteger || key.kind == ValueKind::kSize ||
                      key.kind == ValueKind::kDuration;
  json.Line("description", Quoted(std::string(key.doc) +
                                  (ranged ? " Allowed: " + RangeOf(key) + '.' : std::string()) +
                                  (key.live ? " [reload]" : "")));
  for (const auto& [name, value] : MembersOf(key)) json.Line(name, value);
  if (!key.required) json.Line("default", DefaultAsJson(key));
  if (key.required && key.kind != ValueKind::kStringList) {
    json.Line("examples", QuotedList(std::vector<std::string_view>{key.sample}));
  }
  json.Close();
}

}  // namespace

std::string JsonSchema() {
  Writer json;
  json.Line("$schema", Quoted("http://json-schema.org/draft-07/schema#"));
  json.Line("title", Quoted("crawld's config"));
  json.Line(
      "description",
      Quoted("What `crawld schema` prints. `crawld check -c FILE` sees more: what values must "
             "agree on, files that must be there, patterns, seeds."));
  json.Line("type", Quoted("object"));
  json.Open("properties");
  std::string section;
  std::vector<std::string> required;
  for (const Key& key : Table()) {
    const size_t dot = key.path.find('.');
    const std::string of = dot == std::string::npos ? "" : key.path.substr(0, dot);
    if (of != section) {
      CloseSection(json, section);
      if (!of.empty()) OpenSection(json, of);
      section = of;
    }
    AddKey(json, key);
    const std::string top = key.path.substr(0, dot);
    if (key.required && !of.ends_with("[]") && std::ranges::find(required, top) == required.end()) {
      required.push_back(top);
    }
  }
  CloseSection(json, section);
  json.Close();  // properties
  json.Line("additionalProperties", "false");
  json.Line("required", QuotedList(required));
  return std::move(json).Finish();
}

}  // namespace crawld::config
