module marketcast/tests/cluster/crds

go 1.24.0

require (
	github.com/cert-manager/cert-manager v1.19.1
	github.com/external-secrets/external-secrets v1.3.2
	github.com/kserve/kserve v0.16.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
