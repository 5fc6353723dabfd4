#!/usr/bin/env bash
# Builds the programs of a Kubernetes control plane that the end-to-end tests drive, from the Go modules beside this file, once for each
# content of their go.sum, outside the checkout. Prints the folder that holds them; progress goes to stderr.
#
#   spec/e2e/tools/build.sh kubernetes|cluster|chart...
#
# K8SGPT_CACHE (default ~/.cache/k8sgpt-operator) is where they are kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${K8SGPT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/k8sgpt-operator}/e2e
go_wanted=1.24

[ $# -gt 0 ] || { echo "usage: ${0##*/} kubernetes|cluster|chart..." >&2; exit 2; }

need_go() {
  local have
  command -v go >/dev/null || { echo "e2e: no Go toolchain. The control plane is built from source: install Go $go_wanted or newer (https://go.dev/doc/install)" >&2; exit 3; }
  have=$(GOTOOLCHAIN=local go env GOVERSION) && have=${have#go}
  [ "$(printf '%s\n' "$go_wanted" "$have" | sort -V | head -n 1)" = "$go_wanted" ] ||
    { echo "e2e: Go $have is too old to build Kubernetes 1.34: install Go $go_wanted or newer (https://go.dev/doc/install)" >&2; exit 3; }
}

version_of() { sed -nE "s|^(require )?[[:space:]]*$2 v([0-9.]+).*|\2|p" "$here/$1/go.mod" | head -n 1; }

# What a plain build would not know of itself: the version that discovery, the charts' checks and `--version` show.
link_flags() {
  local v
  case $1 in
    kubernetes)
      v=$(version_of "$1" k8s.io/kubernetes)
      printf -- '-X k8s.io/component-base/version.gitVersion=v%s -X k8s.io/component-base/version.gitMajor=%s -X k8s.io/component-base/version.gitMinor=%s' \
        "$v" "${v%%.*}" "$(cut -d. -f2 <<<"$v")" ;;
    cluster)
      printf -- '-X sigs.k8s.io/kwok/pkg/consts.Version=v%s' "$(version_of "$1" sigs.k8s.io/kwok)" ;;
    chart)
      v=$(version_of kubernetes k8s.io/kubernetes)
      printf -- '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=%s -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=%s' "${v%%.*}" "$(cut -d. -f2 <<<"$v")" ;;
  esac
}

# The import paths on the module's `tool` lines.
programs() { sed -nE '/^tool \(/,/^\)/ s/^[[:space:]]+([^[:space:]]+).*/\1/p' "$here/$1/go.mod"; }

# etcd's main package is its module's root, whose name would be that of its major version.
name_of() { case $1 in go.etcd.io/etcd/server/v3) echo etcd ;; *) basename "$1" ;; esac; }

build() { # MODULE FOLDER
  local module=$1 folder=$2 part program
  part=$folder.part
  need_go
  rm -rf "$part" && mkdir -p "$part"
  for program in $(programs "$module"); do
    echo "e2e: building $program (once; minutes when nothing is cached)" >&2
    (cd "$here/$module" && GOFLAGS=-mod=readonly GOTOOLCHAIN=local CGO_ENABLED=0 go build -trimpath -ldflags "-s -w $(link_flags "$module")" \
      -o "$part/$(name_of "$program")" "$program") || { echo "e2e: building $program failed" >&2; exit 3; }
  done
  mv -T "$part" "$folder"
  echo "e2e: $module built in $SECONDS s" >&2
}

for module in "$@"; do
  [ -f "$here/$module/go.mod" ] || { echo "${0##*/}: no module $module (kubernetes, cluster, chart)" >&2; exit 2; }
  folder=$cache/$module-$(cat "$here/$module/go.mod" "$here/$module/go.sum" "$0" | sha256sum | cut -c1-12)
  mkdir -p "$cache"
  # One build at a time: two of them would only take each other's processors.
  exec 9>"$cache/lock"
  flock 9
  [ -d "$folder" ] || build "$module" "$folder"
  exec 9>&-
  echo "$folder"
done
