#!/bin/sh
# Every built-in policy has its table of cases beside it.
set -eu
failed=0
for folder in policies/*/*/; do
  [ -d "$folder" ] || continue
  [ -f "${folder}policy.lua" ] || { echo "$folder has no policy.lua"; failed=1; }
  [ -f "${folder}policy_test.yaml" ] || { echo "$folder has no policy_test.yaml"; failed=1; }
done
exit "$failed"
