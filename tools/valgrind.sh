#!/usr/bin/env bash
# Runs test programs under memcheck, two side by side. Fails when one fails, uses memory it must not, or leaks.
#
#   tools/valgrind.sh BUILD PROGRAM...
set -euo pipefail

build=$1
shift
mkdir -p "$build/valgrind"

# Only the C library's allocator is replaced: tests that let allocations fail stand before it (spec/unit/support/alloc_fault.h).
run() {
  local log start=$SECONDS status=0
  log=$build/valgrind/$(basename "$(dirname "$1")").$(basename "$1")
  PROPERTY_STEPS=200 ALLOC_STRIDE=700 timeout -k 5 590 valgrind --quiet --error-exitcode=99 --leak-check=full --soname-synonyms=somalloc=nouserintercepts \
    --child-silent-after-fork=yes --num-callers=25 "$1" >"$log" 2>&1 || status=$?
  printf '  %-40s %s (%d s)\n' "${1#"$build/unit/"}" "$([ "$status" -eq 0 ] && echo ok || echo "FAILED, exit status $status")" $((SECONDS - start))
  [ "$status" -eq 0 ] || { tail -n 80 "$log"; return 1; }
}
export -f run
export build

printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'set -uo pipefail; run {}'
