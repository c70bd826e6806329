// Files of this folder that are part of the program (cmake/CrawldEmbed.cmake).
#pragma once

#include <string_view>

namespace crawld::service::embedded {

extern const std::string_view kOpenApi;  // embedded/openapi.json
extern const std::string_view kPage;     // embedded/index.html

}  // namespace crawld::service::embedded
