// A YAML text as a small tree, with the place of every node. The one door to yaml-cpp.
//
// yaml-cpp's own Node hides duplicate keys and copies aliases; this tree keeps the first and shares
// the second, so that nested aliases ("billion laughs") cost nothing. Limits: one document, of
// kMaxConfigBytes and kMaxConfigDepth at most. Tags and anchors that contain themselves are errors.
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/values.h"

namespace crawld::config {

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  using Pointer = std::shared_ptr<const YamlNode>;

  Kind kind = Kind::kNull;
  Place place;
  size_t height = 0;                                // 0 for a leaf; what an alias stands for counts
  std::string text;                                 // kScalar
  std::vector<Pointer> items;                       // kSequence
  std::vector<std::pair<Pointer, Pointer>> fields;  // kMap, in order, duplicates and all
};

struct YamlError {
  Place place;
  std::string message;
};

// An empty text is a kNull node.
[[nodiscard]] Result<YamlNode::Pointer, YamlError> ParseYaml(std::string_view text);

}  // namespace crawld::config
