{{- define "k8sgpt-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* RELEASE-k8sgpt-operator, or the release's name alone where that says k8sgpt-operator itself. */}}
{{- define "k8sgpt-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* A Deployment's selector cannot be changed: upstream's, so that a release of it can be upgraded. */}}
{{- define "k8sgpt-operator.selectorLabels" -}}
control-plane: controller-manager
{{ include "k8sgpt-operator.instanceLabels" . }}
{{- end }}

{{- define "k8sgpt-operator.instanceLabels" -}}
app.kubernetes.io/name: {{ include "k8sgpt-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of an object: include "k8sgpt-operator.labels" (list . COMPONENT) */}}
{{- define "k8sgpt-operator.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/created-by: k8sgpt-operator
app.kubernetes.io/part-of: k8sgpt-operator
{{ include "k8sgpt-operator.instanceLabels" $root }}
{{- end }}

{{- define "k8sgpt-operator.account" -}}
{{ include "k8sgpt-operator.fullname" . }}-controller-manager
{{- end }}

{{/* The subjects of a binding. */}}
{{- define "k8sgpt-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "k8sgpt-operator.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "k8sgpt-operator.metricsPort" -}}
{{ ternary "https" "http" .Values.controllerManager.kubeRbacProxy.enabled }}
{{- end }}
