#!/usr/bin/env bash
# Prints deploy/install.yaml: the chart with its own values, as plain manifests, and the namespace that they are for.
set -euo pipefail
cd "$(dirname "$0")/../.."
helm=$(spec/e2e/tools/build.sh chart)/helm
namespace=k8sgpt-operator-system

cat <<END
# k8sgpt-operator as plain manifests, made from deploy/chart (make chart): kubectl apply -f deploy/install.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels: # the operator is "restricted"; an engine that a K8sGPT here asks for is what the K8sGPT makes of it
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/warn: restricted
END
# What names Helm would be wrong here.
"$helm" template k8sgpt-operator deploy/chart --namespace "$namespace" --include-crds |
  sed -E '/^# Source: |^ +helm\.sh\/chart: |^ +app\.kubernetes\.io\/managed-by: Helm$/d'
