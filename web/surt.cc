#include "web/surt.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "web/ascii.h"

namespace crawld::web {
namespace {

std::string Unescape(std::string_view text) {
  std::string current(text);
  for (int pass = 0; pass < kMaxUnescapes && current.find('%') != std::string::npos; ++pass) {
    std::string next;
    next.reserve(current.size());
    for (size_t i = 0; i < current.size(); ++i) {
      if (current[i] == '%' && i + 2 < current.size() && HexValue(current[i + 1]) >= 0 &&
          HexValue(current[i + 2]) >= 0) {
        next += static_cast<char>(HexValue(current[i + 1]) * 16 + HexValue(current[i + 2]));
        i += 2;
      } else {
        next += current[i];
      }
    }
    if (next.size() == current.size()) break;
    current = std::move(next);
  }
  return current;
}

// Escapes controls, space, '#', '%' and everything that is not ASCII.
std::string Escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '#' || c == '%') {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

void Lower(std::string& text) {
  for (char& c : text) c = AsciiLower(c);
}

// Dot segments resolved, empty segments gone; a trailing slash survives.
std::string NormalPath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (size_t begin = 1; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "..") {
      if (kept.empty()) {
        kept.push_back(segment);
      } else {
        kept.pop_back();
      }
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    begin = end + 1;
  }
  std::string out = "/";
  for (size_t i = 0; i < kept.size(); ++i) {
    out += kept[i];
    if (i + 1 < kept.size() && !kept[i].empty()) out += '/';
  }
  return out;
}

size_t RunOf(std::string_view text, size_t from, bool (*accept)(char)) {
  size_t end = from;
  while (end < text.size() && accept(text[end])) ++end;
  return end - from;
}

// ASP.NET's cookieless sessions: "/(24 characters)/page.aspx" and "/(a(24 characters))/page.aspx".
// `path` is in lower case.
void DropPathSession(std::string& path) {
  if (path.find(".aspx") == std::string::npos) return;
  for (size_t open = path.find("/("); open != std::string::npos; open = path.find("/(", open + 1)) {
    size_t at = open + 2;
    const auto code = [&] {
      if (RunOf(path, at, IsAlphanumeric) != 24) return false;
      at += 24;
      return at < path.size() && path[at++] == ')';
    };
    bool matched = false;
    if (RunOf(path, at, IsAlphanumeric) == 24) {
      matched = code();
    } else {
      while (at + 1 < path.size() && IsAlpha(path[at]) && path[at + 1] == '(') {
        at += 2;
        matched = code();
        if (!matched) break;
      }
      matched = matched && at < path.size() && path[at++] == ')';
    }
    if (matched && at < path.size() && path[at] == '/' &&
        path.find(".aspx", at + 2) != std::string::npos) {
      path.erase(open + 1, at - open);
      return;
    }
  }
}

// Removes the last `name` + `length` bytes of `accept` that are followed by '&' or the end. Both
// `query` and `name` are in lower case.
void DropParameter(std::string& query, std::string_view name, size_t length, bool (*accept)(char)) {
  for (size_t at = query.rfind(name); at != std::string::npos;
       at = at == 0 ? std::string::npos : query.rfind(name, at - 1)) {
    size_t end = at + name.size();
    if (RunOf(query, end, accept) != length) continue;
    end += length;
    if (end < query.size() && query[end] != '&') continue;
    query.erase(at, std::min(end + 1, query.size()) - at);
    return;
  }
}

void DropQuerySession(std::string& query) {
  DropParameter(query, "jsessionid=", 32, IsAlphanumeric);
  DropParameter(query, "phpsessid=", 32, IsAlphanumeric);
  DropParameter(query, "sid=", 32, IsAlphanumeric);
  constexpr std::string_view kAsp = "aspsessionid";
  for (size_t at = query.rfind(kAsp); at != std::string::npos;
       at = at == 0 ? std::string::npos : query.rfind(kAsp, at - 1)) {
    const size_t name = at + kAsp.size();
    const size_t value = name + 9;
    if (RunOf(query, name, IsAlpha) != 8 || value > query.size() || query[value - 1] != '=' ||
        RunOf(query, value, IsAlpha) != 24) {
      continue;
    }
    const size_t end = value + 24;
    if (end < query.size() && query[end] != '&') continue;
    query.erase(at, std::min(end + 1, query.size()) - at);
    break;
  }
  const size_t cfid = query.rfind("cfid=");
  if (cfid != std::string::npos) {
    const size_t amp = query.find('&', cfid);
    if (amp != std::string::npos && amp > cfid + 5 &&
        std::string_view(query).substr(amp + 1).starts_with("cftoken=")) {
      const size_t end = std::min(query.find('&', amp + 1), query.size());
      if (end > amp + 9) query.erase(cfid, std::min(end + 1, query.size()) - cfid);
    }
  }
}

void SortParameters(std::string& query) {
  std::vector<std::pair<std::string_view, std::string_view>> parameters;
  const std::string_view text = query;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('&', begin), text.size());
    const std::string_view parameter = text.substr(begin, end - begin);
    const size_t equals = std::min(parameter.find('='), parameter.size());
    // "a" sorts before "a=": the part from '=' on is empty.
    parameters.emplace_back(parameter.substr(0, equals), parameter.substr(equals));
    begin = end + 1;
  }
  std::stable_sort(parameters.begin(), parameters.end());
  std::string sorted;
  sorted.reserve(query.size());
  for (const auto& [name, value] : parameters) {
    if (!sorted.empty() || &name != &parameters.front().first) sorted += '&';
    sorted += name;
    sorted += value;
  }
  query = std::move(sorted);
}

std::string_view WithoutWww(std::string_view host) {
  if (!host.starts_with("www")) return host;
  const size_t digits = RunOf(host, 3, IsDigit);
  const size_t dot = 3 + digits;
  return dot + 1 < host.size() && host[dot] == '.' ? host.substr(dot + 1) : host;
}

}  // namespace

std::string Surt(const Url& url) {
  if (url.host().empty()) return std::string(url.HrefWithoutFragment());

  std::string_view host = url.host();
  while (host.ends_with('.')) host.remove_suffix(1);
  while (host.starts_with('.')) host.remove_prefix(1);
  host = WithoutWww(host);
  std::string out;
  while (true) {
    const size_t dot = host.rfind('.');
    if (dot == std::string_view::npos) break;
    if (dot + 1 < host.size()) {  // "a..b" is "a.b"
      out += host.substr(dot + 1);
      out += ',';
    }
    host = host.substr(0, dot);
  }
  out += host;
  if (url.port()) {
    out += ':';
    out += std::to_string(*url.port());
  }
  out += ')';

  std::string path = Escape(NormalPath(Unescape(url.path())));
  Lower(path);
  DropPathSession(path);
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  out += path;

  std::string query = Escape(Unescape(url.query()));
  if (!query.empty()) {
    Lower(query);
    DropQuerySession(query);
    SortParameters(query);
    if (!query.empty()) {
      out += '?';
      out += query;
    }
  }
  return out;
}

}  // namespace crawld::web
