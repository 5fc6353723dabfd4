#!/usr/bin/env bash
# Runs the jobs of spec/run.lua, several at once, each with a log and a deadline. However it ends, by a signal too, nothing of it goes on.
#
#   spec/jobs.sh FOLDER AT_ONCE [planes]
#
# FOLDER/jobs has a line for each, in order: its name and its deadline in seconds. It is FOLDER/NAME.sh; what it prints goes to
# FOLDER/NAME.log, and FOLDER/NAME.status says how it ended (124: by its deadline), and at which second of /proc/uptime.
# With "planes" there are as many control planes as jobs at once, and CONTROL_PLANE names one that a job has to itself.
set -um # a job is a process group, which ends as a whole

folder=$1 at_once=$2 has_planes=${3:-}
declare -A group_of=() # of the jobs that run, by name
starting=()            # planes

stop() {
  trap '' INT TERM HUP
  local group plane
  for group in "${group_of[@]}"; do kill -KILL -- "-$group" && wait "$group"; done 2>/dev/null
  [ ${#starting[@]} -eq 0 ] || wait "${starting[@]}"
  for plane in "$folder"/plane.*; do
    [ ! -s "$plane" ] || lua5.4 spec/e2e/plane.lua stop "$(cat "$plane")"
  done
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

start_planes() {
  local slot pid
  for ((slot = 0; slot < at_once; slot++)); do
    lua5.4 spec/e2e/plane.lua start >"$folder/plane.$slot" &
    starting+=($!)
  done
  for pid in "${starting[@]}"; do wait "$pid" || exit 1; done
}

run() { # run SLOT NAME SECONDS: in a process group of its own
  local status=0
  [ -z "$has_planes" ] || CONTROL_PLANE=$(cat "$folder/plane.$1")
  export CONTROL_PLANE
  timeout --foreground -k 5 "$3" sh "$folder/$2.sh" >"$folder/$2.log" 2>&1 </dev/null || status=$?
  echo "$1 $2 $status" >&4
}

# Waits until a job ends, and ends what it left running. Sets `slot`.
await_one() {
  local name status group now
  read -r -u 4 slot name status
  group=${group_of[$name]}
  unset "group_of[$name]"
  wait "$group"
  kill -KILL -- "-$group" 2>/dev/null
  read -r now _ </proc/uptime
  echo "$status $now" >"$folder/$name.status"
}

[ -z "$has_planes" ] || start_planes
mkfifo "$folder/ended" && exec 4<>"$folder/ended" || exit 1
slot=0
mapfile -t jobs <"$folder/jobs"
for job in "${jobs[@]}"; do
  if [ ${#group_of[@]} -lt "$at_once" ]; then slot=${#group_of[@]}; else await_one; fi
  read -r name seconds <<<"$job"
  run "$slot" "$name" "$seconds" &
  group_of[$name]=$!
done
while [ ${#group_of[@]} -gt 0 ]; do await_one; done
