#include "config/schema.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/schema_table.h"
#include "config/text_checks.h"
#include "config/units.h"

namespace crawld::config {
namespace {

std::vector<std::string_view> NamesOf(ScopeMode) { return {"host", "domain", "prefix", "any"}; }
std::vector<std::string_view> NamesOf(Nofollow) { return {"none", "page", "all"}; }
std::vector<std::string_view> NamesOf(LinkKind) {
  return {"a",       "area",      "iframe",  "frame", "canonical", "alternate", "next", "prev",
          "amphtml", "shortlink", "refresh", "image", "script",    "style",     "media"};
}
std::vector<std::string_view> NamesOf(Rel) { return {"nofollow", "ugc", "sponsored"}; }
std::vector<std::string_view> NamesOf(Noindex) { return {"keep", "drop"}; }
std::vector<std::string_view> NamesOf(FrontierOrder) {
  return {"breadth_first", "depth_first", "priority"};
}
std::vector<std::string_view> NamesOf(Digest) { return {"sha1", "sha256"}; }
std::vector<std::string_view> NamesOf(LogLevel) {
  return {"trace", "debug", "info", "warn", "error", "critical", "off"};
}
std::vector<std::string_view> NamesOf(LogFormat) { return {"text", "json"}; }

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Inner = T;
};
template <typename T>
struct IsEnumList : std::false_type {};
template <typename T>
struct IsEnumList<std::vector<T>> : std::is_enum<T> {
  using Inner = T;
};

template <typename T>
Value ToValue(const T& field) {
  if constexpr (IsOptional<T>::value) {
    return field ? ToValue(*field) : Value();
  } else if constexpr (std::same_as<T, milliseconds>) {
    return static_cast<uint64_t>(field.count());
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<uint64_t>(field);
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    return field.string();
  } else if constexpr (IsEnumList<T>::value) {
    EnumList list;
    for (const auto item : field) list.push_back(static_cast<uint64_t>(item));
    return list;
  } else {
    return field;
  }
}

template <typename T>
void FromValue(Value&& value, T& field) {
  if constexpr (IsOptional<T>::value) {
    field.reset();
    if (!std::holds_alternative<std::monostate>(value)) {
      FromValue(std::move(value), field.emplace());
    }
  } else if constexpr (std::same_as<T, milliseconds>) {
    field = milliseconds(static_cast<int64_t>(std::get<uint64_t>(value)));
  } else if constexpr (std::is_enum_v<T>) {
    field = static_cast<T>(std::get<uint64_t>(value));
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    field = std::get<std::string>(std::move(value));
  } else if constexpr (IsEnumList<T>::value) {
    field.clear();
    for (const auto item : std::get<EnumList>(value)) {
      field.push_back(static_cast<typename IsEnumList<T>::Inner>(item));
    }
  } else if (std::holds_alternative<std::monostate>(value)) {
    field = T();  // null where nothing given means something of its own
  } else {
    field = std::get<T>(std::move(value));
  }
}

// The field's type decides the kind.
template <typename T>
void SetKind(Key& key) {
  if constexpr (IsOptional<T>::value) {
    SetKind<typename IsOptional<T>::Inner>(key);
    key.nullable = true;
  } else if constexpr (std::same_as<T, bool>) {
    key.kind = ValueKind::kBool;
  } else if constexpr (std::same_as<T, uint64_t>) {
    key.kind = ValueKind::kInteger;
  } else if constexpr (std::same_as<T, milliseconds>) {
    key.kind = ValueKind::kDuration;
  } else if constexpr (std::same_as<T, std::string>) {
    key.kind = ValueKind::kString;
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    key.kind = ValueKind::kPath;
  } else if constexpr (std::same_as<T, std::vector<SourceText>>) {
    key.kind = ValueKind::kStringList;
  } else if constexpr (IsEnumList<T>::value) {
    key.kind = ValueKind::kEnumList;
    key.names = NamesOf(typename IsEnumList<T>::Inner{});
  } else if constexpr (std::is_enum_v<T>) {
    key.kind = ValueKind::kEnum;
    key.names = NamesOf(T{});
  } else {
    static_assert(std::same_as<T, StringMap>, "a field of a type that the schema does not know");
    key.kind = ValueKind::kMap;
  }
}

// A row of the table, told piece by piece.
struct Row {
  Key key;

  Row&& Range(uint64_t min, uint64_t max) && {
    key.min = min;
    key.max = max;
    return std::move(*this);
  }
  Row&& Range(milliseconds min, milliseconds max) && {
    return std::move(*this).Range(static_cast<uint64_t>(min.count()),
                                  static_cast<uint64_t>(max.count()));
  }
  Row&& Required(std::string_view sample) && {
    key.required = true;
    key.sample = sample;
    return std::move(*this);
  }
  Row&& Nullable() && {
    key.nullable = true;
    return std::move(*this);
  }
  template <typename F>
  Row&& Check(F check) && {
    key.check = std::move(check);
    return std::move(*this);
  }
  Row&& Doc(std::string_view doc) && {
    key.doc = doc;
    return std::move(*this);
  }
};

template <typename Access>
Row MakeRow(std::string_view field_path, Access access) {
  using T = std::remove_cvref_t<decltype(access(std::declval<Config&>()))>;
  Row row;
  SetKind<T>(row.key);
  constexpr std::string_view kBytes = "_bytes";
  if (field_path.ends_with(kBytes)) {
    row.key.kind = ValueKind::kSize;
    field_path.remove_suffix(kBytes.size());
  }
  row.key.path = std::string(field_path);
  row.key.set = [access](Config& config, Value value) {
    FromValue(std::move(value), access(config));
  };
  row.key.get = [access](const Config& config) { return ToValue(access(config)); };
  return row;
}

// The key's name is the field's: both stand here, once.
#define CRAWLD_KEY(field) MakeRow(#field, [](auto& config) -> auto& { return config.field; })

std::vector<Key> MakeTable() {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  constexpr milliseconds kZero(0);
  constexpr milliseconds kDay = hours(24);
  constexpr uint64_t kKiB = 1ULL << 10;
  constexpr uint64_t kMiB = 1ULL << 20;
  constexpr uint64_t kGiB = 1ULL << 30;
  constexpr uint64_t kTiB = 1ULL << 40;
  constexpr uint64_t kPathBytes = 4095;
  constexpr uint64_t kMany = 1'000'000'000'000;

  Row rows[] = {
      CRAWLD_KEY(name).Required("example").Range(1, 64).Check(CheckName).Doc(
          "The crawl's name, part of every archive file's name."),
      CRAWLD_KEY(data_dir)
          .Required("/var/lib/crawld")
          .Range(1, kPathBytes)
          .Doc("Where everything is kept: frontier, archive, crawl log. One daemon at a time."),

      CRAWLD_KEY(seeds.urls).Range(1, 65'535).Doc("URLs to begin with."),
      CRAWLD_KEY(seeds.sitemaps)
          .Range(1, 65'535)
          .Doc("Sitemaps, sitemap indexes or feeds whose URLs belong to the crawl."),
      CRAWLD_KEY(seeds.files)
          .Range(1, kPathBytes)
          .Doc(
              "Files of URLs, one a line, plain or gzip; patterns such as lists/*.txt.gz; a folder "
              "means every file in it."),

      CRAWLD_KEY(identity.user_agent)
          .Required("crawld/0.1 (+https://example.org/crawler)")
          .Range(1, 1024)
          .Check(CheckHeaderText)
          .Doc("The User-Agent header: a name, and a URL (+https://...) or an e-mail address where "
               "site owners reach you."),
      CRAWLD_KEY(identity.robots_token)
          .Nullable()
          .Range(1, 64)
          .Check(CheckRobotsToken)
          .Doc("The name to look for in robots.txt (RFC 9309: letters, _ and -). null: the first "
               "word "
               "of user_agent."),
      CRAWLD_KEY(identity.allow_anonymous).Doc("Allow a user_agent without contact."),

      CRAWLD_KEY(scope.mode)
          .Doc(
              "Which links belong to the crawl: those on a seed's host, on its registrable domain, "
              "below its path, or any."),
      CRAWLD_KEY(scope.include)
          .Range(1, 4096)
          .Doc("Regular expressions (RE2); if there are any, a URL must match one of them."),
      CRAWLD_KEY(scope.exclude)
          .Range(1, 4096)
          .Doc("Regular expressions (RE2); a URL that matches one is left out, before include."),
      CRAWLD_KEY(scope.max_depth)
          .Range(0, 65'535)
          .Doc("How many links away from a seed; 0: the seeds alone. null: no limit."),
      CRAWLD_KEY(scope.max_pages).Range(0, kMany).Doc("Stop after so many pages. 0: no limit."),
      CRAWLD_KEY(scope.max_pages_per_host)
          .Range(0, kMany)
          .Doc("So many pages of one host. 0: no limit."),
      CRAWLD_KEY(scope.max_url_length)
          .Range(64, 65'535)
          .Doc("Longer URLs, in bytes, are left out."),
      CRAWLD_KEY(scope.max_host_labels)
          .Range(1, 127)
          .Doc("Hosts with more labels than this, or longer than DNS allows, are left out."),
      CRAWLD_KEY(scope.follow)
          .Doc("The kinds of link to follow. The last four are what pages are made of: images "
               "(srcset and lazy ones too), scripts, style sheets, audio and video."),
      CRAWLD_KEY(scope.nofollow)
          .Doc("Which nofollow to honour: none; page: that of a page's meta robots or "
               "X-Robots-Tag; all: that of a link's rel as well."),
      CRAWLD_KEY(scope.nofollow_rel).Doc("The rel values that count, if nofollow is all."),
      CRAWLD_KEY(scope.sitemaps)
          .Doc("Take URLs from the sitemaps that robots.txt names. Not in mode prefix."),

      CRAWLD_KEY(url_key.drop_session_ids)
          .Doc("Two URLs that differ in a session id alone (jsessionid, PHPSESSID, sid, ...) are "
               "one "
               "page. These three can not be changed for a data_dir that is in use."),
      CRAWLD_KEY(url_key.drop_tracking)
          .Doc("Likewise for parameters that tell where a visitor came from (utm_*, gclid, ...)."),
      CRAWLD_KEY(url_key.sort_query).Doc("Likewise for the order of a query's parameters."),

      CRAWLD_KEY(frontier.order)
          .Doc("Which URL of a host comes first: oldest, newest, or by priority."),
      CRAWLD_KEY(frontier.cache_bytes).Range(kMiB, kTiB).Doc("The URL store's block cache."),
      CRAWLD_KEY(frontier.write_buffer_bytes)
          .Range(kMiB, 64 * kGiB)
          .Doc("The URL store's write buffer."),
      CRAWLD_KEY(frontier.seen_cache_bytes)
          .Range(kMiB, kTiB)
          .Doc("The cache of links seen lately, before the store is asked."),
      CRAWLD_KEY(frontier.hosts_in_memory)
          .Range(16, 1'000'000)
          .Doc("Hosts that are due soon and kept in memory; the others are on disk."),

      CRAWLD_KEY(politeness.delay)
          .Range(kZero, kDay)
          .Doc("Between the end of a fetch from a host and the next one; robots.txt may ask for "
               "more."),
      CRAWLD_KEY(politeness.delay_factor)
          .Range(0, 1000)
          .Doc("Wait so many times as long as the host's last answer took, if that is more than "
               "delay. 0: delay alone."),
      CRAWLD_KEY(politeness.max_delay)
          .Range(kZero, kDay)
          .Doc("No more than this because of delay_factor."),
      CRAWLD_KEY(politeness.concurrency_per_host)
          .Range(1, 10'000)
          .Doc("Fetches from one host at the same time."),
      CRAWLD_KEY(politeness.address_delay)
          .Range(kZero, kDay)
          .Doc("Like delay, between two fetches from one IP address, whatever hosts it has. 0: "
               "addresses do not matter."),
      CRAWLD_KEY(politeness.concurrency_per_address)
          .Range(0, 10'000)
          .Doc("Fetches from one IP address at the same time. 0: no limit."),
      CRAWLD_KEY(politeness.robots).Doc("Honour robots.txt."),
      CRAWLD_KEY(politeness.robots_max_age)
          .Range(minutes(1), 30 * kDay)
          .Doc("How long a host's robots.txt is good for."),
      CRAWLD_KEY(politeness.robots_max_crawl_delay)
          .Range(kZero, kDay)
          .Doc("A longer Crawl-delay in robots.txt counts as this."),

      CRAWLD_KEY(retry.max_tries)
          .Range(1, 100)
          .Doc("Tries for one URL, the first included, if failures may pass."),
      CRAWLD_KEY(retry.backoff)
          .Range(kZero, kDay)
          .Doc("Before the second try; doubled before each later one."),
      CRAWLD_KEY(retry.max_backoff).Range(kZero, 30 * kDay).Doc("At most this."),

      CRAWLD_KEY(health.failures)
          .Range(0, 1000)
          .Doc("A host that has not answered so many fetches in a row is not asked any more, but "
               "probed. 0: never."),
      CRAWLD_KEY(health.probes)
          .Range(1, 100)
          .Doc("If it answers none of so many probes, it is left alone for a while."),
      CRAWLD_KEY(health.backoff)
          .Range(milliseconds(1), kDay)
          .Doc("Before the first probe; doubled before each later one."),
      CRAWLD_KEY(health.park)
          .Range(milliseconds(1), 30 * kDay)
          .Doc("How long it is left alone then. A crawl with --once ends without it; the next run "
               "tries it again at once."),

      CRAWLD_KEY(fetcher.threads)
          .Range(1, 64)
          .Doc("Event loops; one carries thousands of transfers."),
      CRAWLD_KEY(fetcher.concurrency).Range(1, 100'000).Doc("Transfers at the same time, in all."),
      CRAWLD_KEY(fetcher.connect_timeout)
          .Range(milliseconds(1), hours(1))
          .Doc("For name, connection and TLS handshake together."),
      CRAWLD_KEY(fetcher.first_byte_timeout)
          .Range(milliseconds(1), hours(1))
          .Doc("From the request to the first byte of the answer."),
      CRAWLD_KEY(fetcher.idle_timeout)
          .Range(milliseconds(1), hours(1))
          .Doc("Between two bytes of the answer."),
      CRAWLD_KEY(fetcher.total_timeout)
          .Range(milliseconds(1), kDay)
          .Doc("For one transfer from beginning to end."),
      CRAWLD_KEY(fetcher.max_body_bytes)
          .Range(kKiB, 4 * kGiB)
          .Doc("A longer body is cut here, and marked as cut."),
      CRAWLD_KEY(fetcher.max_header_bytes)
          .Range(kKiB, 16 * kMiB)
          .Doc("Longer headers are an error."),
      CRAWLD_KEY(fetcher.max_header_fields)
          .Range(1, 100'000)
          .Doc("More header fields are an error. Those of interim responses and trailers count, "
               "as they do for max_header."),
      CRAWLD_KEY(fetcher.min_speed_bytes)
          .Range(0, kGiB)
          .Doc("A second. An answer that brings less than this, from its first byte on average "
               "over min_speed_window, is given up. 0: any speed is good."),
      CRAWLD_KEY(fetcher.min_speed_window)
          .Range(seconds(1), hours(1))
          .Doc("How long min_speed is averaged over."),
      CRAWLD_KEY(fetcher.max_redirects)
          .Range(0, 100)
          .Doc("Redirects in a row before a URL is given up."),
      CRAWLD_KEY(fetcher.memory_budget_bytes)
          .Range(kMiB, kTiB)
          .Doc("Bodies in flight and waiting for parser and disk, together; at least max_body. "
               "While it is spent, transfers stop reading."),
      CRAWLD_KEY(fetcher.http2).Doc("Offer HTTP/2."),
      CRAWLD_KEY(fetcher.max_streams)
          .Range(1, 1000)
          .Doc("Requests over one HTTP/2 connection at the same time."),
      CRAWLD_KEY(fetcher.allow_addresses)
          .Range(1, 128)
          .Doc("Addresses that may be connected to beside those of the public Internet: "
               "10.0.0.0/8, 127.0.0.1:8080, [fd00::]/8:443. Without, no page can lead the crawl to "
               "this machine, its network, or a cloud's metadata."),
      CRAWLD_KEY(fetcher.dns_servers)
          .Range(1, 128)
          .Doc(
              "Name servers to ask: 192.0.2.53 or [2001:db8::53]:5353. None: those of the system."),
      CRAWLD_KEY(fetcher.ca_file)
          .Range(1, kPathBytes)
          .Doc("Certificates to trust, as PEM. null: the system's."),
      CRAWLD_KEY(fetcher.headers)
          .Range(0, 8192)
          .Check(CheckHeaders)
          .Doc("More request headers, name: value."),

      CRAWLD_KEY(parser.threads).Range(0, 1024).Doc("0: as many as there are cores."),
      CRAWLD_KEY(parser.max_body_bytes)
          .Range(kKiB, 4 * kGiB)
          .Doc("So much of a decoded body is parsed; the archive has all of it."),
      CRAWLD_KEY(parser.max_links).Range(0, 10'000'000).Doc("Links taken from one page."),
      CRAWLD_KEY(parser.text).Doc("Put a page's visible text into its page record."),

      CRAWLD_KEY(archive.warc).Doc("Write WARC files."),
      CRAWLD_KEY(archive.compression).Range(0, 12).Doc("gzip level; 0: stored, 12: smallest."),
      CRAWLD_KEY(archive.max_file_bytes)
          .Range(kMiB, kTiB)
          .Doc("A file that has reached this size is closed, and the next one begun."),
      CRAWLD_KEY(archive.pages).Doc("Write page records, a JSON object a page."),
      CRAWLD_KEY(archive.crawl_log).Doc("Write the crawl log, a JSON object a fetch."),
      CRAWLD_KEY(archive.digest).Doc("Of payloads, in WARC records."),
      CRAWLD_KEY(archive.noindex)
          .Doc("Pages that say noindex (meta robots, X-Robots-Tag) or whose unavailable_after is "
               "over: keep, with a note in the page record; or drop what they say, for a page "
               "record that tells no more than that."),

      CRAWLD_KEY(commit.max_pages)
          .Range(1, 100'000)
          .Doc("Pages that are made durable together, at most."),
      CRAWLD_KEY(commit.interval)
          .Range(milliseconds(1), minutes(1))
          .Doc("A commit happens at least this often while there are pages to commit."),

      CRAWLD_KEY(shutdown.grace)
          .Range(kZero, hours(1))
          .Doc("Time for transfers in flight once the daemon is told to stop."),

      CRAWLD_KEY(log.level).Doc("What is logged: this and worse."),
      CRAWLD_KEY(log.format).Doc("For people, or a JSON object a line."),
      CRAWLD_KEY(log.file).Range(1, kPathBytes).Doc("null: stderr."),
  };
  std::vector<Key> table;
  for (Row& row : rows) table.push_back(std::move(row.key));
  return table;
}

#undef CRAWLD_KEY

std::string Join(const std::vector<std::string_view>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string SectionOf(const std::string& path) {
  const size_t dot = path.find('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

std::string DefaultOf(const Key& key) {
  static const Config defaults;
  // Filled in by the loader from the user agent: not given, not empty.
  if (key.path == "identity.robots_token") return "null";
  return key.required ? "" : Format(key, key.get(defaults));
}

KeyInfo InfoOf(const Key& key) {
  return {.path = key.path,
          .type = std::string(TypeName(key.kind)),
          .default_value = DefaultOf(key),
          .range = RangeOf(key),
          .doc = std::string(key.doc),
          .required = key.required};
}

// Comment lines of at most `width` columns.
void AppendComment(std::string& out, const std::string& indent, std::string_view text) {
  constexpr size_t kWidth = 100;
  std::string line = indent + '#';
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() + 1 + word.size() > kWidth) {
      out += line + '\n';
      line = indent + '#';
    }
    line += ' ';
    line += word;
  }
  out += line + '\n';
}

}  // namespace

const std::vector<Key>& Table() {
  static const std::vector<Key> table = MakeTable();
  return table;
}

std::string_view TypeName(ValueKind kind) {
  switch (kind) {
    case ValueKind::kBool:
      return "bool";
    case ValueKind::kInteger:
      return "integer";
    case ValueKind::kSize:
      return "size";
    case ValueKind::kDuration:
      return "duration";
    case ValueKind::kEnum:
      return "word";
    case ValueKind::kEnumList:
      return "list of words";
    case ValueKind::kString:
      return "string";
    case ValueKind::kPath:
      return "path";
    case ValueKind::kStringList:
      return "list of strings";
    case ValueKind::kMap:
      return "map of strings";
  }
  return "";
}

std::string Format(const Key& key, const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return "null";
  switch (key.kind) {
    case ValueKind::kBool:
      return std::get<bool>(value) ? "true" : "false";
    case ValueKind::kInteger:
      return std::to_string(std::get<uint64_t>(value));
    case ValueKind::kSize:
      return FormatSize(std::get<uint64_t>(value));
    case ValueKind::kDuration:
      return FormatDuration(milliseconds(static_cast<int64_t>(std::get<uint64_t>(value))));
    case ValueKind::kEnum:
      return std::string(key.names.at(std::get<uint64_t>(value)));
    case ValueKind::kEnumList: {
      std::string text;
      for (const auto index : std::get<EnumList>(value)) {
        text += (text.empty() ? "" : ", ") + std::string(key.names.at(index));
      }
      return '[' + text + ']';
    }
    case ValueKind::kString:
    case ValueKind::kPath:
      return std::get<std::string>(value);
    case ValueKind::kStringList: {
      std::string text;
      for (const auto& item : std::get<std::vector<SourceText>>(value)) {
        text += (text.empty() ? "" : ", ") + item.text;
      }
      return '[' + text + ']';
    }
    case ValueKind::kMap: {
      std::string text;
      for (const auto& [name, content] : std::get<StringMap>(value)) {
        if (!text.empty()) text += ", ";
        text.append(name).append(": ").append(content);
      }
      return '{' + text + '}';
    }
  }
  return "";
}

std::string RangeOf(const Key& key) {
  switch (key.kind) {
    case ValueKind::kBool:
      return "true or false";
    case ValueKind::kInteger:
    case ValueKind::kSize:
    case ValueKind::kDuration:
      return Format(key, key.min) + " to " + Format(key, key.max);
    case ValueKind::kEnum:
    case ValueKind::kEnumList:
      return Join(key.names);
    case ValueKind::kString:
    case ValueKind::kPath:
    case ValueKind::kStringList:
    case ValueKind::kMap:
      return std::to_string(key.min) + " to " + std::to_string(key.max) + " bytes" +
             (key.kind == ValueKind::kStringList || key.kind == ValueKind::kMap ? " each" : "");
  }
  return "";
}

std::vector<KeyInfo> Schema() {
  std::vector<KeyInfo> keys;
  for (const Key& key : Table()) keys.push_back(InfoOf(key));
  return keys;
}

std::string DescribeSchema() {
  std::string text =
      "| Key | Type | Default | Allowed | Meaning |\n"
      "|---|---|---|---|---|\n";
  for (const KeyInfo& key : Schema()) {
    text += "| `" + key.path + "` | " + key.type + " | " +
            (key.required ? "required" : '`' + key.default_value + '`') + " | " + key.range +
            " | " + key.doc + " |\n";
  }
  return text;
}

std::string ExampleYaml() {
  std::string text =
      "# Every key of crawld, with its default. A config needs only those marked `required`; see\n"
      "# minimal.yaml. `crawld check -c FILE` tells what is wrong with one.\n"
      "#\n"
      "# Durations: 500ms, 2s, 1m, 1h, 1d. Sizes: 64KiB, 10MiB, 1GiB, 10MB, or bytes. Any value "
      "may\n"
      "# have ${NAME} or ${NAME:-default} from the environment; $$ is a dollar sign. Relative "
      "paths are\n"
      "# relative to this file's folder. A changed config is taken up by a restart.\n";
  std::string section;
  for (const Key& key : Table()) {
    const std::string of = SectionOf(key.path);
    if (of != section || of.empty()) text += '\n';
    if (of != section) text += of + ":\n";
    section = of;
    const std::string indent = of.empty() ? "" : "  ";
    const std::string name = key.path.substr(of.empty() ? 0 : of.size() + 1);
    std::string comment(key.doc);
    const bool ranged = key.kind == ValueKind::kInteger || key.kind == ValueKind::kSize ||
                        key.kind == ValueKind::kDuration || key.kind == ValueKind::kEnum ||
                        key.kind == ValueKind::kEnumList;
    if (ranged) comment += " Allowed: " + RangeOf(key) + '.';
    if (key.required) comment += " [required]";
    AppendComment(text, indent, comment);
    text += indent + name + ": " + (key.required ? std::string(key.sample) : DefaultOf(key)) + '\n';
  }
  return text;
}

}  // namespace crawld::config
