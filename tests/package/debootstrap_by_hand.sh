#!/bin/bash
# debootstrap_by_hand.sh [BUILD] : the Debian package in a Debian that has nothing else, with apt, which
# fetches what the package depends on from this machine's mirror: installed, crawled with, upgraded,
# removed, purged, and a look at what is left. Needs root, debootstrap and a build (default:
# build/release). CACHE: a folder to keep the bare system in; MIRROR: another mirror. For hands: a minute
# or two, and the network.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "${1:-$here/../../build/release}" && pwd)
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$')}
work=$(mktemp -d /var/tmp/crawld-debootstrap-XXXXXX)
root=$work/root
server=
clean() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  for mounted in "$root/proc" "$root/dev/pts" "$root/dev"; do ! mountpoint -q "$mounted" || umount "$mounted"; done
  rm -rf --one-file-system "$work"
}
trap clean EXIT
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}
apt() {
  inside apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"
}
# Everything but dpkg's and apt's own accounts, logs and caches.
listing() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./run \
    -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/log -o -path ./var/cache \) -prune -o -print) | sort
}

"$here/build.sh" cpack "$build" "$work/packages" >/dev/null
deb=$(ls "$work"/packages/crawld_*.deb)
version=$(dpkg-deb -f "$deb" Version)

echo "== a bare system from $mirror"
tarball=${CACHE:+$CACHE/bookworm-minbase.tar}
if [ -n "$tarball" ] && [ -f "$tarball" ]; then
  mkdir "$root"
  tar -C "$root" -xf "$tarball"
else
  debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/debootstrap.log" ||
    { tail -20 "$work/debootstrap.log"; fail "debootstrap"; }
  [ -z "$tarball" ] || { mkdir -p "$CACHE" && tar -C "$root" -cf "$tarball" .; }
fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"
cp /etc/resolv.conf "$root/etc/"
for proxy in /etc/apt/apt.conf.d/*proxy*; do [ ! -f "$proxy" ] || cp "$proxy" "$root/etc/apt/apt.conf.d/"; done
cp "$deb" "$root/tmp/crawld.deb"
python3 - "$here" "$deb" "$root/tmp" "$version+1" <<'PYTHON'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import package_lib
package_lib.bumped(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]).rename(sys.argv[3] + "/new.deb")
PYTHON

echo "== installs, with what it depends on"
apt update >/dev/null
apt install /tmp/crawld.deb | grep -E '^(Setting up crawld|E:)|newly installed' || true
[ "$(inside dpkg-query -W -f '${Status} ${Version}' crawld)" = "install ok installed $version" ] || fail "install"
inside getent passwd crawld || fail "no user"
inside crawld --version
# What a purge leaves is compared with this: all but the package, which has been there and gone.
apt purge crawld >/dev/null
listing >"$work/before"

echo "== crawls"
apt install /tmp/crawld.deb >/dev/null
coproc SITE { exec "$build/tests/support/site_server" --pages 20; }
server=$SITE_PID
read -r url <&"${SITE[0]}"
cat >"$root/etc/crawld/news.yaml" <<YAML
name: news
data_dir: /var/lib/crawld/news
identity: {user_agent: "test/1 (+https://example.org/)"}
seeds: {urls: ["$url"]}
politeness: {delay: 0}
fetcher: {allow_addresses: [127.0.0.0/8]}
YAML
once() {
  inside setpriv --reuid crawld --regid crawld --clear-groups crawld run --once -c /etc/crawld/news.yaml
}
first=$(once 2>&1) || fail "$first"
grep '^crawl ' <<<"$first"
ls "$root"/var/lib/crawld/news/warc/*.warc.gz >/dev/null || fail "no archive"

echo "== is upgraded"
echo "name: mine" >"$root/etc/crawld/example.yaml"
apt install /tmp/new.deb | grep -E '^Setting up crawld'
[ "$(inside dpkg-query -W -f '${Version}' crawld)" = "$version+1" ] || fail "upgrade"
grep -qx "name: mine" "$root/etc/crawld/example.yaml" || fail "a changed conffile is gone"
second=$(once 2>&1) || fail "$second"
grep -q "complete: 0 pages" <<<"$second" || fail "it has forgotten: $second"

echo "== is removed and purged"
apt remove crawld | grep '^Removing crawld'
[ ! -e "$root/usr/bin/crawld" ] || fail "the program is still there"
apt purge crawld | grep -E 'kept|^Purging'
[ -e "$root/etc/crawld/news.yaml" ] && ls "$root"/var/lib/crawld/news/warc/*.warc.gz >/dev/null ||
  fail "what is not the package's is gone"
rm -r "$root/etc/crawld" "$root/var/lib/crawld"
listing >"$work/after"
if ! diff "$work/before" "$work/after"; then fail "this is left behind, or gone"; fi
echo "PASSED: nothing is left but the user: $(grep ^crawld: "$root/etc/passwd")"
