#!/bin/sh
# What `make install` puts in place is complete, runs from there, and holds no tests.
set -eu
[ -z "${SANITIZE:-}" ] || exit 77
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
make --no-print-directory -s install DESTDIR="$root" PREFIX=/usr BUILD="${BUILD:-build}" >/dev/null
"$root/usr/bin/k8sgpt-operator" version | grep -Fq "$(cat VERSION)" || { echo "the installed program does not tell its version"; exit 1; }
share=$root/usr/share/k8sgpt-operator
for file in $(git ls-files 'policies/*/policy.lua' 'lua/*.lua' 'crd/*.yaml'); do
  [ -f "$share/$file" ] || { echo "not installed: $file"; exit 1; }
done
tests=$(find "$share" -name policy_test.yaml -o -name testdata)
[ -z "$tests" ] || { echo "tests are installed: $tests"; exit 1; }
