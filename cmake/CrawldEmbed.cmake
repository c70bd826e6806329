# crawld_embed(TARGET NAME FILE)
#
# Makes FILE part of TARGET, as `std::string_view NAME()` in crawld::admin::embedded.
# Used with -P it writes the source file: cmake -DIN= -DOUT= -DNAME= -P CrawldEmbed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${IN}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(WRITE "${OUT}" "#include <string_view>

namespace crawld::admin::embedded {
namespace {
constexpr unsigned char kBytes[] = {${bytes}};
}  // namespace
std::string_view ${NAME}();
std::string_view ${NAME}() { return {reinterpret_cast<const char*>(kBytes), sizeof kBytes}; }
}  // namespace crawld::admin::embedded
")
  return()
endif()

set(CRAWLD_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")
function(crawld_embed TARGET NAME FILE)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embedded_${NAME}.cc")
  add_custom_command(OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" "-DIN=${CMAKE_CURRENT_SOURCE_DIR}/${FILE}" "-DOUT=${out}"
            "-DNAME=${NAME}" -P "${CRAWLD_EMBED_SCRIPT}"
    DEPENDS "${FILE}" "${CRAWLD_EMBED_SCRIPT}" VERBATIM)
  target_sources(${TARGET} PRIVATE "${out}")
endfunction()
