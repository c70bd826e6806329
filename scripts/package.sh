#!/bin/bash
# scripts/package.sh : builds the Debian package of the release preset, and says where it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install-dependencies.sh
cmake --preset release >/dev/null
cmake --build --preset release --target crawld
# The same source gives the same package, whenever it is built.
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p;T;q' deploy/debian/changelog)" +%s)
export SOURCE_DATE_EPOCH
cpack --preset release >/dev/null
ls "$PWD"/build/release/package/*.*deb
