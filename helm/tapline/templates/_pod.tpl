{{/* Whatever runs the image does so under these rules; the namespace may enforce Pod Security's `restricted`. */}}
{{- define "tapline.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tapline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* (root, component, key, name, entry) What a container of an entry needs: the same for the service and for its test. */}}
{{- define "tapline.container" -}}
image: {{ include "tapline.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext: {{- include "tapline.containerSecurity" .root | nindent 2 }}
env:
  - {name: {{ printf "TAPLINE_%s_ADMIN_HOST" (upper .component) }}, value: "0.0.0.0"}
  - {name: {{ printf "TAPLINE_%s_ADMIN_PORT" (upper .component) }}, value: {{ .entry.adminPort | int | quote }}}
  {{- range $name, $value := .entry.env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- range $name, $ref := .entry.secrets }}
  - name: {{ $name }}
    valueFrom: {secretKeyRef: {name: {{ $ref.secret }}, key: {{ $ref.key }}}}
  {{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/tapline/config, readOnly: true}
  - {name: temporary, mountPath: /tmp}
  {{- range $name, $_ := .entry.files }}
  - {name: {{ printf "file-%s" $name }}, mountPath: {{ printf "/etc/tapline/files/%s" $name }}, readOnly: true}
  {{- end }}
{{- end -}}

{{/* (root, component, key, name, entry) The pod around it. */}}
{{- define "tapline.pod" -}}
serviceAccountName: {{ include "tapline.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "tapline.podSecurity" .root | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .entry.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .entry.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .entry.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
volumes:
  - name: config
    configMap: {name: {{ .name }}}
  - name: temporary
    emptyDir: {sizeLimit: {{ .entry.temporarySize }}}
  {{- range $name, $file := .entry.files }}
  - name: {{ printf "file-%s" $name }}
    {{- if $file.secret }}
    secret: {secretName: {{ $file.secret }}, defaultMode: 0440}
    {{- else }}
    configMap: {name: {{ $file.configMap }}}
    {{- end }}
  {{- end }}
{{- end -}}
