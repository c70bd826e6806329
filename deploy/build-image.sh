#!/bin/bash
# deploy/build-image.sh [TAG] : builds the image of the Dockerfile (default: crawld) with docker, podman
# or buildah, whichever is there; BUILDER names another. More options for it go into BUILD_OPTIONS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=${1:-crawld}

builder=${BUILDER:-}
for candidate in docker podman buildah; do
  [ -n "$builder" ] || ! command -v "$candidate" >/dev/null || builder=$candidate
done
[ -n "$builder" ] || { echo "build-image.sh: neither docker nor podman nor buildah is there" >&2; exit 1; }

version=$(sed -n 's/^project(crawld VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
options=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --tag "$tag")
# Images of the OCI's own format have no HEALTHCHECK.
case $(basename "$builder") in podman | buildah) options+=(--format docker) ;; esac
read -r -a more <<<"${BUILD_OPTIONS:-}"
"$builder" build "${options[@]}" "${more[@]}" .
