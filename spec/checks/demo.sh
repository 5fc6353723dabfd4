#!/bin/sh
# The demo does what the README promises, and leaves nothing running.
set -eu
build=${BUILD:-build}
lua5.4 samples/demo/demo.lua "$build/k8sgpt-operator" "$build/test/demo"
while read -r pid; do
  if kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; then
    echo "still running: $pid"
    exit 1
  fi
done <"$build/test/demo/pids"
