#!/bin/sh
# The built file has what the OpenSSF guide's flags promise: position independence, read-only relocations bound at start, no
# executable stack, stack protectors, fortified libc calls.
set -eu
[ -z "${SANITIZE:-}" ] || exit 77
file=${BUILD:-build}/k8sgpt-operator
failed=0
want() { # want NAME COMMAND...: the command must succeed
  name=$1
  shift
  "$@" || { echo "$file: $name is missing"; failed=1; }
}
# shellcheck disable=SC2317 # called by want
has() { printf '%s\n' "$1" | grep -Eq "$2"; }

headers=$(readelf -Wl "$file")
dynamic=$(readelf -Wd "$file")
symbols=$(readelf -W --dyn-syms "$file")
want "PIE" has "$headers" 'Elf file type is DYN'
want "RELRO" has "$headers" 'GNU_RELRO'
want "BIND_NOW" has "$dynamic" 'BIND_NOW|FLAGS_1.*NOW'
want "a stack without execute permission" has "$headers" 'GNU_STACK .* RW +0x'
want "the stack protector" has "$symbols" '__stack_chk_fail'
want "FORTIFY_SOURCE" has "$symbols" '__[a-z]+_chk'
if printf '%s\n' "$dynamic" | grep -Eq 'RPATH|RUNPATH|TEXTREL'; then
  echo "$file: has an RPATH or text relocations"
  failed=1
fi
exit "$failed"
