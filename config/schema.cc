#include "config/schema.h"

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/schema_table.h"
#include "config/text_checks.h"

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
  Row&& Live() && {
    key.live = true;
    return std::move(*this);
  }
  Row&& Secret() && {
    key.secret = true;
    return std::move(*this);
  }
  Row&& OneOrMany() && {
    key.one_or_many = true;
    return std::move(*this);
  }
  template <typename F>
  Row&& Check(F check, std::string_view pattern = {}) && {
    key.check = std::move(check);
    key.pattern = pattern;
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

// The entry of `hosts` that is being read.
HostRule& LastHost(Config& config) { return config.hosts.back(); }
const HostRule& LastHost(const Config& config) {
  static const HostRule none;
  return config.hosts.empty() ? none : config.hosts.back();
}

#define CRAWLD_HOST_KEY(field) \
  MakeRow("hosts[]." #field, [](auto& config) -> auto& { return LastHost(config).field; })

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
      CRAWLD_KEY(name)
          .Required("example")
          .Range(1, 64)
          .Check(CheckName, kNamePattern)
          .Doc("The crawl's name, part of every archive file's name."),
      CRAWLD_KEY(data_dir)
          .Required("/var/lib/crawld")
          .Range(1, kPathBytes)
          .Doc("Where everything is kept: frontier, archive, crawl log. One daemon at a time."),

      CRAWLD_KEY(seeds.urls).Live().Range(1, 65'535).Doc("URLs to begin with."),
      CRAWLD_KEY(seeds.sitemaps)
          .Live()
          .Range(1, 65'535)
          .Doc("Sitemaps, sitemap indexes or feeds whose URLs belong to the crawl."),
      CRAWLD_KEY(seeds.files)
          .Live()
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
          .Check(CheckRobotsToken, kRobotsTokenPattern)
          .Doc("The name to look for in robots.txt (RFC 9309: letters, _ and -). null: the first "
               "word "
               "of user_agent."),
      CRAWLD_KEY(identity.allow_anonymous).Doc("Allow a user_agent without contact."),

      CRAWLD_KEY(scope.mode)
          .Live()
          .Doc(
              "Which links belong to the crawl: those on a seed's host, on its registrable domain, "
              "below its path, or any."),
      CRAWLD_KEY(scope.include)
          .Live()
          .Range(1, 4096)
          .Doc("Regular expressions (RE2); if there are any, a URL must match one of them."),
      CRAWLD_KEY(scope.exclude)
          .Live()
          .Range(1, 4096)
          .Doc("Regular expressions (RE2); a URL that matches one is left out, before include."),
      CRAWLD_KEY(scope.max_depth)
          .Live()
          .Range(0, 65'535)
          .Doc("How many links away from a seed; 0: the seeds alone. null: no limit."),
      CRAWLD_KEY(scope.max_pages).Range(0, kMany).Doc("Stop after so many pages. 0: no limit."),
      CRAWLD_KEY(scope.max_pages_per_host)
          .Range(0, kMany)
          .Doc("So many pages of one host. 0: no limit."),
      CRAWLD_KEY(scope.max_url_length)
          .Live()
          .Range(64, 65'535)
          .Doc("Longer URLs, in bytes, are left out."),
      CRAWLD_KEY(scope.max_host_labels)
          .Live()
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
          .Live()
          .Range(kZero, kDay)
          .Doc("Between the end of a fetch from a host and the next one; robots.txt may ask for "
               "more."),
      CRAWLD_KEY(politeness.delay_factor)
          .Live()
          .Range(0, 1000)
          .Doc("Wait so many times as long as the host's last answer took, if that is more than "
               "delay. 0: delay alone."),
      CRAWLD_KEY(politeness.max_delay)
          .Live()
          .Range(kZero, kDay)
          .Doc("No more than this because of delay_factor."),
      CRAWLD_KEY(politeness.concurrency_per_host)
          .Live()
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
      CRAWLD_KEY(fetcher.concurrency)
          .Range(1, 100'000)
          .Doc("Transfers at the same time, but for those of max_slow."),
      CRAWLD_KEY(fetcher.max_slow)
          .Range(0, 100'000)
          .Doc("So many more: from hosts that have not answered yet, and those that take longer "
               "than "
               "a second. Dead hosts and answers that trickle keep no other from being asked."),
      CRAWLD_KEY(fetcher.connect_timeout)
          .Range(milliseconds(1), hours(1))
          .Doc("For name, connection and TLS handshake together."),
      CRAWLD_KEY(fetcher.first_byte_timeout)
          .Range(milliseconds(1), hours(1))
          .Doc("From the request to the first line of the answer."),
      CRAWLD_KEY(fetcher.idle_timeout)
          .Range(milliseconds(1), hours(1))
          .Doc("Between two pieces of the answer: lines of its head, bytes of its body."),
      CRAWLD_KEY(fetcher.total_timeout)
          .Range(milliseconds(1), kDay)
          .Doc("For one transfer from beginning to end."),
      CRAWLD_KEY(fetcher.max_body_bytes)
          .Range(kKiB, 4 * kGiB)
          .Doc("A longer body is cut here, and marked as cut."),
      CRAWLD_KEY(fetcher.max_header_bytes)
          .Range(kKiB, 256 * kKiB)
          .Doc("Longer headers are an error."),
      CRAWLD_KEY(fetcher.max_header_fields)
          .Range(1, 1000)
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
               "While it is spent, transfers stop reading. An eighth at most of what the process "
               "may have."),
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
      CRAWLD_KEY(fetcher.cookies)
          .Doc("Take cookies and send them back; they are kept in data_dir, in cookies.txt."),
      CRAWLD_KEY(fetcher.proxy)
          .Secret()
          .Range(1, 2048)
          .Check(CheckProxy, kProxyPattern)
          .Doc(
              "A proxy for all fetches: http://, https://, socks5:// (names are looked up here) or "
              "socks5h:// (by the proxy), perhaps user:password@, host and port. The proxies of "
              "the "
              "environment are not used."),
      CRAWLD_KEY(fetcher.no_proxy)
          .Range(1, 253)
          .Doc("What is fetched without it: hosts, *.example.net, addresses and ranges such as "
               "10.0.0.0/8."),
      CRAWLD_KEY(fetcher.ca_file)
          .Range(1, kPathBytes)
          .Doc("Certificates to trust, as PEM. null: the system's."),
      CRAWLD_KEY(fetcher.headers)
          .Secret()
          .Range(0, 8192)
          .Check(CheckHeaders, kHeaderNamePattern)
          .Doc("More request headers, name: value."),

      CRAWLD_HOST_KEY(match)
          .Required("[example.org, '*.example.net']")
          .OneOrMany()
          .Range(1, 253)
          .Doc("The hosts that the entry is for: names, addresses, and *.example.net for all that "
               "is below example.net."),
      CRAWLD_HOST_KEY(delay).Live().Range(kZero, kDay).Doc("Instead of politeness.delay."),
      CRAWLD_HOST_KEY(concurrency)
          .Live()
          .Range(1, 10'000)
          .Doc("Instead of politeness.concurrency_per_host."),
      CRAWLD_HOST_KEY(verify_tls).Doc("Check the certificate. false: whoever answers is believed."),
      CRAWLD_HOST_KEY(ca_file)
          .Range(1, kPathBytes)
          .Doc("Certificates to trust, as PEM, instead of fetcher.ca_file."),
      CRAWLD_HOST_KEY(http2).Doc("Instead of fetcher.http2."),
      CRAWLD_HOST_KEY(proxy)
          .Secret()
          .Range(1, 2048)
          .Check(CheckProxyOrNone, kProxyOrNonePattern)
          .Doc("Instead of fetcher.proxy; none: straight to the host."),
      CRAWLD_HOST_KEY(username)
          .Secret()
          .Range(1, 1024)
          .Check(CheckCredential)
          .Doc("For Basic authentication, with a password. Sent to these hosts alone; neither "
               "recorded nor logged, as all that follows."),
      CRAWLD_HOST_KEY(password).Secret().Range(0, 1024).Check(CheckCredential).Doc("To username."),
      CRAWLD_HOST_KEY(password_file)
          .Range(1, kPathBytes)
          .Doc("A file that has the password, such as a credential of systemd's."),
      CRAWLD_HOST_KEY(bearer_token)
          .Secret()
          .Range(1, 65'536)
          .Check(CheckCredential)
          .Doc("For Bearer authentication (RFC 6750)."),
      CRAWLD_HOST_KEY(bearer_token_file)
          .Range(1, kPathBytes)
          .Doc("A file that has the bearer_token."),
      CRAWLD_HOST_KEY(headers)
          .Secret()
          .Range(0, 8192)
          .Check(CheckHeaders, kHeaderNamePattern)
          .Doc("More request headers, name: value; before those of fetcher.headers."),

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

      CRAWLD_KEY(resources.min_free_disk_bytes)
          .Live()
          .Range(0, 1024 * kTiB)
          .Doc("While data_dir's disk has less room than this, nothing more is fetched; what is in "
               "flight is kept, and the crawl goes on by itself when there is an eighth more. 0: "
               "until a write fails."),
      CRAWLD_KEY(resources.max_memory_bytes)
          .Live()
          .Range(64 * kMiB, kTiB)
          .Doc(
              "While the process has nine tenths of this in RAM, nothing more is fetched. What its "
              "control group or the machine has counts as well, if it is less."),

      CRAWLD_KEY(admin.socket)
          .Range(1, kPathBytes)
          .Doc("A Unix socket on which the running crawl is watched and steered; relative to "
               "data_dir. null: none."),
      CRAWLD_KEY(admin.listen)
          .Range(1, 64)
          .Doc("The same by TCP: an address and a port, such as 127.0.0.1:8080. One that others "
               "can reach needs a token_file. null: none."),
      CRAWLD_KEY(admin.token_file)
          .Range(1, kPathBytes)
          .Doc("A file that has the token which a client sends (Authorization: Bearer ...), such "
               "as a credential of systemd's. By TCP alone."),

      CRAWLD_KEY(log.level).Live().Doc("What is logged: this and worse."),
      CRAWLD_KEY(log.format).Live().Doc("For people, or a JSON object a line."),
      CRAWLD_KEY(log.file).Live().Range(1, kPathBytes).Doc("null: stderr."),
  };
  std::vector<Key> table;
  for (Row& row : rows) table.push_back(std::move(row.key));
  return table;
}

#undef CRAWLD_KEY
#undef CRAWLD_HOST_KEY

}  // namespace

const std::vector<Key>& Table() {
  static const std::vector<Key> table = MakeTable();
  return table;
}

}  // namespace crawld::config
