#include "config/yaml_tree.h"

#include <gtest/gtest.h>

#include <string>

#include "config/config.h"

namespace crawld::config {
namespace {

using Kind = YamlNode::Kind;

TEST(YamlTreeTest, KeepsOrderPlacesAndDuplicates) {
  const auto root = *ParseYaml("a: 1\nb:\n  - x\n  - 'y'\na: 2\n");
  ASSERT_EQ(root->kind, Kind::kMap);
  ASSERT_EQ(root->fields.size(), 3U);
  EXPECT_EQ(root->fields[2].first->text, "a");
  EXPECT_EQ(root->fields[2].first->place.line, 5U);
  EXPECT_EQ(root->fields[2].second->place.column, 4U);
  const auto& list = *root->fields[1].second;
  ASSERT_EQ(list.kind, Kind::kSequence);
  EXPECT_EQ(list.items[1]->text, "y");
  EXPECT_EQ(list.items[1]->place.line, 4U);
  EXPECT_EQ(list.items[1]->place.column, 5U);
}

TEST(YamlTreeTest, AnEmptyTextIsNull) {
  EXPECT_EQ((*ParseYaml(""))->kind, Kind::kNull);
  EXPECT_EQ((*ParseYaml("# only a comment\n"))->kind, Kind::kNull);
  EXPECT_EQ((*ParseYaml("~"))->kind, Kind::kNull);
  EXPECT_EQ((*ParseYaml("'null'"))->kind, Kind::kScalar);
}

TEST(YamlTreeTest, SyntaxErrorsHaveTheirPlace) {
  const auto root = ParseYaml("name: x\nseeds: [a, b\nlog: {}\n");
  ASSERT_FALSE(root.has_value());
  EXPECT_GE(root.error().place.line, 2U);
  EXPECT_TRUE(root.error().message.starts_with("YAML syntax: ")) << root.error().message;
}

TEST(YamlTreeTest, ASecondDocumentIsAnError) {
  const auto root = ParseYaml("a: 1\n---\nb: 2\n");
  ASSERT_FALSE(root.has_value());
  EXPECT_NE(root.error().message.find("a second document"), std::string::npos);
}

TEST(YamlTreeTest, TagsAreAnError) {
  EXPECT_FALSE(ParseYaml("a: !!str 1").has_value());
  EXPECT_FALSE(ParseYaml("a: !x {}").has_value());
  EXPECT_FALSE(ParseYaml("!y [1]").has_value());
}

TEST(YamlTreeTest, AnAliasSharesItsValue) {
  const auto root = *ParseYaml("a: &x [1, 2]\nb: *x\n");
  EXPECT_EQ(root->fields[0].second, root->fields[1].second);
}

TEST(YamlTreeTest, AnAliasOfNothingOrOfItselfIsAnError) {
  EXPECT_FALSE(ParseYaml("a: *nothing").has_value());
  const auto self = ParseYaml("a: &x [1, *x]");
  ASSERT_FALSE(self.has_value());
  EXPECT_NE(self.error().message.find("inside the value"), std::string::npos);
}

TEST(YamlTreeTest, BillionLaughsCostNothing) {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 1; k < 10; ++k) text += ", " + before;
    text += "]\n";
  }
  EXPECT_TRUE(ParseYaml(text).has_value());
}

TEST(YamlTreeTest, AChainOfAliasesIsAsDeepAsItIs) {
  std::string text = "- &a0 [x]\n";
  for (int i = 1; i < 5000; ++i) {
    text += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  const auto root = ParseYaml(text);
  ASSERT_FALSE(root.has_value());
  EXPECT_NE(root.error().message.find("nested too deeply"), std::string::npos);
}

TEST(YamlTreeTest, DepthIsLimited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(ParseYaml(nested(kMaxConfigDepth)).has_value());
  EXPECT_FALSE(ParseYaml(nested(kMaxConfigDepth + 1)).has_value());
  EXPECT_FALSE(ParseYaml(nested(100'000)).has_value());
}

TEST(YamlTreeTest, SizeIsLimited) {
  std::string text = "a: 1\n";
  text.resize(kMaxConfigBytes, '\n');
  EXPECT_TRUE(ParseYaml(text).has_value());
  text += '\n';
  EXPECT_FALSE(ParseYaml(text).has_value());
}

}  // namespace
}  // namespace crawld::config
