// Result<T>: a value or the error that stood in its way.
//
// For everything that is normal in a crawler's life (network, DNS, HTTP, robots, HTML). Each room
// documents one error enum; the enumerator's name is also the metric label. Mistakes at start (bad
// config, busy port, unreadable store) are exceptions, see base/error.h; broken invariants are
// CRAWLD_CHECK, see base/check.h.
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace crawld {

template <typename T, typename E = Error>
using Result = tl::expected<T, E>;

template <typename E>
[[nodiscard]] constexpr auto Err(E&& error) {
  return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace crawld
