#!/bin/bash
# build.sh CPACK BUILD OUT : packs what is built into OUT, as scripts/package.sh does.
set -euo pipefail
cpack=$1 build=$2 out=$3
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rm -rf "$out"
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p;T;q' "$root/deploy/debian/changelog")" +%s)
export SOURCE_DATE_EPOCH
cd "$build"
"$cpack" --config CPackConfig.cmake -B "$out"
ls "$out"/crawld_*.deb
