#include "config/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "config/schema_table.h"

namespace crawld::config {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(SchemaTest, EveryKeyIsExplainedAndThereOnce) {
  std::set<std::string> paths;
  for (const KeyInfo& key : Schema()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    EXPECT_FALSE(key.doc.empty()) << key.path;
    EXPECT_FALSE(key.range.empty()) << key.path;
    EXPECT_EQ(key.doc.find('|'), std::string::npos) << "breaks the table: " << key.path;
    EXPECT_EQ(key.required, key.default_value.empty()) << key.path;
  }
  EXPECT_TRUE(paths.contains("fetcher.max_body"));
}

TEST(SchemaTest, TheExampleFileIsTheSchemasOwn) {
  EXPECT_EQ(ReadAll(CRAWLD_CONFIG_DIR "/example.yaml"), ExampleYaml())
      << "config/example.yaml is ExampleYaml()'s text; scripts/regenerate.sh writes it";
}

TEST(SchemaTest, TheJsonSchemaFileIsTheSchemasOwn) {
  EXPECT_EQ(ReadAll(CRAWLD_CONFIG_DIR "/crawld.schema.json"), JsonSchema())
      << "scripts/regenerate.sh writes it";
}

TEST(SchemaTest, TheExampleFileHasEveryKeyWithItsDefault) {
  const Config example = Load(CRAWLD_CONFIG_DIR "/example.yaml");
  const Config minimal = Load(CRAWLD_CONFIG_DIR "/minimal.yaml");
  for (const Key& key : Table()) {
    EXPECT_TRUE(key.path == "seeds.urls" || key.get(example) == key.get(minimal)) << key.path;
  }
  const std::string text = ExampleYaml();
  for (const KeyInfo& key : Schema()) {
    const std::string name = key.path.substr(key.path.find('.') + 1);
    EXPECT_NE(text.find(name + ": " + key.default_value), std::string::npos) << key.path;
  }
}

TEST(SchemaTest, TheDescriptionHasALineForEveryKey) {
  const std::string text = DescribeSchema();
  for (const KeyInfo& key : Schema()) {
    EXPECT_NE(text.find("| `" + key.path + "` | "), std::string::npos) << key.path;
  }
  EXPECT_NE(text.find("| `fetcher.connect_timeout` | duration | `10s` | 1ms to 1h | "),
            std::string::npos);
}

TEST(SchemaTest, TheConfigurationPageHasTheSchemasOwnTable) {
  const std::string page = ReadAll(CRAWLD_CONFIG_DIR "/../docs/configuration.md");
  const std::string begin = "<!-- schema: begin -->\n";
  const size_t from = page.find(begin);
  const size_t to = page.find("<!-- schema: end -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  EXPECT_EQ(page.substr(from + begin.size(), to - from - begin.size()), DescribeSchema())
      << "docs/configuration.md, between its markers, is DescribeSchema()'s text; "
         "scripts/regenerate.sh writes it";
}

std::string Base() {
  return "name: t\ndata_dir: /d\nidentity: {user_agent: 't (+http://t.example)'}\n";
}

std::string With(const std::string& path, const std::string& value) {
  const size_t dot = path.find('.');
  // retry.max_backoff must not be less than backoff, nor the budget less than a body.
  std::string text = Base();
  if (path == "retry.backoff") return text + "retry: {max_backoff: 30d, backoff: " + value + "}\n";
  if (path == "retry.max_backoff")
    return text + "retry: {backoff: 0, max_backoff: " + value + "}\n";
  if (path == "fetcher.max_body") {
    return text + "fetcher: {memory_budget: 1TiB, max_body: " + value + "}\n";
  }
  if (path == "fetcher.memory_budget") {
    return text + "fetcher: {max_body: 1KiB, memory_budget: " + value + "}\n";
  }
  if (path.starts_with("hosts[].")) {
    return text + "hosts: [{match: a.test, " + path.substr(dot + 1) + ": " + value + "}]\n";
  }
  return text + path.substr(0, dot) + ": {" + path.substr(dot + 1) + ": " + value + "}\n";
}

TEST(SchemaTest, EveryRangeHoldsAtTheLimitAndNotOnePastIt) {
  int checked = 0;
  for (const Key& key : Table()) {
    const bool number = key.kind == ValueKind::kInteger || key.kind == ValueKind::kSize ||
                        key.kind == ValueKind::kDuration;
    if (!number) continue;
    ++checked;
    const auto write = [&](uint64_t n) {
      return With(key.path, std::to_string(n) + (key.kind == ValueKind::kDuration ? "ms" : ""));
    };
    for (const uint64_t good : {key.min, key.max}) {
      const Config config = LoadString(write(good), "t");
      EXPECT_EQ(key.get(config), Value(good)) << key.path;
    }
    EXPECT_THROW(static_cast<void>(LoadString(write(key.max + 1), "t")), ConfigError) << key.path;
    if (key.min > 0) {
      EXPECT_THROW(static_cast<void>(LoadString(write(key.min - 1), "t")), ConfigError) << key.path;
    }
  }
  EXPECT_GT(checked, 30);
}

TEST(SchemaTest, EveryNameOfEveryEnumIsAccepted) {
  for (const Key& key : Table()) {
    for (size_t i = 0; i < key.names.size(); ++i) {
      const bool list = key.kind == ValueKind::kEnumList;
      const std::string name(key.names[i]);
      const Config config = LoadString(With(key.path, list ? '[' + name + ']' : name), "t");
      EXPECT_EQ(key.get(config), list ? Value(EnumList{i}) : Value(uint64_t{i})) << key.path;
    }
  }
}

TEST(SchemaTest, APatternRefusesNothingThatItsCheckLetsThrough) {
  std::vector<std::string> texts = {"none",
                                    "http://h:1",
                                    "https://u:p@h.test:65535/",
                                    "socks5://[::1]:080",
                                    "socks5h://192.0.2.1:9",
                                    "User_Agent-X"};
  for (char c = 1; c > 0 && c < 127; ++c) {
    for (const char* around : {"", "a"}) texts.push_back(around + std::string(1, c) + around);
  }
  for (const Key& key : Table()) {
    if (key.pattern.empty()) continue;
    const std::regex pattern("^(" + std::string(key.pattern) + ")$");
    int good = 0;
    for (const std::string& text : texts) {
      const bool map = key.kind == ValueKind::kMap;
      if (key.check(map ? Value(StringMap{{text, "x"}}) : Value(text))) continue;
      ++good;
      EXPECT_TRUE(std::regex_search(text, pattern)) << key.path << ": " << text;
    }
    EXPECT_GT(good, 3) << key.path;
    EXPECT_FALSE(std::regex_search("a b", pattern)) << key.path;
  }
}

}  // namespace
}  // namespace crawld::config
