#!/bin/sh
# The parts of docs/ that are made from crd/, policies/ and the program say what these say now; and every CRD field, reason, metric and
# environment variable is spoken of, and each package that is installed.
set -eu
made=$(mktemp)
trap 'rm -f "$made"' EXIT
failed=0
current() { # current PAGE COMMAND...: the command prints the page
  page=$1
  shift
  if ! "$@" >"$made"; then
    failed=1
  elif ! diff -u "$page" "$made"; then
    echo "$page is out of date: make docs"
    failed=1
  fi
}
current docs/compatibility.md lua5.4 tools/docs/compatibility.lua
current docs/analyzers.md lua5.4 tools/docs/analyzers.lua
current docs/reference.md lua5.4 tools/docs/reference.lua "${BUILD:-build}/k8sgpt-operator"
current docs/install.md lua5.4 tools/docs/install.lua

packages=$(awk '/^[a-z]+=\(/ { on = 1 } on { last = /\)/; gsub(/^[a-z]+=\(|\)/, ""); print; if (last) on = 0 }' tools/deps.sh)
for package in $packages; do
  grep -Fq "\`$package\`" docs/dependencies.md || { echo "docs/dependencies.md does not say why $package is there"; failed=1; }
done
exit "$failed"
