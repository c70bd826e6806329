#include "service/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <memory>

#include "base/error.h"
#include "web/utf8.h"

namespace crawld::service {
namespace {

spdlog::level::level_enum LevelOf(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kTrace:
      return spdlog::level::trace;
    case config::LogLevel::kDebug:
      return spdlog::level::debug;
    case config::LogLevel::kInfo:
      return spdlog::level::info;
    case config::LogLevel::kWarn:
      return spdlog::level::warn;
    case config::LogLevel::kError:
      return spdlog::level::err;
    case config::LogLevel::kCritical:
      return spdlog::level::critical;
    case config::LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// %* in a pattern: the message as a JSON string, whatever bytes are in it.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string valid =
        web::ReplaceInvalidUtf8({message.payload.data(), message.payload.size()});
    const std::string text = boost::json::serialize(boost::json::string_view(valid));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

std::unique_ptr<spdlog::formatter> FormatterOf(config::LogFormat format) {
  if (format == config::LogFormat::kText) {
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%e%z %-8l %v");
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JsonMessage>('*').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,"message":%*})");
  return formatter;
}

}  // namespace

void SetUpLogging(const config::Log& log) {
  spdlog::sink_ptr sink;
  if (log.file) {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(log.file->string());
    } catch (const spdlog::spdlog_ex& e) {
      throw FatalError(std::string("log.file: ") + e.what());
    }
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  auto logger = std::make_shared<spdlog::logger>("crawld", std::move(sink));
  logger->set_formatter(FormatterOf(log.format));
  logger->set_level(LevelOf(log.level));
  logger->flush_on(spdlog::level::trace);  // lines are few; a crash must not take the last ones
  spdlog::set_default_logger(std::move(logger));
}

void SetUpToolLogging() {
  auto logger =
      std::make_shared<spdlog::logger>("crawld", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("crawld: %l: %v");
  logger->set_level(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace crawld::service
