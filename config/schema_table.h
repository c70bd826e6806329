// The schema's table as the loader uses it. Callers outside config/ want schema.h.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/config.h"

namespace crawld::config {

enum class ValueKind {
  kBool,
  kInteger,
  kSize,
  kDuration,
  kEnum,
  kEnumList,
  kString,
  kPath,
  kStringList,
  kMap,
};

using EnumList = std::vector<uint64_t>;
using StringMap = std::vector<std::pair<std::string, std::string>>;

// By kind: kBool a bool; kInteger, kSize (bytes), kDuration (ms) and kEnum (index) a number;
// kString and kPath a string. monostate is null, for a key that may have no value.
using Value = std::variant<std::monostate, bool, uint64_t, std::string, std::vector<SourceText>,
                           EnumList, StringMap>;

struct Key {
  // "fetcher.threads"; "hosts[].delay" is a key of each entry of the list `hosts`: get() and set()
  // then are about the last entry, or the defaults if there is none.
  std::string path;
  ValueKind kind = ValueKind::kString;
  std::function<void(Config&, Value)> set;
  std::function<Value(const Config&)> get;

  bool required = false;
  bool nullable = false;
  bool one_or_many = false;  // of a list: one alone needs no brackets
  bool live = false;         // a reload takes it up; else a restart
  bool secret = false;       // its value may let somebody in: in no message, log or answer
  // Of the number; of the length in bytes of a string or of each string in a list.
  uint64_t min = 0;
  uint64_t max = std::numeric_limits<uint64_t>::max();
  std::vector<std::string_view> names;  // of an enum, by index
  std::string_view doc;
  // Of a string: what `check` lets through, as a regular expression of all of it, for those who
  // have no `check`; of a map: of its names. Empty if its length says all.
  std::string_view pattern;
  std::string_view sample;  // what the example file has for a required key
  // For strings and maps, besides the length: what is wrong, or nothing.
  std::function<std::optional<std::string>(const Value&)> check;
};

// In the order of the example file; built once.
const std::vector<Key>& Table();

// What a list of entries (`hosts[]`) is.
inline constexpr std::string_view kEntriesDoc =
    "What single hosts have of their own: a list of entries with these keys. The first that "
    "matches "
    "a host counts, alone.";

// How a value is written in the file, on one line.
std::string Format(const Key& key, const Value& value);
// "1 to 64", "host, domain, prefix or any"; empty if anything goes.
std::string RangeOf(const Key& key);
std::string_view TypeName(ValueKind kind);

}  // namespace crawld::config
