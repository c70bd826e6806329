#include "config/difference.h"

#include <algorithm>
#include <utility>

#include "config/schema_table.h"

namespace crawld::config {
namespace {

constexpr std::string_view kOfHosts = "hosts[].";

std::string Written(const Key& key, const Value& value) {
  const std::string text = Format(key, value);
  return key.secret && text != "null" && text != "{}" ? "***" : text;
}

std::string MatchOf(const HostRule& rule) {
  std::string match;
  for (const SourceText& host : rule.match) match += (match.empty() ? "" : ", ") + host.text;
  return match;
}

// The config as a key of an entry sees it: with this entry alone.
Config With(const HostRule* rule) {
  Config config;
  config.hosts.emplace_back();
  if (rule != nullptr) config.hosts.back() = *rule;
  return config;
}

// Whether no entry has anything for which the order would count only after a restart.
bool OrderIsLive(const Config& before, const Config& after) {
  const Config bare = With(nullptr);
  for (const Config* config : {&before, &after}) {
    for (const HostRule& rule : config->hosts) {
      const Config one = With(&rule);
      for (const Key& key : Table()) {
        const bool of_hosts = key.path.starts_with(kOfHosts) && !key.path.ends_with(".match");
        if (of_hosts && !key.live && key.get(one) != key.get(bare)) return false;
      }
    }
  }
  return true;
}

void CompareHosts(const Config& before, const Config& after, std::vector<Difference>& out) {
  std::vector<std::string> names;
  const auto find = [](const Config& config, const std::string& match) -> const HostRule* {
    const auto rule = std::find_if(config.hosts.begin(), config.hosts.end(),
                                   [&](const HostRule& r) { return MatchOf(r) == match; });
    return rule == config.hosts.end() ? nullptr : &*rule;
  };
  std::vector<std::string> common[2];  // in their order
  for (const Config* config : {&before, &after}) {
    for (const HostRule& rule : config->hosts) {
      const std::string match = MatchOf(rule);
      if (std::find(names.begin(), names.end(), match) == names.end()) names.push_back(match);
      const bool both = find(before, match) != nullptr && find(after, match) != nullptr;
      if (both) common[config == &after ? 1 : 0].push_back(match);
    }
  }
  for (const std::string& name : names) {
    const Config one = With(find(before, name));
    const Config other = With(find(after, name));
    for (const Key& key : Table()) {
      if (!key.path.starts_with(kOfHosts) || key.path.ends_with(".match")) continue;
      const Value was = key.get(one);
      const Value is = key.get(other);
      if (was == is) continue;
      out.push_back({"hosts[" + name + "]." + key.path.substr(kOfHosts.size()), Written(key, was),
                     Written(key, is), key.live});
    }
  }
  // The first entry that matches counts.
  if (common[0] != common[1]) {
    out.push_back({"hosts", "in this order", "in another", OrderIsLive(before, after)});
  }
}

// A rule with the live keys of `next`, and the others of `running`; either may be missing.
HostRule MergedRule(const HostRule* running, const HostRule* next) {
  Config out = With(running);
  const Config from = With(next);
  for (const Key& key : Table()) {
    if (key.path.starts_with(kOfHosts) && key.live) key.set(out, key.get(from));
  }
  const HostRule& named = next != nullptr ? *next : *running;
  out.hosts.back().match = named.match;
  out.hosts.back().line = named.line;
  out.hosts.back().column = named.column;
  return out.hosts.back();
}

}  // namespace

Config Reloaded(const Config& running, const Config& next) {
  Config out = running;
  for (const Key& key : Table()) {
    if (key.live && !key.path.starts_with(kOfHosts)) key.set(out, key.get(next));
  }
  out.seeds.paths = next.seeds.paths;
  out.seeds.idle_files = next.seeds.idle_files;
  out.origin = next.origin;
  out.base_dir = next.base_dir;
  out.hosts.clear();
  const auto find = [](const Config& config, const HostRule& like) -> const HostRule* {
    for (const HostRule& rule : config.hosts) {
      if (MatchOf(rule) == MatchOf(like)) return &rule;
    }
    return nullptr;
  };
  // Entries that were there keep their order until a restart, if it counts for more than is live.
  std::vector<const HostRule*> order;
  const bool reorder = OrderIsLive(running, next);
  if (!reorder) {
    for (const HostRule& rule : running.hosts) {
      if (const HostRule* same = find(next, rule)) order.push_back(same);
    }
  }
  // New ones go before the one that they stand before, as the first that matches counts.
  const HostRule* behind = nullptr;
  for (auto rule = next.hosts.rbegin(); rule != next.hosts.rend(); ++rule) {
    if (reorder || find(running, *rule) == nullptr) {
      order.insert(std::find(order.begin(), order.end(), behind), &*rule);
    }
    behind = &*rule;
  }
  for (const HostRule* rule : order) out.hosts.push_back(MergedRule(find(running, *rule), rule));
  // What only a restart takes away.
  for (const HostRule& rule : running.hosts) {
    if (find(next, rule) != nullptr) continue;
    HostRule merged = MergedRule(&rule, nullptr);
    const Config bare = With(nullptr);
    HostRule nothing = bare.hosts.back();
    nothing.match = merged.match;
    nothing.line = merged.line;
    nothing.column = merged.column;
    if (merged != nothing) out.hosts.push_back(std::move(merged));
  }
  return out;
}

std::vector<Difference> Differences(const Config& before, const Config& after) {
  std::vector<Difference> out;
  bool hosts = false;
  for (const Key& key : Table()) {
    if (key.path.starts_with(kOfHosts)) {
      if (!std::exchange(hosts, true)) CompareHosts(before, after, out);
      continue;
    }
    const Value was = key.get(before);
    const Value is = key.get(after);
    if (was != is) out.push_back({key.path, Written(key, was), Written(key, is), key.live});
  }
  return out;
}

}  // namespace crawld::config
