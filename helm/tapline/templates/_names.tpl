{{/* The start of every object's name: the release, and the chart unless the release is called after it. */}}
{{- define "tapline.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name }}{{- else -}}{{ .Release.Name }}-{{ .Chart.Name }}{{- end -}}
{{- end -}}

{{/* (root, component, key) An entry's objects. */}}
{{- define "tapline.entryName" -}}
{{- $name := printf "%s-%s-%s" (include "tapline.fullname" .root) .component .key -}}
{{- if gt (len $name) 63 -}}
{{- fail (printf "%ss.%s: its objects would be called %s, which is longer than the 63 characters that Kubernetes takes; shorten the key or the release's name" .component .key $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "tapline.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "tapline.releaseLabels" . }}
{{- end -}}

{{/* All pods of this release that have an admin server. */}}
{{- define "tapline.releaseLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* (root, component, key) Never changes during an entry's life: a Deployment's selector cannot. */}}
{{- define "tapline.entryLabels" -}}
{{ include "tapline.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component }}
tapline/name: {{ .key }}
{{- end -}}

{{- define "tapline.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tapline.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "tapline.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}
