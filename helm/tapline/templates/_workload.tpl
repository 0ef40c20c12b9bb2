{{/*
(root, component) The objects of every entry: its file, its Deployment and, where it has several replicas, its PodDisruptionBudget. Nothing is kept
in a pod: a reader's progress and a writer's offsets are in Kafka, so any replica can go on at any time.
*/}}
{{- define "tapline.workloads" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- range $key, $given := get $root.Values (printf "%ss" $component) }}
{{- $scope := dict "root" $root "component" $component "key" $key "given" $given }}
{{- $entry := include "tapline.entry" $scope | fromJson }}
{{- $name := include "tapline.entryName" $scope }}
{{- $_ := set $scope "entry" $entry }}
{{- $_ := set $scope "name" $name }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "tapline.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $component }}
    tapline/name: {{ $key }}
data:
  config.yaml: |
    {{- toYaml $entry.config | nindent 4 }}
---
{{- include "tapline.deployment" $scope }}
{{- if gt (int $entry.replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "tapline.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $component }}
    tapline/name: {{ $key }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "tapline.entryLabels" $scope | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* (root, component, key, name, entry) */}}
{{- define "tapline.deployment" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "tapline.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    tapline/name: {{ .key }}
spec:
  replicas: {{ .entry.replicas | int }}
  revisionHistoryLimit: 5
  # A new pod is ready (works, or stands by) before an old one goes.
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {{- include "tapline.entryLabels" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "tapline.entryLabels" . | nindent 8 }}
        {{- with .entry.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ toYaml .entry.config | sha256sum }}
        {{- with .entry.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "tapline.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .entry.graceSeconds | int }}
      {{- include "tapline.spread" . | nindent 6 }}
      containers:
        - name: {{ .component }}
          {{- include "tapline.container" . | nindent 10 }}
          args: [{{ .component }}, --config, /etc/tapline/config/config.yaml]
          ports:
            - {name: admin, containerPort: {{ .entry.adminPort | int }}}
          # Until the admin server answers, which on a crowded node takes its time. Readiness is asked for from then on.
          startupProbe:
            httpGet: {path: /livez, port: admin}
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 300
          # Starting takes as long as a sink or a source is waited for: that is no reason to begin anew.
          livenessProbe:
            httpGet: {path: /livez, port: admin}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          # Streaming or standing by, for a reader; consuming, for a writer.
          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            periodSeconds: 5
            timeoutSeconds: 5
          {{- with .entry.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
{{- end -}}

{{/* Replicas of one entry go to different nodes, and zones, as far as there are some; what the entry says takes the place of that. */}}
{{- define "tapline.spread" -}}
{{- if .entry.topologySpreadConstraints -}}
topologySpreadConstraints: {{- toYaml .entry.topologySpreadConstraints | nindent 2 }}
{{- else -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "tapline.entryLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- with .entry.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
