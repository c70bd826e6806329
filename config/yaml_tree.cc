#include "config/yaml_tree.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "config/config.h"

namespace crawld::config {
namespace {

Place PlaceOf(const YAML::Mark& mark) {
  // A null mark is -1, -1: the beginning.
  return {.line = static_cast<uint32_t>(std::max(mark.line, 0)) + 1,
          .column = static_cast<uint32_t>(std::max(mark.column, 0)) + 1};
}

// Thrown through yaml-cpp, which has no other way out of an event.
struct Stop {
  YamlError error;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode::Pointer Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      throw Stop{{PlaceOf(mark), "a second document begins here; a config is one document"}};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(NewNode(YamlNode::Kind::kNull, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) {
      throw Stop{{PlaceOf(mark), "an alias stands inside the value that it names"}};
    }
    Add(target->second, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RejectTag(mark, tag);
    auto node = NewNode(YamlNode::Kind::kScalar, mark);
    node->text = value;
    Add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct OpenNode {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    YamlNode::Pointer key;  // of a map, read but without its value yet
  };

  static std::shared_ptr<YamlNode> NewNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = PlaceOf(mark);
    return node;
  }

  // yaml-cpp says "?" for plain and "!" for quoted scalars.
  static void RejectTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Stop{{PlaceOf(mark), "a tag ('!...') stands here; a config has none"}};
  }

  [[noreturn]] static void RejectDepth(Place place) {
    throw Stop{
        {place, "is nested too deeply; allowed: " + std::to_string(kMaxConfigDepth) + " levels"}};
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    RejectTag(mark, tag);
    if (open_.size() >= kMaxConfigDepth) RejectDepth(PlaceOf(mark));
    open_.push_back({NewNode(kind, mark), anchor, nullptr});
  }

  void Close() {
    OpenNode done = std::move(open_.back());
    open_.pop_back();
    Add(std::move(done.node), done.anchor);
  }

  // A node is complete only here, so that no anchor can be reached from within itself.
  void Add(YamlNode::Pointer node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    // An alias brings its whole height: without this, a chain of them would be as deep as the file
    // is long.
    parent.node->height = std::max(parent.node->height, node->height + 1);
    if (open_.size() + node->height > kMaxConfigDepth) RejectDepth(node->place);
    if (parent.node->kind == YamlNode::Kind::kSequence) {
      parent.node->items.push_back(std::move(node));
    } else if (parent.key == nullptr) {
      parent.key = std::move(node);
    } else {
      parent.node->fields.emplace_back(std::move(parent.key), std::move(node));
      parent.key = nullptr;
    }
  }

  YamlNode::Pointer root_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, YamlNode::Pointer> anchors_;
  int documents_ = 0;
};

}  // namespace

Result<YamlNode::Pointer, YamlError> ParseYaml(std::string_view text) {
  if (text.size() > kMaxConfigBytes) {
    return Err(YamlError{
        {}, "the file is too large; allowed: " + std::to_string(kMaxConfigBytes) + " bytes"});
  }
  // yaml-cpp takes a line feed at the end of the text for the closing quote of a string that has
  // none; without it the quote is missed.
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    auto root = builder.Take();
    return root != nullptr ? root : std::make_shared<const YamlNode>();
  } catch (const YAML::Exception& e) {
    return Err(YamlError{PlaceOf(e.mark), "YAML syntax: " + e.msg});
  } catch (const Stop& stop) {
    return Err(stop.error);
  }
}

}  // namespace crawld::config
