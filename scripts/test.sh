#!/bin/bash
# scripts/test.sh [PRESET] : installs what is missing, builds, and runs all tests (default: release).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
scripts/install-dependencies.sh
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
ctest --preset "$preset" -j "$(nproc)"
