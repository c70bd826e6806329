#!/bin/bash
# scripts/try.sh [DIR] : see crawld work. Installs what is missing, builds the release preset, serves
# config/example-site on loopback, crawls it into DIR (default: ./crawl-example), and shows what came
# of it. Needs no internet once the packages are there. Run again, it replaces its own last result,
# and no other folder.
set -euo pipefail

here=$(pwd)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-crawl-example}
marker=.made-by-try

fail() {
  echo "try.sh: $*" >&2
  exit 1
}
[ $# -le 1 ] || fail "usage: scripts/try.sh [DIR]"
case $out in "" | -*) fail "usage: scripts/try.sh [DIR]" ;; esac
if [ -e "$out" ] && [ ! -f "$out/$marker" ]; then
  [ -d "$out" ] && [ -z "$(ls -A "$out")" ] ||
    fail "$out is there already, and not from this script; name another folder"
fi

echo "1. builds"
cd "$root"
scripts/install-dependencies.sh
cmake --preset release >/dev/null
cmake --build --preset release --target crawld example_server
cd "$here"
crawld=$root/build/release/service/crawld
[ "$here" = "$root" ] && crawld=build/release/service/crawld

mkdir -p "$out"
: >"$out/$marker"
rm -rf "$out/data" "$out/crawld.log"

echo
echo "2. serves config/example-site"
# The server ends when its stdin closes, and that is a pipe from here: it cannot outlive this script.
coproc SERVER { exec "$root/build/release/tests/support/example_server" "$root/config/example-site" --port 0; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
read -r -t 10 site <&"${SERVER[0]}" || fail "the example server does not start"
sed '/^#/d; s|\${SITE}|'"$site"'|' "$root/config/example-crawl.yaml" >"$out/crawl.yaml"
echo "$site, and a config for it: $out/crawl.yaml"

echo
echo "3. crawls"
shown=$(printf %q "$out")
program=$(printf %q "$crawld")
echo "\$ $program run --once -c $shown/crawl.yaml"
"$crawld" run --once -c "$out/crawl.yaml" || fail "the crawl failed; the reason is above or in $out/crawld.log"

show() {
  echo
  echo "# $1"
  echo "\$ $2"
  bash -c "$2"
}

echo
echo "4. what came of it lies in $out"
show "The archive: WARC records, here those of robots.txt (its response and our request)" \
  "zcat $shown/data/warc/*.warc.gz | sed -n '16,58p'"
show "Its index: a line a response, with the place of its record" \
  "LC_ALL=C sort $shown/data/index.cdxj | head -n 2"
show "The page records: what a page says, as JSON" \
  "grep -h the-long-fog $shown/data/pages/*.jsonl | tail -n 1 | python3 -m json.tool --no-ensure-ascii"
show "The crawl log: each fetch, here those that were not answered with 200" \
  "grep -v '\"status\":200' $shown/data/crawl.log"
show "The account of every URL" \
  "$program frontier stats -c $shown/crawl.yaml"
show "What was found and not fetched, and why" \
  "$program frontier export -c $shown/crawl.yaml | grep '\"state\":\"excluded\"'"
echo
echo "README.md goes on from here."
