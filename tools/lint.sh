#!/usr/bin/env bash
# The checks of `make lint` that need no compiler. Every finding is one line "file:line: what"; all checks run, then it fails if any did.
set -uo pipefail
shopt -s nullglob globstar

c_files=(src/**/*.[ch] spec/unit/**/*.[ch] spec/bench/*.[ch] spec/fuzz/*.[ch] spec/faultproxy/*.[ch])
lua_files=(lua/**/*.lua policies/**/*.lua samples/**/*.lua spec/**/*.lua tools/**/*.lua)
shell_files=(tools/**/*.sh spec/*.sh spec/checks/*.sh .ci/run)
prose=(README.md docs/*.md Makefile Dockerfile crd/*.yaml samples/**/*.yaml deploy/chart/*.yaml deploy/chart/files/**/*.yaml deploy/chart/templates/*)
failed=()

check() { # check NAME COMMAND...: remembers what fails
  local name=$1 start=$SECONDS
  shift
  if "$@"; then printf '  %-10s ok (%d s)\n' "$name" $((SECONDS - start)); else failed+=("$name"); fi
}
none() { # none PATTERN WHY FILE...: no line may match
  local pattern=$1 why=$2
  shift 2
  ! grep -nHP "$pattern" "$@" | sed "s|\$|   <- $why|" | grep .
}

format() { # the places alone; `make format` mends them
  ! clang-format-14 --dry-run "${c_files[@]}" 2>&1 | sed -n 's/: warning: code should be clang-formatted.*/: not formatted (make format)/p' | awk -F: '!seen[$1]++' | grep .
}
functions() { none '(?<![\w.>])(sprintf|vsprintf|strcpy|strcat|atoi|atol|gets|strtok|alloca|tmpnam|mktemp)\s*\(' 'unsafe function' "${c_files[@]}"; }
leftovers() { none '\b(TO''DO|FIX''ME|X''XX|HA''CK)\b' 'unfinished work belongs in an issue' "${c_files[@]}" "${lua_files[@]}" "${shell_files[@]}" "${prose[@]}"; }
lua_code() { luacheck --quiet --no-color "${lua_files[@]}" | grep -v '^Total: 0 warnings'; [ "${PIPESTATUS[0]}" -eq 0 ]; }
shell_code() { shellcheck "${shell_files[@]}"; }
sizes() {
  local bad
  bad=$(wc -l "${c_files[@]}" "${lua_files[@]}" | awk '$2 != "total" && $1 > ($2 ~ /^spec/ ? 600 : 400) && $2 != "lua/k8sgpt/meta.lua" { print $2 ":" $1 ": too long: split it by nouns" }')
  [ -z "$bad" ] || { echo "$bad"; return 1; }
}
whitespace() { none '[ \t]+$' 'blanks at the end of a line' "${lua_files[@]}" "${shell_files[@]}" "${prose[@]}"; }

check format format
check functions functions
check leftovers leftovers
check lua lua_code
check shell shell_code
check sizes sizes
check whitespace whitespace
[ ${#failed[@]} -eq 0 ] || { echo "lint: failed: ${failed[*]}"; exit 1; }
