// The schema: one table of all keys, from which come parsing, ranges, error messages, the example
// file and the documentation. A key exists in that table (schema.cc) and as a field (config.h).
//
// Thread safety: all functions, from any thread; the table is built once and never changes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace crawld::config {

// A key as a reader of the documentation sees it.
struct KeyInfo {
  std::string path;           // "fetcher.max_body"
  std::string type;           // "size"
  std::string default_value;  // as it is written in the file; empty if required
  std::string range;          // "1KiB to 4GiB"; empty if anything goes
  std::string doc;            // one or two sentences
  bool required = false;
  bool live = false;  // a reload takes it up; else a restart
};

// All keys, in the order of the example file.
[[nodiscard]] std::vector<KeyInfo> Schema();

// A Markdown table of all keys, for docs/configuration.md.
[[nodiscard]] std::string DescribeSchema();

// A JSON Schema (draft 07) of the file, for editors: config/crawld.schema.json is this text
// (tested). It refuses nothing that Load accepts.
[[nodiscard]] std::string JsonSchema();

// The man page crawld.yaml(5), in mdoc(7): man/crawld.yaml.5 is this text (tested).
[[nodiscard]] std::string ManPage();

// The commented example: every key, with its default. config/example.yaml is this text (tested).
[[nodiscard]] std::string ExampleYaml();

}  // namespace crawld::config
