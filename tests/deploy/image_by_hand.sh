#!/bin/bash
# tests/deploy/image_by_hand.sh DIR : builds the whole image and tries it, on a machine with neither a
# Docker engine nor a registry. Too long for CI (it compiles crawld anew), so it is for hands; what CI
# does instead is image_test.py.
#
# Needs root, the packages buildah, podman, crun and debootstrap, 5 GB in DIR, and a Debian mirror. The
# two base images are made by debootstrap, and known to buildah as what the Dockerfile names.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: tests/deploy/image_by_hand.sh DIR" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
mirror=http://deb.debian.org

# No overlay, no runtime, no namespaces: what a machine in a sandbox has.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
builder=$dir/builder
cat >"$builder" <<END
#!/bin/bash
exec buildah --root "$dir/store" --runroot "$dir/run" "\$@"
END
chmod +x "$builder"

if [ ! -d "$dir/slim" ]; then
  debootstrap --variant=minbase bookworm "$dir/base" "$mirror/debian" >"$dir/debootstrap.log"
  cat >"$dir/base/etc/apt/sources.list" <<END
deb $mirror/debian bookworm main
deb $mirror/debian bookworm-updates main
deb $mirror/debian-security bookworm-security main
END
  # As in Debian's own images: nothing starts, no recommendations, nothing kept.
  printf '#!/bin/sh\nexit 101\n' >"$dir/base/usr/sbin/policy-rc.d"
  chmod +x "$dir/base/usr/sbin/policy-rc.d"
  rm -rf "$dir"/base/var/{cache/apt/archives/*.deb,lib/apt/lists/*}
  cp -a "$dir/base" "$dir/slim"
  # What makes the slim one slim.
  cat >"$dir/slim/etc/dpkg/dpkg.cfg.d/docker" <<END
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
END
  find "$dir/slim/usr/share/doc" -type f ! -name copyright -delete
  rm -rf "$dir"/slim/usr/share/{man,info,locale,lintian}/*
fi
for name in base:12 slim:12-slim; do
  tag=docker.io/library/debian:${name#*:}
  "$builder" inspect --type image "$tag" >/dev/null 2>&1 && continue
  container=$("$builder" from scratch)
  "$builder" add -q "$container" "$dir/${name%:*}" / >/dev/null
  "$builder" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  "$builder" commit -q "$container" "$tag" >/dev/null
  "$builder" rm "$container" >/dev/null
done

echo "1. builds"
BUILDER=$builder BUILD_OPTIONS="--pull-never --network host --format docker ${BUILD_OPTIONS:-}" \
  "$root/deploy/build-image.sh" crawld:by-hand

echo "2. what it is"
"$builder" images --format '{{.Name}}:{{.Tag}} {{.Size}}'
"$builder" inspect --type image crawld:by-hand |
  python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["Docker"]["config"], indent=2))'

echo "3. runs, as image_test.py has it"
container=$("$builder" from --pull-never crawld:by-hand)
/usr/bin/python3 "$root/tests/deploy/image_test.py" --image "$("$builder" mount "$container")"
"$builder" rm "$container" >/dev/null

echo "4. runs, as podman has it"
cat >"$dir/crawl.yaml" <<END
name: by-hand
data_dir: /var/lib/crawld
identity: {user_agent: "image-test/1 (+https://example.org/)"}
END
cat >"$dir/engine" <<'END'
set -euo pipefail
# crun wants control groups of version 2 alone.
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
podman=(podman --root "$1/store" --runroot "$1/run" --cgroup-manager cgroupfs --log-level fatal)
"${podman[@]}" rm -f by-hand >/dev/null 2>&1 || true
"${podman[@]}" run -d --name by-hand --pull never --network host --cgroups disabled --read-only \
  --cap-drop all --security-opt no-new-privileges --ulimit nofile=10000:10000 --ulimit nproc=10000:10000 \
  -v "$1/crawl.yaml:/etc/crawld/crawl.yaml:ro" -v by-hand:/var/lib/crawld localhost/crawld:by-hand
# Not a pipe: `logs -f` would only notice at its next line that nobody reads on.
grep -q -m 1 ' starts crawl ' < <("${podman[@]}" logs -f by-hand 2>&1)
"${podman[@]}" healthcheck run by-hand && echo "healthy"
"${podman[@]}" stop -t 30 by-hand
"${podman[@]}" inspect by-hand --format 'exit code {{.State.ExitCode}}'
"${podman[@]}" rm -f by-hand >/dev/null
END
unshare --mount --propagation private bash "$dir/engine" "$dir"
