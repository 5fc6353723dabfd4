#!/bin/sh
# The chart goes with the repository: its CRDs, its rights, its version, and the metrics that its alerts and its dashboard ask for.
set -eu
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
failed=0
complain() { echo "$1"; failed=1; }

diff -r crd deploy/chart/crds || complain "deploy/chart/crds is not crd: make chart"
tools/chart/rbac.sh "${BUILD:-build}/k8sgpt-operator" "$made"
diff -r deploy/chart/files/rbac "$made" || complain "deploy/chart/files/rbac is not what the verb rbac prints: make chart"
for key in version appVersion; do
  grep -Fqx "$key: $(cat VERSION)" deploy/chart/Chart.yaml || complain "deploy/chart/Chart.yaml: $key is not that of VERSION"
done
metrics=$(grep -ohE '\b(k8sgpt|controller_runtime|workqueue|process|leader_election)_[a-z_]+' deploy/chart/files/alerts.yaml deploy/chart/files/dashboard.json |
  sed -E 's/_(bucket|sum)$//' | sort -u)
for metric in $metrics; do
  grep -Eq "\`${metric}[\`{]" docs/reference.md || complain "deploy/chart/files: there is no metric $metric"
done
exit "$failed"
