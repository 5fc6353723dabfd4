#!/usr/bin/env bash
# Builds the Dockerfile without a registry or a daemon, twice, and compares; then lays the image out as FOLDER/rootfs and FOLDER/image.json.
# What stands for the base is made by debootstrap, once, and kept with the packages that compiling needs.
#
#   tools/image/build.sh FOLDER
#
# K8SGPT_CACHE (default ~/.cache/k8sgpt-operator) is where they are kept. DEBIAN_MIRROR: where Debian's packages come from.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?usage: build.sh FOLDER}
[ "$(id -u)" -eq 0 ] || { echo "image: building without a daemon needs root" >&2; exit 2; }
store=${K8SGPT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/k8sgpt-operator}/image
base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
name=localhost/k8sgpt-operator
mkdir -p "$store" "$out"
log=$out/build.log
: >"$log"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Plain folders: no mounts, no namespaces.
images() { buildah --root "$store/root" --runroot "$store/run" --storage-driver vfs "$@"; }
logged() { "$@" >>"$log" 2>&1 </dev/null || { tail -n 40 "$log" >&2; echo "image: ${*:1:2} failed; all of it is in $log" >&2; exit 1; }; }
say() { echo "image: $*"; }

make_base() {
  local container
  say "making $base by debootstrap (once)"
  logged debootstrap --variant=minbase bookworm "$work/base" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
  rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
  tar -C "$work/base" -cf "$work/base.tar" .
  container=$(images from scratch)
  logged images add "$container" "$work/base.tar" /
  logged images commit --timestamp 0 "$container" "$base"
  images rm "$container" >/dev/null
}

arguments=(--timestamp "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
           --build-arg VERSION="$(cat VERSION)" --build-arg REVISION="$(git rev-parse --short HEAD)")
build() { logged images bud --isolation chroot --layers "${arguments[@]}" -t "$@" "$work/source"; } # build TAG FLAG...
id() { images inspect --type image --format '{{.FromImageID}}' "$name"; }
forget() { # the image and what it was made of, but not the packages
  images rmi "$name" >/dev/null 2>&1 || :
  images rmi --prune >/dev/null 2>&1 || :
}

# Both times what is there now, and nothing that git leaves out.
mkdir "$work/source"
git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - 2>/dev/null | tar -C "$work/source" -xf -

images rm --all >/dev/null 2>&1 || : # of a build that was ended
images inspect --type image "$base" >/dev/null 2>&1 || make_base
build localhost/packages --target packages
forget
build "$name"
first=$(id)
forget
build "$name"
[ "$first" = "$(id)" ] || { say "two builds of the same sources differ: $first and $(id)" >&2; exit 1; }

rm -rf "$out/rootfs"
container=$(images from "$name")
cp -a "$(images mount "$container")" "$out/rootfs"
images inspect --type image --format '{{.Config}}' "$name" >"$out/image.json"
images rm "$container" >/dev/null
images rmi --prune >/dev/null
say "$(du -sb "$out/rootfs" | awk '{ printf "%.1f MB", $1 / 1e6 }'), sha256:${first:0:12}, the same twice; built in $SECONDS s"
