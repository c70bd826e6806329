# crawld_room(NAME SOURCES ... HEADERS ... PUBLIC ... PRIVATE ...)
#
# One folder = one room = one static library crawld_NAME (alias crawld::NAME). HEADERS form a header
# set, so that each of them is compiled alone in the lint preset. PUBLIC names what a header of the
# room needs, PRIVATE what only its sources need. Paths are relative to the room.
function(crawld_room NAME)
  cmake_parse_arguments(ROOM "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  set(target crawld_${NAME})
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE crawld_flags ${ROOM_PRIVATE})
    if(CRAWLD_LINT AND CRAWLD_CLANG_TIDY)
      set_target_properties(${target} PROPERTIES
        CXX_CLANG_TIDY "${CRAWLD_CLANG_TIDY};--quiet;--warnings-as-errors=*")
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(crawld::${NAME} ALIAS ${target})
  target_sources(${target} ${scope}
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${ROOM_HEADERS})
  target_include_directories(${target} ${scope} "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} ${scope} ${ROOM_PUBLIC})
endfunction()

# crawld_test(NAME ROOM room SOURCES ... LIBS ... [LABEL label] [TIMEOUT seconds])
#
# One test program of GoogleTest suites; each test is its own ctest entry. LABEL is `unit` unless
# told otherwise; `ctest -L unit` is the fast loop.
function(crawld_test NAME)
  cmake_parse_arguments(T "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${NAME} ${T_SOURCES})
  target_link_libraries(${NAME} PRIVATE crawld_flags ${T_LIBS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${NAME}
    DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()

# crawld_fuzzer(NAME SOURCE file LIBS ...)
#
# In the fuzz preset a libFuzzer program fuzz_NAME. In every other preset the same target replays the
# corpus tests/fuzz/corpus/NAME under ctest, so that what a fuzzer once found stays found.
function(crawld_fuzzer NAME)
  cmake_parse_arguments(F "" "SOURCE" "LIBS" ${ARGN})
  set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${NAME}")
  if(CRAWLD_FUZZ)
    add_executable(fuzz_${NAME} ${F_SOURCE})
    target_link_options(fuzz_${NAME} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz_${NAME}.Replay COMMAND fuzz_${NAME} -runs=0 "${corpus}")
  else()
    add_executable(fuzz_${NAME} ${F_SOURCE} "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc")
    add_test(NAME fuzz_${NAME}.Replay COMMAND fuzz_${NAME} "${corpus}")
  endif()
  target_link_libraries(fuzz_${NAME} PRIVATE crawld_flags ${F_LIBS})
  set_tests_properties(fuzz_${NAME}.Replay PROPERTIES LABELS unit TIMEOUT 120)
endfunction()
