#!/bin/bash
# bench/farm/politeness.sh SEEDS LOG [DELAY_S] : is the delay kept, and is it all that is waited for?
# Crawls the hosts of SEEDS (URLs, one a line) once, with a delay of DELAY_S seconds (default 3), and
# then reads the server's LOG, JSON lines with t (time, s), h (host), u (URI) and ua (agent).
# Prints how many requests came earlier than allowed, and the share of the throughput that the delay
# permits. Exit code 1 if one came too early, or less than 98 % was reached.
# CRAWLD_BIN: the program to measure (default: the release build).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seeds=$(realpath "$1") log=$2 delay=${3:-3}
bin=${CRAWLD_BIN:-$here/../../build/release/service/crawld}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
agent=politeness-$$
cat >"$out/crawl.yaml" <<CONFIG
name: politeness
data_dir: $out/data
seeds: {files: ["$seeds"]}
identity: {user_agent: "$agent (+https://example.org/bench)"}
politeness: {delay: ${delay}s}
fetcher: {allow_addresses: [127.0.0.0/8, "::1"]}
log: {file: $out/crawld.log}
CONFIG
"$bin" run --once -c "$out/crawl.yaml"
sleep 2 # the server writes its log once a second
"$here/politeness.py" "$agent" "$log" "$delay"
