#!/bin/bash
# scripts/lint.sh : clang with thread-safety analysis as errors, each header alone, clang-tidy, and
# the tests of the house itself (layering, format, file lengths).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install-dependencies.sh
cmake --preset lint >/dev/null
cmake --build --preset lint --target crawld all_verify_interface_header_sets
ctest --preset lint -L house
