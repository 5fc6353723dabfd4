#!/usr/bin/env bash
# Installs what the engine of tests is made of (requirements.txt beside this file, from PyPI) into an environment of its own outside the
# checkout, once for each content of that file. Prints the Python to run it with; progress goes to stderr.
#
#   spec/engine/install.sh            installs it where it is not there yet
#   spec/engine/install.sh --there    fails where it is not there: for tests, which are skipped then
#
# K8SGPT_CACHE (default ~/.cache/k8sgpt-operator) is where it is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${K8SGPT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/k8sgpt-operator}/engine
python=/usr/bin/python3

[ -x "$python" ] || { echo "engine: no $python: install Debian's python3 and python3-venv" >&2; exit 3; }
folder=$cache/$({ cat "$here/requirements.txt" "$0"; "$python" --version; } | sha256sum | cut -c1-12)

[ -e "$folder/whole" ] || [ "${1:-}" != --there ] || exit 1

install() {
  local log=$folder.log
  rm -rf "$folder"
  echo "engine: installing the engine of tests from PyPI (once)" >&2
  # Not moved into place at the end: an environment knows its own path. The mark says that it is whole.
  { "$python" -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --no-deps --retries 2 \
    -r "$here/requirements.txt"; } >"$log" 2>&1 || { cat "$log" >&2; echo "engine: PyPI gave no grpcio, see above: tests that need it are skipped" >&2; exit 3; }
  touch "$folder/whole"
  echo "engine: installed in $SECONDS s" >&2
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ -e "$folder/whole" ] || install
exec 9>&-
echo "$folder/bin/python"
