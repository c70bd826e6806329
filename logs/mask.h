// Masker: takes secrets out of a line before it is written.
//
// What is masked: the user and password of a URL, the values of query parameters that are
// credentials by their name (token, api_key, password, signature, ...), and each secret that the
// config has given us, wherever it stands. Rooms do not log secrets; this is for what slips through
// in a URL of somebody else's page, or in a library's error text.
//
// Thread safety: const members from any thread. Cost: one pass over the text, and one search a
// secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crawld::logs {

class Masker {
 public:
  // Secrets of fewer than kMinSecretBytes would mask half of every line, and are left out.
  static constexpr size_t kMinSecretBytes = 6;
  explicit Masker(std::vector<std::string> secrets = {});

  std::string Mask(std::string_view text) const;

 private:
  std::vector<std::string> secrets_;  // the longest first
};

}  // namespace crawld::logs
