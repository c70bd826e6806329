#!/bin/bash
# bench/farm/run.sh RUNNER BENCH [REPEATS] : crawld in the side-by-side runner.
# RUNNER is the path of the farm's run.sh, BENCH one of its benchmarks (b1, b2, b2tls, b3, wide).
# CRAWLD_BIN: the program to measure (default: the release build).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runner=$1 bench=$2 repeats=${3:-1}
template=$here/list.yaml.in
case $bench in b1|wide) template=$here/crawl.yaml.in ;; esac
export CRAWLD_BIN=${CRAWLD_BIN:-$here/../../build/release/service/crawld}
export CRAWLD_CONFIG=$template
export CRAWLD_ARGS="run --once -c @CONFIG@"
export CRAWLD_EXPORT='cat "$OUT"/data/pages/*.jsonl > "$OUT/pages.jsonl"'
exec "$runner" -b "$bench" -n "$repeats" crawld
