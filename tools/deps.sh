#!/usr/bin/env bash
# Installs the Debian packages that a group of targets needs, those that are missing. Says nothing when nothing is missing.
#
#   tools/deps.sh compile|build|engine|e2e|image|lint|fuzz|valgrind...
set -euo pipefail

compile=(gcc libc6-dev make pkg-config binutils liblua5.4-dev libcjson-dev libyaml-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libuv1-dev libmicrohttpd-dev
         libprotobuf-c-dev protobuf-c-compiler uthash-dev ca-certificates)
build=(lua5.4 lua-busted lua-cjson lua-yaml lua-socket libcmocka-dev curl)
engine=(python3 python3-venv)
e2e=(openssl)
image=(buildah debootstrap runc)
lint=(lua-check clang-tidy-14 clang-format-14 shellcheck)
fuzz=(clang-14 libclang-rt-14-dev llvm-14)
valgrind=(valgrind)

wanted=()
for group in "$@"; do
  case $group in
    compile) wanted+=("${compile[@]}") ;;
    build) wanted+=("${compile[@]}" "${build[@]}") ;;
    engine) wanted+=("${engine[@]}") ;;
    e2e) wanted+=("${e2e[@]}") ;;
    image) wanted+=("${image[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    valgrind) wanted+=("${valgrind[@]}") ;;
    *) echo "deps: no group named $group (compile, build, engine, e2e, image, lint, fuzz, valgrind)" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "deps: this is not Debian; what is needed, by its Debian names: ${wanted[*]}" >&2
  exit 0
fi

missing() {
  local have
  have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/ installed$//p' || :)
  comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(sort -u <<<"$have")
}

mapfile -t packages < <(missing)
[ ${#packages[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "deps: run as root, or install: ${packages[*]}" >&2; exit 1; }
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

apt() { # runs apt-get without a word; its words are shown when it fails
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1
}
install_missing() { apt install --no-install-recommends "${packages[@]}"; }

echo "deps: installing ${#packages[@]} Debian packages: ${packages[*]}"
if ! install_missing; then
  # The usual causes are a machine that never read its package lists, and lists that are out of date.
  echo "deps: reading the package lists"
  apt update || { cat "$log" >&2; echo "deps: apt-get update failed" >&2; exit 1; }
  echo "deps: fetching and unpacking"
  install_missing || { cat "$log" >&2; echo "deps: apt-get install failed" >&2; exit 1; }
fi
echo "deps: installed in $SECONDS s"
