#include "config/loader.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "config/expand.h"
#include "config/seed_list.h"
#include "config/suggest.h"
#include "config/text_checks.h"
#include "config/units.h"

namespace crawld::config {
namespace {

const Key* FindKey(const std::string& path) {
  const auto& table = Table();
  const auto found = std::ranges::find(table, path, &Key::path);
  return found == table.end() ? nullptr : &*found;
}

bool IsSection(const std::string& path) {
  return std::ranges::any_of(Table(),
                             [&](const Key& key) { return key.path.starts_with(path + '.'); });
}

bool IsEntry(const Key& key) { return key.path.find("[]") != std::string::npos; }

// The names that may stand in a section, sections at the top included.
std::vector<std::string> NamesIn(const std::string& section) {
  std::vector<std::string> names;
  const std::string prefix = section.empty() ? "" : section + '.';
  for (const Key& key : Table()) {
    if (!key.path.starts_with(prefix)) continue;
    const std::string rest = key.path.substr(prefix.size());
    std::string name = rest.substr(0, rest.find('.'));
    if (name.ends_with("[]")) name.resize(name.size() - 2);
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string PathOf(const std::string& section, const std::string& name) {
  return section.empty() ? name : section + '.' + name;
}

std::string_view NameOf(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

std::string DidYouMean(const std::optional<std::string>& name) {
  return name ? "; did you mean '" + *name + "'?" : "";
}

}  // namespace

Loader::Loader(std::string origin, const Environment& environment) : environment_(environment) {
  config_.origin = std::move(origin);
}

void Loader::Reject(Place place, std::string_view key, std::string message) {
  problems_.push_back({.file = config_.origin,
                       .line = place.line,
                       .column = place.column,
                       .key = std::string(key),
                       .message = std::move(message)});
}

void Loader::RejectKey(const std::string& key, std::string message) {
  Reject(config_.PlaceOf(key), key, std::move(message));
}

bool Loader::Sound(const std::string& key) const {
  return std::ranges::find(problems_, key, &Problem::key) == problems_.end();
}

void Loader::Run(std::string_view text) {
  const auto root = ParseYaml(text);
  if (!root) {
    Reject(root.error().place, "", root.error().message);
    return;  // half a file says nothing about what is missing
  }
  if ((*root)->kind == YamlNode::Kind::kMap) {
    LoadSection(**root, "");
  } else if ((*root)->kind != YamlNode::Kind::kNull) {
    Reject((*root)->place, "",
           "is " + std::string(NameOf((*root)->kind)) + "; allowed: a map of keys and values");
    return;
  }
  CheckRequired();
  CheckAgreement();
}

void Loader::LoadSection(const YamlNode& node, const std::string& path) {
  std::set<std::string> seen;
  for (const auto& [name, value] : node.fields) {
    if (name->kind != YamlNode::Kind::kScalar) {
      Reject(name->place, path,
             "a key is " + std::string(NameOf(name->kind)) + "; allowed: a name");
    } else if (!seen.insert(name->text).second) {
      Reject(name->place, PathOf(path, Printable(name->text)), "stands here twice; remove one");
    } else {
      LoadField(*name, *value, path);
    }
  }
}

void Loader::LoadField(const YamlNode& name, const YamlNode& value, const std::string& section) {
  const std::string path = PathOf(section, name.text);
  const Key* const key = FindKey(path);
  // "log.level: info" at the top is no shortcut.
  if (key != nullptr && name.text.find('.') == std::string::npos) {
    config_.places.of[path] = value.kind == YamlNode::Kind::kNull ? name.place : value.place;
    LoadKey(*key, value);
  } else if (section.empty() && IsSection(path + "[]")) {
    config_.places.of[path] = name.place;
    LoadEntries(value, path);
  } else if (!section.empty() || !IsSection(path)) {
    RejectUnknown(name, section);
  } else {
    config_.places.of[path] = name.place;
    if (value.kind == YamlNode::Kind::kMap) {
      LoadSection(value, path);
    } else if (value.kind != YamlNode::Kind::kNull) {
      Reject(value.place, path,
             "is " + std::string(NameOf(value.kind)) +
                 "; allowed: a map of these keys: " + Joined(NamesIn(path)));
    }
  }
}

void Loader::LoadEntries(const YamlNode& node, const std::string& path) {
  if (node.kind == YamlNode::Kind::kNull) return;
  if (node.kind != YamlNode::Kind::kSequence) {
    Reject(node.place, path,
           "is " + std::string(NameOf(node.kind)) + "; allowed: a list of maps, '- match: ...'");
    return;
  }
  if (node.items.size() > kMaxHostRules) {
    Reject(node.place, path,
           "has " + std::to_string(node.items.size()) +
               " entries; allowed: " + std::to_string(kMaxHostRules));
    return;
  }
  const std::string section = path + "[]";
  for (const auto& item : node.items) {
    if (item->kind != YamlNode::Kind::kMap) {
      Reject(item->place, path,
             "an entry is " + std::string(NameOf(item->kind)) +
                 "; allowed: a map of these keys: " + Joined(NamesIn(section)));
      continue;
    }
    config_.places.of[section] = item->place;
    HostRule& rule = config_.hosts.emplace_back();
    rule.line = item->place.line;
    rule.column = item->place.column;
    LoadSection(*item, section);
    for (const Key& key : Table()) {
      if (!key.required || !key.path.starts_with(section + '.') || config_.Has(key.path)) {
        continue;
      }
      Reject(item->place, key.path,
             "is missing; it is required, such as match: " + std::string(key.sample));
    }
    CheckHostRule();
    KeepPlaces(section);
  }
}

void Loader::KeepPlaces(const std::string& section) {
  auto& places = config_.places.of;
  const std::string kept =
      section.substr(0, section.size() - 1) + std::to_string(config_.hosts.size() - 1) + ']';
  const auto begin = places.lower_bound(section);
  auto end = begin;
  std::map<std::string, Place> entry;
  for (; end != places.end() && end->first.starts_with(section); ++end) {
    entry.emplace(kept + end->first.substr(section.size()), end->second);
  }
  places.erase(begin, end);
  places.merge(entry);
}

void Loader::CheckHostRule() {
  const HostRule& rule = config_.hosts.back();
  if (rule.match.empty() && config_.Has("hosts[].match") && Sound("hosts[].match")) {
    RejectKey("hosts[].match", "names no host; give one, or remove the entry");
  }
  if (rule.password && rule.password_file) {
    RejectKey("hosts[].password_file", "stands beside password; give one of them");
  }
  if (rule.bearer_token && rule.bearer_token_file) {
    RejectKey("hosts[].bearer_token_file", "stands beside bearer_token; give one of them");
  }
  const bool basic = rule.username.has_value();
  const bool password = rule.password || rule.password_file;
  if (basic != password) {
    RejectKey(
        basic ? "hosts[].username" : (rule.password ? "hosts[].password" : "hosts[].password_file"),
        basic ? "has no password; give password or password_file" : "has no username; give one");
  }
  if (basic && (rule.bearer_token || rule.bearer_token_file)) {
    RejectKey("hosts[].username", "stands beside a bearer token; a request can have only one");
  }
  if (rule.username && rule.username->find(':') != std::string::npos) {
    RejectKey("hosts[].username", "has a colon, which ends a user name (RFC 7617 section 2)");
  }
}

void Loader::RejectUnknown(const YamlNode& name, const std::string& section) {
  const auto names = NamesIn(section);
  auto meant = Nearest(name.text, names);
  if (!meant) {
    // In the wrong section, perhaps.
    for (const Key& key : Table()) {
      if (key.path == name.text || key.path.ends_with('.' + name.text)) {
        meant = key.path;
        break;
      }
    }
  }
  Reject(name.place, PathOf(section, Printable(name.text)),
         "is an unknown key" + (meant ? DidYouMean(meant) : "; allowed here: " + Joined(names)));
}

void Loader::LoadKey(const Key& key, const YamlNode& node) {
  auto value = Read(key, node);
  if (!value) return;
  if (key.check) {
    if (auto wrong = key.check(*value)) {
      RejectKey(key.path, *std::move(wrong));
      return;
    }
  }
  key.set(config_, *std::move(value));
}

std::optional<Value> Loader::Read(const Key& key, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kNull) {
    if (key.nullable) return Value();
    RejectKey(key.path, "has no value; give one (" + std::string(TypeName(key.kind)) +
                            "), or remove the key");
    return std::nullopt;
  }
  switch (key.kind) {
    case ValueKind::kBool:
    case ValueKind::kInteger:
    case ValueKind::kSize:
    case ValueKind::kDuration:
    case ValueKind::kEnum:
    case ValueKind::kString:
    case ValueKind::kPath:
      return ReadScalar(key, node);
    case ValueKind::kEnumList:
      return ReadNames(key, node);
    case ValueKind::kStringList:
      return ReadStrings(key, node);
    case ValueKind::kMap:
      return ReadMap(key, node);
  }
  return std::nullopt;
}

std::optional<std::string> Loader::ReadText(const Key& key, const YamlNode& node,
                                            std::string_view want) {
  if (node.kind != YamlNode::Kind::kScalar) {
    Reject(node.place, key.path,
           "is " + std::string(NameOf(node.kind)) + "; allowed: " + std::string(want));
    return std::nullopt;
  }
  auto text = ExpandEnvironment(node.text, environment_);
  if (!text) {
    Reject(node.place, key.path, text.error().message);
    return std::nullopt;
  }
  if (text->find('\0') != std::string::npos) {
    Reject(node.place, key.path, "has a NUL character");
    return std::nullopt;
  }
  return *std::move(text);
}

std::optional<Value> Loader::ReadScalar(const Key& key, const YamlNode& node) {
  const std::string type(TypeName(key.kind));
  auto text = ReadText(key, node, "one " + type);
  if (!text) return std::nullopt;
  const auto reject = [&](const std::string& why, std::string_view allowed) {
    Reject(node.place, key.path, why + ": " + Quote(*text) + "; allowed: " + std::string(allowed));
    return std::nullopt;
  };
  switch (key.kind) {
    case ValueKind::kBool:
      if (*text == "true" || *text == "false") return *text == "true";
      return reject("is no bool", "true or false");
    case ValueKind::kInteger: {
      uint64_t number = 0;
      const char* const end = text->data() + text->size();
      const auto result = std::from_chars(text->data(), end, number);
      if (result.ec == std::errc::result_out_of_range && result.ptr == end) {
        return reject("is out of range", RangeOf(key));
      }
      if (result.ec != std::errc() || result.ptr != end) {
        return reject("is no whole number", RangeOf(key));
      }
      return CheckRange(key, node, number) ? std::optional<Value>(number) : std::nullopt;
    }
    case ValueKind::kSize: {
      const auto size = ParseSize(*text);
      if (!size) return reject(size.error().message, kSizeForm);
      return CheckRange(key, node, *size) ? std::optional<Value>(*size) : std::nullopt;
    }
    case ValueKind::kDuration: {
      const auto duration = ParseDuration(*text);
      if (!duration) return reject(duration.error().message, kDurationForm);
      const auto ms = static_cast<uint64_t>(duration->count());
      return CheckRange(key, node, ms) ? std::optional<Value>(ms) : std::nullopt;
    }
    case ValueKind::kEnum:
      return ReadName(key, node, *text);
    case ValueKind::kString:
    case ValueKind::kPath:
      if (!CheckLength(key, node, *text)) return std::nullopt;
      return *std::move(text);
    case ValueKind::kEnumList:
    case ValueKind::kStringList:
    case ValueKind::kMap:
      break;
  }
  CRAWLD_CHECK(false, "the other kinds are no scalars");
  return std::nullopt;
}

std::optional<uint64_t> Loader::ReadName(const Key& key, const YamlNode& node,
                                         const std::string& text) {
  const auto found = std::ranges::find(key.names, text);
  if (found != key.names.end()) return static_cast<uint64_t>(found - key.names.begin());
  const std::vector<std::string> names(key.names.begin(), key.names.end());
  Reject(node.place, key.path,
         "is unknown: " + Quote(text) + "; allowed: " + RangeOf(key) +
             DidYouMean(Nearest(text, names)));
  return std::nullopt;
}

std::optional<Value> Loader::ReadNames(const Key& key, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kSequence) {
    Reject(node.place, key.path,
           "is " + std::string(NameOf(node.kind)) + "; allowed: a list, such as [" +
               std::string(key.names.front()) + "]");
    return std::nullopt;
  }
  EnumList list;
  bool sound = true;
  for (const auto& item : node.items) {
    const auto text = ReadText(key, *item, RangeOf(key));
    const auto name = text ? ReadName(key, *item, *text) : std::nullopt;
    if (name && std::ranges::find(list, *name) != list.end()) {
      Reject(item->place, key.path, Quote(*text) + " stands in the list twice; remove one");
      sound = false;
    } else if (name) {
      list.push_back(*name);
    } else {
      sound = false;
    }
  }
  return sound ? std::optional<Value>(std::move(list)) : std::nullopt;
}

std::optional<Value> Loader::ReadStrings(const Key& key, const YamlNode& node) {
  const bool one = key.one_or_many && node.kind == YamlNode::Kind::kScalar;
  if (node.kind != YamlNode::Kind::kSequence && !one) {
    Reject(node.place, key.path,
           "is " + std::string(NameOf(node.kind)) + "; allowed: a list, even of one: [...]");
    return std::nullopt;
  }
  std::vector<const YamlNode*> items;
  if (one) items.push_back(&node);
  for (const auto& item : node.items) items.push_back(item.get());
  std::vector<SourceText> list;
  bool sound = true;
  for (const YamlNode* const item : items) {
    auto text = ReadText(key, *item, "a string");
    if (text && CheckLength(key, *item, *text)) {
      list.push_back({*std::move(text), item->place.line, item->place.column});
    } else {
      sound = false;
    }
  }
  return sound ? std::optional<Value>(std::move(list)) : std::nullopt;
}

std::optional<Value> Loader::ReadMap(const Key& key, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kMap) {
    Reject(node.place, key.path,
           "is " + std::string(NameOf(node.kind)) + "; allowed: a map, name: value");
    return std::nullopt;
  }
  StringMap map;
  bool sound = true;
  for (const auto& [name, value] : node.fields) {
    if (name->kind != YamlNode::Kind::kScalar) {
      Reject(name->place, key.path,
             "a name is " + std::string(NameOf(name->kind)) + "; allowed: a string");
      sound = false;
      continue;
    }
    auto text = ReadText(key, *value, "a string");
    if (text && CheckLength(key, *value, *text)) {
      map.emplace_back(name->text, *std::move(text));
    } else {
      sound = false;
    }
  }
  return sound ? std::optional<Value>(std::move(map)) : std::nullopt;
}

bool Loader::CheckRange(const Key& key, const YamlNode& node, uint64_t number) {
  if (number >= key.min && number <= key.max) return true;
  Reject(node.place, key.path,
         "is out of range: " + Format(key, number) + "; allowed: " + RangeOf(key));
  return false;
}

bool Loader::CheckLength(const Key& key, const YamlNode& node, const std::string& text) {
  if (text.size() >= key.min && text.size() <= key.max) return true;
  Reject(node.place, key.path,
         text.empty() ? "is empty; allowed: " + RangeOf(key)
                      : "has " + std::to_string(text.size()) + " bytes; allowed: " + RangeOf(key));
  return false;
}

void Loader::CheckRequired() {
  for (const Key& key : Table()) {
    if (!key.required || IsEntry(key) || config_.Has(key.path)) continue;
    RejectKey(key.path,
              "is missing; it is required, such as " + key.path + ": " + std::string(key.sample));
  }
}

void Loader::CheckAgreement() {
  CheckIdentity();
  const auto both = [&](const std::string& a, const std::string& b) {
    return Sound(a) && Sound(b);
  };
  if (both("retry.backoff", "retry.max_backoff") &&
      config_.retry.max_backoff < config_.retry.backoff) {
    RejectKey("retry.max_backoff", "is less than retry.backoff; allowed: " +
                                       FormatDuration(config_.retry.backoff) + " or more");
  }
  if (both("fetcher.max_body", "fetcher.memory_budget") &&
      config_.fetcher.memory_budget_bytes < config_.fetcher.max_body_bytes) {
    RejectKey("fetcher.memory_budget",
              "is less than fetcher.max_body, so that a large body would wait for ever; allowed: " +
                  FormatSize(config_.fetcher.max_body_bytes) + " or more");
  }
}

void Loader::CheckIdentity() {
  Identity& identity = config_.identity;
  if (!Sound("identity.user_agent")) return;
  const std::string& agent = identity.user_agent;
  const bool contact =
      agent.find("+http") != std::string::npos || agent.find('@') != std::string::npos;
  if (!contact && !identity.allow_anonymous) {
    RejectKey("identity.user_agent",
              "has no contact; add a URL (+https://...) or an e-mail address, or set "
              "identity.allow_anonymous: true");
  }
  if (!identity.robots_token.empty() || !Sound("identity.robots_token")) return;
  const std::string_view token = ProductTokenOf(agent);
  if (token.empty() || token == "Mozilla") {
    RejectKey("identity.robots_token",
              "is missing, and user_agent begins with no name of its own; set it to the name that "
              "robots.txt files should use");
  }
  identity.robots_token = std::string(token);
}

void Loader::ResolveFiles(const std::filesystem::path& base_dir) {
  config_.base_dir = base_dir;
  if (!config_.data_dir.empty()) config_.data_dir = base_dir / config_.data_dir;
  if (config_.log.file) config_.log.file = base_dir / *config_.log.file;
  if (auto& socket = config_.admin.socket) *socket = config_.data_dir / *socket;
  if (auto& token = config_.admin.token_file) *token = base_dir / *token;
  if (auto& ca_file = config_.fetcher.ca_file) {
    *ca_file = base_dir / *ca_file;
    std::error_code error;
    if (!std::filesystem::is_regular_file(*ca_file, error)) {
      RejectKey("fetcher.ca_file", "is no file: " + Quote(ca_file->string()));
    }
  }
  for (HostRule& rule : config_.hosts) {
    const std::pair<const char*, std::optional<std::filesystem::path>*> files[] = {
        {"hosts[].ca_file", &rule.ca_file},
        {"hosts[].password_file", &rule.password_file},
        {"hosts[].bearer_token_file", &rule.bearer_token_file}};
    for (const auto& [key, file] : files) {
      if (!*file) continue;
      **file = base_dir / **file;
      std::error_code error;
      if (std::filesystem::is_regular_file(**file, error)) continue;
      Reject({.line = rule.line, .column = rule.column}, key,
             "is no file: " + Quote((*file)->string()));
    }
  }
  std::set<std::filesystem::path> seen;
  for (const SourceText& pattern : config_.seeds.files) {
    auto files = ExpandSeedPattern(pattern.text, base_dir);
    if (!files) {
      Reject({.line = pattern.line, .column = pattern.column}, "seeds.files",
             files.error().message);
      continue;
    }
    if (files->empty()) config_.seeds.idle_files.push_back(pattern);
    for (auto& file : *files) {
      if (seen.insert(file).second) config_.seeds.paths.push_back(std::move(file));
    }
  }
}

Config Loader::Finish() && {
  std::vector<Problem> problems;
  Config config = std::move(*this).Finish(problems);
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return config;
}

Config Loader::Finish(std::vector<Problem>& problems) && {
  problems = std::move(problems_);
  std::ranges::stable_sort(problems, {}, [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  });
  return std::move(config_);
}

}  // namespace crawld::config
