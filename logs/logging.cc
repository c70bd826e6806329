#include "logs/logging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/mutex.h"
#include "concurrency/threads.h"
#include "logs/mask.h"
#include "logs/repeat_filter.h"
#include "web/utf8.h"

namespace crawld::logs {
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

config::LogLevel LevelOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return config::LogLevel::kTrace;
    case spdlog::level::debug:
      return config::LogLevel::kDebug;
    case spdlog::level::info:
      return config::LogLevel::kInfo;
    case spdlog::level::warn:
      return config::LogLevel::kWarn;
    case spdlog::level::err:
      return config::LogLevel::kError;
    case spdlog::level::critical:
      return config::LogLevel::kCritical;
    case spdlog::level::off:
    case spdlog::level::n_levels:
      return config::LogLevel::kOff;
  }
  return config::LogLevel::kOff;
}

constexpr size_t kQueue = 4096;  // lines between who says them and the thread that writes
constexpr size_t kMaxLineBytes = 16 << 10;
constexpr size_t kPipeBytes = 4096;  // PIPE_BUF: poll() promises room for so many
constexpr int kPatience = 1000;      // ms for a pipe to be read
constexpr mode_t kFileMode = 0640;

// A message as text for people: one line, whatever bytes are in it. Who could put a line feed into
// a header or a URL must not be able to write lines of his own.
std::string OneLine(std::string_view message) {
  std::string out;
  out.reserve(message.size());
  for (const char c : web::ReplaceInvalidUtf8(message)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 && byte < 0xa0 && out.ends_with('\xc2')) {  // U+0080 to U+009F
      out.pop_back();
      out += fmt::format("\\x{:02x}", byte);
    } else if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else if (byte == '\n') {
      out += "\\n";
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  return out;
}

// Whether stderr is a stream of the journal (systemd.exec(5), JOURNAL_STREAM).
bool StderrIsJournal() {
  const char* text = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): at start
  struct stat status {};
  if (text == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == text;
}

// sd-daemon(3), syslog(3).
int PriorityOf(spdlog::level::level_enum level) {
  constexpr std::array<int, 7> kPriorities = {7, 7, 6, 4, 3, 2, 2};
  return kPriorities.at(static_cast<size_t>(level));
}

// Where lines go. One thread.
class Output {
 public:
  // Throws FatalError.
  explicit Output(std::optional<std::filesystem::path> file) : file_(std::move(file)) {
    if (!file_) return;
    fd_ = Open();
    if (fd_ < 0) {
      throw FatalError(fmt::format("log.file: '{}' cannot be opened: {}", file_->string(),
                                   std::generic_category().message(errno)));
    }
    regular_ = IsFile();
  }
  ~Output() {
    if (file_) close(fd_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // What is wrong, or nothing; then all goes on as before.
  std::optional<std::string> Reopen() {
    if (!file_) return std::nullopt;
    const int fd = Open();
    if (fd < 0) {
      return fmt::format("log.file: '{}' cannot be opened anew: {}; the old one is written on",
                         file_->string(), std::generic_category().message(errno));
    }
    close(fd_);
    fd_ = fd;
    regular_ = IsFile();
    return std::nullopt;
  }

  // Whether all of it has been written.
  bool Write(std::string_view line) {
    while (!line.empty()) {
      if (!regular_ && !WaitForRoom()) return false;
      const ssize_t n =
          write(fd_, line.data(), regular_ ? line.size() : std::min(line.size(), kPipeBytes));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      line.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  int Open() const {
    return open(file_->c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kFileMode);
  }
  // A file may be written to at once; a terminal, a pipe or a device may not be read.
  bool IsFile() const {
    struct stat status {};
    return fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  }
  // Who reads the pipe may have stopped: it is waited for once, and then only looked at.
  bool WaitForRoom() {
    pollfd room{fd_, POLLOUT, 0};
    const bool ready = poll(&room, 1, stalled_ ? 0 : kPatience) > 0;
    stalled_ = !ready;
    return ready;
  }

  const std::optional<std::filesystem::path> file_;
  int fd_ = STDERR_FILENO;
  bool regular_ = false;
  bool stalled_ = false;
};

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

std::unique_ptr<spdlog::formatter> FormatterOf(config::LogFormat format, bool journal) {
  if (format == config::LogFormat::kText && journal) {
    return std::make_unique<spdlog::pattern_formatter>("%v");  // LogSink adds the priority
  }
  if (format == config::LogFormat::kText) {
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%e%z %-8l %v");
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JsonMessage>('*').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,"message":%*})");
  return formatter;
}

}  // namespace

// Called by the log's own thread.
class Logging::Sink final : public spdlog::sinks::sink {
 public:
  Sink(const config::Log& log, std::vector<std::string> secrets) {
    Set(log, std::make_unique<Output>(log.file), std::move(secrets));
  }

  void Set(const config::Log& log, std::unique_ptr<Output> output,
           std::vector<std::string> secrets) {
    const bool journal = !log.file && StderrIsJournal();
    MutexLock lock(mutex_);
    output_ = std::move(output);
    masker_ = Masker(std::move(secrets));
    formatter_ = FormatterOf(log.format, journal);
    text_ = log.format == config::LogFormat::kText;
    priorities_ = text_ && journal;
  }

  void Reopen() { reopen_.store(true, std::memory_order_relaxed); }

  void log(const spdlog::details::log_msg& message) override {
    MutexLock lock(mutex_);
    Begin();
    std::string_view payload(message.payload.data(), message.payload.size());
    std::string text = masker_.Mask(payload.substr(0, kMaxLineBytes));
    if (payload.size() > kMaxLineBytes) text += " ...";
    if (!repeats_filter_.Admit(message.level, text, std::chrono::steady_clock::now())) {
      repeats_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    Put(message, text);
  }

  void flush() override {
    MutexLock lock(mutex_);
    Begin();
  }

  // The last words of those that repeat.
  void End() {
    MutexLock lock(mutex_);
    PutRepeats(/*all=*/true);
  }

  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  void Count(LogStats& stats) const {
    for (size_t i = 0; i < lines_.size(); ++i) {
      stats.lines.at(i) = lines_.at(i).load(std::memory_order_relaxed);
    }
    stats.repeats = repeats_.load(std::memory_order_relaxed);
    stats.dropped += dropped_.load(std::memory_order_relaxed);
  }

 private:
  void Begin() REQUIRES(mutex_) {
    if (reopen_.exchange(false, std::memory_order_relaxed)) {
      const auto problem = output_->Reopen();
      if (problem) Say(spdlog::level::err, *problem);
    }
    PutRepeats(false);
  }
  void PutRepeats(bool all) REQUIRES(mutex_) {
    for (const auto& ended : repeats_filter_.TakeEnded(std::chrono::steady_clock::now(), all)) {
      const auto within = std::chrono::ceil<std::chrono::seconds>(ended.within);
      Say(static_cast<spdlog::level::level_enum>(ended.level),
          fmt::format("{} (again {} times within {} s)", ended.text, ended.times, within.count()));
    }
  }
  void Say(spdlog::level::level_enum level, const std::string& text) REQUIRES(mutex_) {
    Put(spdlog::details::log_msg(spdlog::string_view_t(), level, text), text);
  }
  void Put(const spdlog::details::log_msg& from, const std::string& text) REQUIRES(mutex_) {
    spdlog::details::log_msg message = from;
    const std::string line_text = text_ ? OneLine(text) : text;
    message.payload = spdlog::string_view_t(line_text.data(), line_text.size());
    spdlog::memory_buf_t line;
    if (priorities_) fmt::format_to(std::back_inserter(line), "<{}>", PriorityOf(message.level));
    formatter_->format(message, line);
    if (output_->Write({line.data(), line.size()})) {
      lines_.at(static_cast<size_t>(message.level)).fetch_add(1, std::memory_order_relaxed);
    } else {
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // Only statistics, and a wish that is looked at before the next line.
  std::array<std::atomic<uint64_t>, 6> lines_{};
  std::atomic<uint64_t> repeats_ = 0;
  std::atomic<uint64_t> dropped_ = 0;
  std::atomic<bool> reopen_ = false;

  Mutex mutex_;  // Set() and the log's thread
  std::unique_ptr<Output> output_ GUARDED_BY(mutex_);
  Masker masker_ GUARDED_BY(mutex_);
  RepeatFilter repeats_filter_ GUARDED_BY(mutex_);
  std::unique_ptr<spdlog::formatter> formatter_ GUARDED_BY(mutex_);
  bool text_ GUARDED_BY(mutex_) = true;
  bool priorities_ GUARDED_BY(mutex_) = false;
};

struct Logging::Rep {
  std::shared_ptr<Sink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool GUARDED_BY(mutex);  // null: closed
  std::shared_ptr<spdlog::logger> logger;
  uint64_t overrun GUARDED_BY(mutex) = 0;  // of a pool that is gone
  mutable Mutex mutex;
};

Logging::Logging(const config::Log& log, std::vector<std::string> secrets)
    : rep_(std::make_unique<Rep>()) {
  rep_->sink = std::make_shared<Sink>(log, std::move(secrets));
  MutexLock lock(rep_->mutex);
  rep_->pool = std::make_shared<spdlog::details::thread_pool>(kQueue, 1, [] {
    thread_local concurrency::ThreadRegistration registration("log");
    concurrency::Idle("writes what others log");
  });
  rep_->logger = std::make_shared<spdlog::async_logger>(
      "crawld", rep_->sink, rep_->pool, spdlog::async_overflow_policy::overrun_oldest);
  rep_->logger->set_level(LevelOf(log.level));
  spdlog::set_default_logger(rep_->logger);
}

Logging::~Logging() {
  Close();
  SetUpToolLogging();
}

void Logging::Apply(const config::Log& log, std::vector<std::string> secrets) {
  auto output = std::make_unique<Output>(log.file);
  rep_->sink->Set(log, std::move(output), std::move(secrets));
  SetLevel(log.level);
}

void Logging::SetLevel(config::LogLevel level) { rep_->logger->set_level(LevelOf(level)); }

config::LogLevel Logging::level() const { return LevelOf(rep_->logger->level()); }

void Logging::Reopen() {
  rep_->sink->Reopen();
  rep_->logger->flush();
}

void Logging::Tick() { rep_->logger->flush(); }

void Logging::Close() {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  {
    MutexLock lock(rep_->mutex);
    if (!rep_->pool) return;
    rep_->overrun = rep_->pool->overrun_counter();
    pool = std::move(rep_->pool);
  }
  rep_->logger->set_level(spdlog::level::off);
  pool.reset();  // writes what is queued, and joins
  rep_->sink->End();
}

LogStats Logging::stats() const {
  LogStats stats;
  {
    MutexLock lock(rep_->mutex);
    stats.dropped = rep_->pool ? rep_->pool->overrun_counter() : rep_->overrun;
  }
  rep_->sink->Count(stats);
  return stats;
}

void SetUpToolLogging() {
  auto logger =
      std::make_shared<spdlog::logger>("crawld", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("crawld: %l: %v");
  logger->set_level(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace crawld::logs
