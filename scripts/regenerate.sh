#!/bin/bash
# scripts/regenerate.sh [CRAWLD] : writes the files that crawld itself has the text of, after a change of
# the config's schema: the example, the JSON Schema, the table of docs/configuration.md. Tests compare
# them. CRAWLD: the program to ask (default: build/release/service/crawld).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
crawld=${1:-build/release/service/crawld}

# Whole or not at all.
write() {
  local file=$1
  shift
  "$@" >"$file.new"
  if cmp -s "$file.new" "$file"; then rm "$file.new"; else mv "$file.new" "$file" && echo "$file"; fi
}

# What stands between two lines of FILE, these included, is kept; what is between them is stdin.
between() {
  local file=$1 name=$2
  awk -v begin="<!-- $name: begin -->" -v end="<!-- $name: end -->" -v text="$3" '
    $0 == end { keep = 1 }
    keep || !seen { print }
    $0 == begin { seen = 1; keep = 0; while ((getline line < text) > 0) print line }
    END { exit !(seen && keep) }' "$file"
}

write config/example.yaml "$crawld" schema --as example
write config/crawld.schema.json "$crawld" schema
table=$(mktemp)
trap 'rm -f "$table"' EXIT
"$crawld" schema --as table >"$table"
write docs/configuration.md between docs/configuration.md schema "$table"
