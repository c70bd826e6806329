// The schema as text: values, ranges, the table of the documentation and the example file.
#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/schema.h"
#include "config/schema_table.h"
#include "config/units.h"

namespace crawld::config {
namespace {

std::string Join(const std::vector<std::string_view>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string SectionOf(const std::string& path) {
  const size_t dot = path.find('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

std::string DefaultOf(const Key& key) {
  static const Config defaults;
  // Filled in by the loader from the user agent: not given, not empty.
  if (key.path == "identity.robots_token") return "null";
  return key.required ? "" : Format(key, key.get(defaults));
}

KeyInfo InfoOf(const Key& key) {
  return {.path = key.path,
          .type = std::string(TypeName(key.kind)),
          .default_value = DefaultOf(key),
          .range = RangeOf(key),
          .doc = std::string(key.doc),
          .required = key.required,
          .live = key.live};
}

// Comment lines of at most `width` columns.
void AppendComment(std::string& out, const std::string& indent, std::string_view text) {
  constexpr size_t kWidth = 100;
  std::string line = indent + '#';
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() + 1 + word.size() > kWidth) {
      out += line + '\n';
      line = indent + '#';
    }
    line += ' ';
    line += word;
  }
  out += line + '\n';
}

}  // namespace

std::string_view TypeName(ValueKind kind) {
  switch (kind) {
    case ValueKind::kBool:
      return "bool";
    case ValueKind::kInteger:
      return "integer";
    case ValueKind::kSize:
      return "size";
    case ValueKind::kDuration:
      return "duration";
    case ValueKind::kEnum:
      return "word";
    case ValueKind::kEnumList:
      return "list of words";
    case ValueKind::kString:
      return "string";
    case ValueKind::kPath:
      return "path";
    case ValueKind::kStringList:
      return "list of strings";
    case ValueKind::kMap:
      return "map of strings";
  }
  return "";
}

std::string Format(const Key& key, const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return "null";
  switch (key.kind) {
    case ValueKind::kBool:
      return std::get<bool>(value) ? "true" : "false";
    case ValueKind::kInteger:
      return std::to_string(std::get<uint64_t>(value));
    case ValueKind::kSize:
      return FormatSize(std::get<uint64_t>(value));
    case ValueKind::kDuration:
      return FormatDuration(milliseconds(static_cast<int64_t>(std::get<uint64_t>(value))));
    case ValueKind::kEnum:
      return std::string(key.names.at(std::get<uint64_t>(value)));
    case ValueKind::kEnumList: {
      std::string text;
      for (const auto index : std::get<EnumList>(value)) {
        text += (text.empty() ? "" : ", ") + std::string(key.names.at(index));
      }
      return '[' + text + ']';
    }
    case ValueKind::kString:
    case ValueKind::kPath:
      return std::get<std::string>(value);
    case ValueKind::kStringList: {
      std::string text;
      for (const auto& item : std::get<std::vector<SourceText>>(value)) {
        text += (text.empty() ? "" : ", ") + item.text;
      }
      return '[' + text + ']';
    }
    case ValueKind::kMap: {
      std::string text;
      for (const auto& [name, content] : std::get<StringMap>(value)) {
        if (!text.empty()) text += ", ";
        text.append(name).append(": ").append(content);
      }
      return '{' + text + '}';
    }
  }
  return "";
}

std::string RangeOf(const Key& key) {
  switch (key.kind) {
    case ValueKind::kBool:
      return "true or false";
    case ValueKind::kInteger:
    case ValueKind::kSize:
    case ValueKind::kDuration:
      return Format(key, key.min) + " to " + Format(key, key.max);
    case ValueKind::kEnum:
    case ValueKind::kEnumList:
      return Join(key.names);
    case ValueKind::kString:
    case ValueKind::kPath:
    case ValueKind::kStringList:
    case ValueKind::kMap:
      return std::to_string(key.min) + " to " + std::to_string(key.max) + " bytes" +
             (key.kind == ValueKind::kStringList || key.kind == ValueKind::kMap ? " each" : "");
  }
  return "";
}

std::vector<KeyInfo> Schema() {
  std::vector<KeyInfo> keys;
  for (const Key& key : Table()) keys.push_back(InfoOf(key));
  return keys;
}

std::string DescribeSchema() {
  std::string text =
      "| Key | Type | Default | Allowed | Change | Meaning |\n"
      "|---|---|---|---|---|---|\n";
  for (const KeyInfo& key : Schema()) {
    text += "| `" + key.path + "` | " + key.type + " | " +
            (key.required ? "required" : '`' + key.default_value + '`') + " | " + key.range +
            " | " + (key.live ? "reload" : "restart") + " | " + key.doc + " |\n";
  }
  return text;
}

std::string ExampleYaml() {
  std::string text =
      "# yaml-language-server: $schema=crawld.schema.json\n"
      "# Every key of crawld, with its default. A config needs only those marked `required`; see\n"
      "# minimal.yaml. `crawld check -c FILE` tells what is wrong with one.\n"
      "#\n"
      "# Durations: 500ms, 2s, 1m, 1h, 1d. Sizes: 64KiB, 10MiB, 1GiB, 10MB, or bytes. Any value "
      "may\n"
      "# have ${NAME} or ${NAME:-default} from the environment; $$ is a dollar sign. Relative "
      "paths are\n"
      "# relative to this file's folder. What is marked [reload] is taken up while the crawl runs "
      "(SIGHUP,\n"
      "# `crawld reload`); the rest by a restart.\n";
  std::string section;
  for (const Key& key : Table()) {
    const std::string of = SectionOf(key.path);
    if (of != section || of.empty()) text += '\n';
    const bool entry = of.ends_with("[]");
    if (of != section && entry) {
      const std::string list = of.substr(0, of.size() - 2);
      AppendComment(text, "", kEntriesDoc);
      text += list + ": []\n";
    } else if (of != section) {
      text += of + ":\n";
    }
    section = of;
    const std::string indent = of.empty() ? "" : "  ";
    const std::string mark = entry ? (key.required ? "# - " : "#   ") : "";
    const std::string name = key.path.substr(of.empty() ? 0 : of.size() + 1);
    std::string comment(key.doc);
    const bool ranged = key.kind == ValueKind::kInteger || key.kind == ValueKind::kSize ||
                        key.kind == ValueKind::kDuration || key.kind == ValueKind::kEnum ||
                        key.kind == ValueKind::kEnumList;
    if (ranged) comment += " Allowed: " + RangeOf(key) + '.';
    if (key.required) comment += " [required]";
    if (key.live) comment += " [reload]";
    AppendComment(text, indent, comment);
    text.append(indent).append(mark).append(name).append(": ");
    text.append(key.required ? std::string(key.sample) : DefaultOf(key)).append("\n");
  }
  return text;
}

}  // namespace crawld::config
