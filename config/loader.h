// Loader: from a YAML tree to a Config, gathering all that is wrong on the way.
//
// Used by Load and LoadString; one loader, one text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/schema_table.h"
#include "config/yaml_tree.h"

namespace crawld::config {

class Loader {
 public:
  Loader(std::string origin, const Environment& environment);

  // Reads, checks each value, then what values must agree on.
  void Run(std::string_view text);

  // Relative paths are joined to `base_dir`; files that must be there are looked for.
  void ResolveFiles(const std::filesystem::path& base_dir);

  // Throws ConfigError if anything was wrong.
  Config Finish() &&;
  // Gives what is right, and what was wrong.
  Config Finish(std::vector<Problem>& problems) &&;

 private:
  void LoadSection(const YamlNode& node, const std::string& path);
  void LoadField(const YamlNode& name, const YamlNode& value, const std::string& section);
  // A list whose entries are maps: `path` and "[]" is their section.
  void LoadEntries(const YamlNode& node, const std::string& path);
  void CheckHostRule();  // the last one
  // What was found under "hosts[]" is of "hosts[N]" from now on, N being the last one.
  void KeepPlaces(const std::string& section);
  void LoadKey(const Key& key, const YamlNode& node);
  void RejectUnknown(const YamlNode& name, const std::string& section);

  // What stands in `node`, or nothing after saying what is wrong with it.
  std::optional<Value> Read(const Key& key, const YamlNode& node);
  std::optional<Value> ReadScalar(const Key& key, const YamlNode& node);
  std::optional<Value> ReadStrings(const Key& key, const YamlNode& node);
  std::optional<Value> ReadNames(const Key& key, const YamlNode& node);
  std::optional<Value> ReadMap(const Key& key, const YamlNode& node);
  std::optional<std::string> ReadText(const Key& key, const YamlNode& node, std::string_view want);
  std::optional<uint64_t> ReadName(const Key& key, const YamlNode& node, const std::string& text);
  bool CheckRange(const Key& key, const YamlNode& node, uint64_t number);
  bool CheckLength(const Key& key, const YamlNode& node, const std::string& text);

  void CheckRequired();
  void CheckAgreement();
  void CheckIdentity();

  void Reject(Place place, std::string_view key, std::string message);
  // A mistake in what `key` has, wherever it was given; at the beginning if it was not.
  void RejectKey(const std::string& key, std::string message);
  // Given, or defaulted, without a mistake of its own.
  [[nodiscard]] bool Sound(const std::string& key) const;

  const Environment& environment_;
  Config config_;
  std::vector<Problem> problems_;
};

}  // namespace crawld::config
