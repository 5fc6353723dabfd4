#!/bin/sh
# Writes lines to a file, and leaves the file alone when it says that already: what depends on it is then not made again.
#
#   tools/if_changed.sh FILE LINE...
set -eu
file=$1
shift
mkdir -p "$(dirname "$file")"
new=$file.$$
printf '%s\n' "$@" >"$new"
if cmp -s "$new" "$file"; then rm -f "$new"; else mv -f "$new" "$file"; fi
