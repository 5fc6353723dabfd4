#!/bin/sh
# Prometheus takes the chart's alerts, and each comes when it has to and not before.
set -eu
command -v promtool >/dev/null || exit 77
promtool check rules deploy/chart/files/alerts.yaml
promtool test rules spec/checks/alerts_test.yaml
