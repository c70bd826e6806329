# Language, warnings, sanitizers, ccache: what every target gets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CRAWLD_CCACHE ccache)
if(CRAWLD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CRAWLD_CCACHE}")
endif()

add_library(crawld_flags INTERFACE)
target_compile_options(crawld_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-qual -Wold-style-cast
  -Woverloaded-virtual -Wnull-dereference -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum
  -fno-omit-frame-pointer)
target_compile_definitions(crawld_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED
  CRAWLD_VERSION="${PROJECT_VERSION}")
if(CRAWLD_WERROR)
  target_compile_options(crawld_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false positives of these two through inlined std::string and std::variant code.
  target_compile_options(crawld_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized
                                                -Wno-null-dereference)
  # Meaningless under sanitizers and noisy with -O2 in the standard library.
  target_compile_options(crawld_flags INTERFACE -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(CRAWLD_LINT)
  target_compile_options(crawld_flags INTERFACE -Wthread-safety -Werror=thread-safety)
endif()
if(CRAWLD_SANITIZE)
  add_compile_options(-fsanitize=${CRAWLD_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CRAWLD_SANITIZE})
endif()
if(CRAWLD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld-16)
endif()

find_program(CRAWLD_CLANG_TIDY NAMES clang-tidy-16)
