{{- define "armistice.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "armistice.labels" -}}
{{ include "armistice.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "armistice.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "armistice.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* What register and guard are told alike. A flag that is not spoken of is on. */}}
{{- define "armistice.registration" -}}
{{- if eq (toString (.Values.flags).fixBinary) "false" }}
- --no-fix-binary
{{- end }}
{{- if eq (toString (.Values.flags).preserveArgv0) "false" }}
- --no-preserve-argv0
{{- end }}
{{- if eq (toString (.Values.flags).credentials) "false" }}
- --no-credentials
{{- end }}
{{- with .Values.engine }}
- {{ printf "--engine=%s" . }}
{{- end }}
{{- if .Values.replace }}
- --replace
{{- end }}
{{- range .Values.architectures }}
- {{ . | quote }}
{{- end }}
{{- end }}
