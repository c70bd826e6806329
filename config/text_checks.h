// What a string in a config must look like. Each says what is wrong and what is allowed, or
// nothing. Pure functions; called with the kind of Value that their key has.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/schema_table.h"

namespace crawld::config {

// What some of them let through as a regular expression of the whole text, for the JSON Schema;
// they may let more through, never less.
inline constexpr std::string_view kNamePattern = "[a-z0-9-]{1,64}";
inline constexpr std::string_view kRobotsTokenPattern = "[A-Za-z_-]{1,64}";
inline constexpr std::string_view kHeaderNamePattern = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
inline constexpr std::string_view kProxyPattern = "(https?|socks5h?)://.*:0*[1-9][0-9]{0,4}/?";
inline constexpr std::string_view kProxyOrNonePattern =
    "none|(https?|socks5h?)://.*:0*[1-9][0-9]{0,4}/?";

// [a-z0-9-]+, so that it can be part of a file's name.
std::optional<std::string> CheckName(const Value& value);

// A header's value: no control characters, so that it cannot end the line (RFC 9110 section 5.5).
std::optional<std::string> CheckHeaderText(const Value& value);

// RFC 9309 section 2.2.1, product-token.
std::optional<std::string> CheckRobotsToken(const Value& value);

// Field names as RFC 9110 section 5.1 has them, none that the fetcher itself sets, none twice.
std::optional<std::string> CheckHeaders(const Value& value);

// A user name, password or token: no control characters. Says nothing of what it is.
std::optional<std::string> CheckCredential(const Value& value);

// A proxy's URL, without quoting it; CheckProxyOrNone: or the word none.
std::optional<std::string> CheckProxy(const Value& value);
std::optional<std::string> CheckProxyOrNone(const Value& value);

// The longest beginning of `text` that is a product token (RFC 9309 section 2.2.1).
std::string_view ProductTokenOf(std::string_view text);

}  // namespace crawld::config
