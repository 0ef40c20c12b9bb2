{{/*
(root, component, key, given) One reader or writer with its defaults filled in, as JSON. Its configuration is the file of the CLI; its name is its
key where it has none, and a reader leads or stands by unless it says otherwise: there are two of it during each upgrade. Whatever it refers to must be there: else the rendering fails, naming the key.
*/}}
{{- define "tapline.entry" -}}
{{- $defaults := get .root.Values (printf "%sDefaults" .component) -}}
{{- $entry := mergeOverwrite (deepCopy $defaults) (deepCopy (omit .given "config")) -}}
{{- $config := merge (deepCopy .given.config) (dict "name" .key) -}}
{{- if and (eq .component "reader") (not (hasKey ($config.leadership | default dict) "enabled")) -}}
{{- $config = merge $config (dict "leadership" (dict "enabled" true)) -}}
{{- end -}}
{{- $place := printf "%ss.%s" .component .key -}}
{{- include "tapline.checkReferences" (dict "value" $config "path" (printf "%s.config" $place) "entry" $entry "place" $place) -}}
{{- range $name, $ref := $entry.secrets -}}
{{- if hasKey ($entry.env | default dict) $name -}}
{{- fail (printf "%s.env.%s: is also in %s.secrets" $place $name $place) -}}
{{- end -}}
{{- include "tapline.checkSecret" (dict "root" $.root "secret" $ref.secret "keys" (list $ref.key) "path" (printf "%s.secrets.%s" $place $name)) -}}
{{- end -}}
{{- range $name, $file := $entry.files -}}
{{- if $file.secret -}}
{{- include "tapline.checkSecret" (dict "root" $.root "secret" $file.secret "keys" list "path" (printf "%s.files.%s" $place $name)) -}}
{{- end -}}
{{- end -}}
{{- $admin := int (dig "admin" "port" 0 $config) | default 8080 -}}
{{- $drainMs := int64 (dig "shutdown" "drainMs" 25000 $config) -}}
{{- $more := dict "config" $config "adminPort" $admin "graceSeconds" (add 15 (div (add $drainMs 999) 1000)) -}}
{{- mergeOverwrite $entry $more | toJson -}}
{{- end -}}

{{/* (value, path, entry, place) Each ${env:NAME} has a variable, each ${file:/path} a mounted file, and no address holds a password. */}}
{{- define "tapline.checkReferences" -}}
{{- $here := . -}}
{{- if kindIs "map" .value -}}
{{- range $key, $value := .value -}}
{{- include "tapline.checkReferences" (dict "value" $value "path" (printf "%s.%s" $here.path $key) "entry" $here.entry "place" $here.place) -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range $index, $value := .value -}}
{{- include "tapline.checkReferences" (dict "value" $value "path" (printf "%s[%d]" $here.path $index) "entry" $here.entry "place" $here.place) -}}
{{- end -}}
{{- else if kindIs "string" .value -}}
{{- $secrets := .entry.secrets | default dict -}}
{{- $env := .entry.env | default dict -}}
{{- if regexMatch "^\\$\\{env:[^}]+\\}$" .value -}}
{{- $name := regexReplaceAll "^\\$\\{env:([^}]+)\\}$" .value "${1}" -}}
{{- if not (or (hasKey $secrets $name) (hasKey $env $name)) -}}
{{- fail (printf "%s refers to the variable %s, which is neither in %s.secrets nor in %s.env" .path $name .place .place) -}}
{{- end -}}
{{- else if regexMatch "^\\$\\{file:[^}]+\\}$" .value -}}
{{- $path := regexReplaceAll "^\\$\\{file:([^}]+)\\}$" .value "${1}" -}}
{{- $name := regexReplaceAll "^/etc/tapline/files/([^/]+)/.+$" $path "${1}" -}}
{{- if not (hasKey (.entry.files | default dict) $name) -}}
{{- fail (printf "%s refers to the file %s, which nothing brings: files stand below /etc/tapline/files/NAME/, with NAME in %s.files" .path $path .place) -}}
{{- end -}}
{{- else if regexMatch "://[^/@\\s]*:[^/@\\s]+@" .value -}}
{{- fail (printf "%s holds a password, which everybody could read in the ConfigMap; use the keys for user and password, with a reference" .path) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
(root, secret, keys, path) Only against a cluster, which every namespace's kube-root-ca.crt tells from a rendering without one. Who installs may read
Secrets in the release's namespace: Helm keeps its releases in them.
*/}}
{{- define "tapline.checkSecret" -}}
{{- $here := . -}}
{{- $namespace := .root.Release.Namespace -}}
{{- if and .root.Values.checkSecrets (lookup "v1" "ConfigMap" $namespace "kube-root-ca.crt") -}}
{{- $found := lookup "v1" "Secret" $namespace .secret -}}
{{- if not $found -}}
{{- fail (printf "%s: there is no Secret %s in the namespace %s (checkSecrets: false installs all the same)" .path .secret $namespace) -}}
{{- end -}}
{{- range .keys -}}
{{- if not (hasKey ($found.data | default dict) .) -}}
{{- fail (printf "%s: the Secret %s has no key %s (checkSecrets: false installs all the same)" $here.path $here.secret .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
