#include "config/error.h"

#include <utility>

#include "base/check.h"

namespace crawld::config {
namespace {

std::string Lines(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += ToString(problem);
  }
  return text;
}

}  // namespace

std::string ToString(const Problem& problem, std::string_view label) {
  std::string text = problem.file;
  if (problem.line != 0) {
    text += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
  }
  if (!text.empty()) text += ": ";
  if (!label.empty()) text.append(label).append(": ");
  if (!problem.key.empty()) text += problem.key + ": ";
  return text + problem.message;
}

ConfigError::ConfigError(std::vector<Problem> problems)
    : FatalError(Lines(problems)), problems_(std::move(problems)) {
  CRAWLD_CHECK(!problems_.empty(), "an error says what is wrong");
}

}  // namespace crawld::config
