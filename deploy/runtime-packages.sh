#!/bin/bash
# deploy/runtime-packages.sh PROGRAM : the Debian packages of the shared libraries that a program loads,
# one a line. Looked up on the machine it was built on; nothing is guessed.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: deploy/runtime-packages.sh PROGRAM" >&2; exit 2; }

fail() {
  echo "runtime-packages.sh: $*" >&2
  exit 1
}
loaded=$(ldd "$1" 2>/dev/null) || fail "$1 is no program that can be loaded"
case $loaded in *"not found"*) fail "$1 needs what is not installed:" "$loaded" ;; esac

libraries=()
while read -r path; do
  path=$(readlink -f "$path")
  libraries+=("${path#/usr}")
done < <(grep -o '/[^ ]*' <<<"$loaded")
# dpkg knows a file by the path it was packed with, which may be /lib/... or /usr/lib/...
declare -A owner
while IFS= read -r line; do
  path=${line##*: }
  owner[${path#/usr}]=${line%%:*}
done < <(dpkg-query -S "${libraries[@]}" "${libraries[@]/#//usr}" 2>/dev/null || true)
for library in "${libraries[@]}"; do
  [ -n "${owner[$library]:-}" ] || fail "$library is of no package"
  echo "${owner[$library]}"
done | LC_ALL=C sort -u
