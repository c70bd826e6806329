#!/bin/bash
# scripts/install-dependencies.sh : what a Debian 12 machine needs to build, test and lint crawld.
# Asks for root only if something is missing.
set -euo pipefail

packages=(
  # tools
  ca-certificates ccache clang-16 clang-format-16 clang-tidy-16 cmake g++ git libclang-rt-16-dev
  lld-16 llvm-16 ninja-build pkg-config python3
  # what crawld is made of
  libboost1.81-dev libboost-json1.81-dev libbrotli-dev libc-ares-dev libcli11-dev libcurl4-openssl-dev
  libdeflate-dev libexpat1-dev libexpected-dev libfmt-dev libgumbo-dev libicu-dev libpsl-dev
  libisal-dev libre2-dev librocksdb-dev libspdlog-dev libsystemd-dev libssl-dev libuchardet-dev libxxhash-dev
  libyaml-cpp-dev libzstd-dev prometheus-cpp-dev zlib1g-dev
  # tests and benchmarks
  chromium chromium-driver dpkg-dev fakeroot fish libbenchmark-dev libgmock-dev libgtest-dev lintian
  man-db mandoc prometheus python3-jsonschema python3-yaml shellcheck systemd zsh
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=()
if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
echo "installing ${missing[*]}"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
# Its package brings promtool, which the tests need, and a service, which they do not.
case " ${missing[*]} " in *" prometheus "*)
  if [ -d /run/systemd/system ]; then "${sudo[@]}" systemctl disable --now --quiet prometheus; fi
esac
