#!/bin/bash
# scripts/regenerate.sh [CRAWLD] : writes the files that crawld itself has the text of, after a change of
# the config's schema or of the command line: the example, the JSON Schema, crawld.yaml(5), the tables of
# docs/configuration.md, the completions. Tests compare them. CRAWLD: the program to ask (default:
# build/release/service/crawld).
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

# FILE, with stdin between its lines "<!-- NAME: begin -->" and "<!-- NAME: end -->".
between() {
  local file=$1 name=$2 text
  text=$(cat)
  TEXT=$text awk -v begin="<!-- $name: begin -->" -v end="<!-- $name: end -->" '
    $0 == end { keep = 1 }
    keep || !seen { print }
    $0 == begin { seen = 1; keep = 0; print ENVIRON["TEXT"] }
    END { exit !(seen && keep) }' "$file"
}
table() {
  "$crawld" schema --as "$2" | between "$1" "$3"
}

write config/example.yaml "$crawld" schema --as example
write config/crawld.schema.json "$crawld" schema
write deploy/completion/crawld.bash scripts/completion.py "$crawld" bash
write deploy/completion/_crawld scripts/completion.py "$crawld" zsh
write deploy/completion/crawld.fish scripts/completion.py "$crawld" fish
write man/crawld.yaml.5 "$crawld" schema --as man
write docs/configuration.md table docs/configuration.md table schema
write docs/configuration.md table docs/configuration.md warnings warnings
