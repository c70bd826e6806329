# Everything comes from Debian 12 packages; scripts/install-dependencies.sh has their names.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(RocksDB REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(ZLIB REQUIRED)
find_package(benchmark REQUIRED)
find_package(GTest REQUIRED)
include(GoogleTest)

foreach(dep gumbo libdeflate libisal libpsl icu-uc icu-i18n libxxhash re2 libzstd libbrotlidec
            uchardet expat libcares libsystemd)
  string(REPLACE "-" "_" name "${dep}")
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${dep})
endforeach()

# gumbo calls tiny functions for every character; linked statically those calls are direct, which
# makes parsing about a tenth cheaper than through the shared library's procedure linkage table.
find_library(CRAWLD_GUMBO_STATIC NAMES libgumbo.a REQUIRED)
add_library(crawld_gumbo INTERFACE)
target_link_libraries(crawld_gumbo INTERFACE "${CRAWLD_GUMBO_STATIC}")
target_include_directories(crawld_gumbo SYSTEM INTERFACE ${gumbo_INCLUDE_DIRS})
