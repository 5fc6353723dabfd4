#!/usr/bin/env bash
# Runs fuzz targets, two side by side, and says what each did. Fails when one found something; the input is in BUILD/crashes then.
#
#   tools/fuzz.sh BUILD SECONDS TARGET...
#
# What a target learns is kept in BUILD/corpus/TARGET and is where its next run starts from, beside the seeds of spec/fuzz/corpus.
set -euo pipefail

build=$1 seconds=$2
shift 2
mkdir -p "$build/crashes" "$build/log"
FUZZ_FOLDER=$(mktemp -d -p /dev/shm k8sgpt-fuzz-XXXXXX 2>/dev/null || mktemp -d)
export FUZZ_FOLDER
trap 'rm -rf "$FUZZ_FOLDER"' EXIT

# 10 s are far above the budget of any policy: what takes longer hangs.
run() {
  local name=$1 log=$build/log/$1 args=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1)
  local status=0 edges runs
  [ ! -e "spec/fuzz/$name.dict" ] || args+=("-dict=spec/fuzz/$name.dict")
  mkdir -p "$build/corpus/$name"
  : >"$log.start"
  "$build/target/$name" "${args[@]}" "-artifact_prefix=$build/crashes/$name-" "$build/corpus/$name" "spec/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
  edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -c 6- || :)
  runs=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  if [ "$status" -eq 0 ]; then
    printf '  %-10s %7s runs/s %6s edges, nothing found\n' "$name" "${runs:-0}" "${edges:-0}"
    return
  fi
  printf '  %-10s FOUND something (exit status %d)\n' "$name" "$status"
  grep -vE '^#[0-9]+\s' "$log" | tail -n 60
  find "$build/crashes" -name "$name-*" -newer "$log.start" -exec sh -c 'printf "  the input, for base64 -d: " && base64 -w 0 "$1" && echo' sh {} ';'
  return 1
}
export -f run
export build seconds

echo "fuzz: ${seconds} s a target"
printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'set -uo pipefail; run {}'
