#!/usr/bin/env bash
# Writes into a folder what the chart grants: the roles that `k8sgpt-operator rbac` prints for all built-in analyzers, by the engine that is the
# default (where that is a Deployment, a K8sGPT may still ask for the embedded one), and those for an operator that looks into some
# namespaces only, which the chart puts in place of the one that is named here; and the role of an engine that has all filters, which the
# chart gives to an account of its own where the operator is to make none.
#
#   tools/chart/rbac.sh PROGRAM FOLDER
set -euo pipefail
program=${1:?usage: rbac.sh PROGRAM FOLDER} folder=${2:?usage: rbac.sh PROGRAM FOLDER}

filters=() names=()
for policy in policies/analyzers/*/; do names+=("$(basename "$policy")") filters+=(--filter "$(basename "$policy")"); done
mkdir -p "$folder"
write() { # write NAME FLAG...
  "$program" rbac --leader-elect "${filters[@]}" "${@:2}" >"$folder/$1.yaml"
  "$program" rbac --leader-elect "${filters[@]}" "${@:2}" --namespace watched >"$folder/$1-namespaced.yaml"
}
write embedded --engine embedded
write deployment

cat <<END | "$program" render - | awk -v RS='---\n' '/(^|\n)kind: ClusterRole\n/' >"$folder/engine.yaml"
apiVersion: core.k8sgpt.ai/v1alpha1
kind: K8sGPT
metadata: {name: all, namespace: any}
spec: {filters: [$(IFS=, && echo "${names[*]}")]}
END
