// Files of this folder that are part of the program (cmake/CrawldEmbed.cmake).
#pragma once

#include <string_view>

namespace crawld::admin::embedded {

std::string_view OpenApi();  // embedded/openapi.json
std::string_view Page();     // embedded/index.html

}  // namespace crawld::admin::embedded
