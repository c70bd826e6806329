#include "config/config.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "config/loader.h"

namespace crawld::config {
namespace {

// One byte past the limit is enough to see that a file is too large.
std::string ReadFile(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw ConfigError({{.file = path.string(), .message = "is a folder; give a file"}});
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxConfigBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    const std::string why = std::generic_category().message(errno);
    throw ConfigError({{.file = path.string(), .message = "cannot be read: " + why}});
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

Place Config::PlaceOf(const std::string& key) const {
  auto place = places.of.find(key);
  if (place == places.of.end()) place = places.of.find(key.substr(0, key.find('.')));
  return place == places.of.end() ? Place() : place->second;
}

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing of ours ever calls setenv.
    const char* const value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

Config Load(const std::filesystem::path& path, const Environment& environment) {
  const std::string text = ReadFile(path);
  Loader loader(path.string(), environment);
  loader.Run(text);
  loader.ResolveFiles(std::filesystem::absolute(path).parent_path());
  return std::move(loader).Finish();
}

Config LoadWhatIsRight(const std::filesystem::path& path, std::vector<Problem>& problems,
                       const Environment& environment) {
  const std::string text = ReadFile(path);
  Loader loader(path.string(), environment);
  loader.Run(text);
  return std::move(loader).Finish(problems);
}

Config LoadString(std::string_view text, std::string origin, const Environment& environment) {
  Loader loader(std::move(origin), environment);
  loader.Run(text);
  return std::move(loader).Finish();
}

}  // namespace crawld::config
