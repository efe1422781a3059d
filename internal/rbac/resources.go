package rbac

import (
	"slices"
	"strings"
)

// resource is a well-known resource.
type resource struct {
	name, group string
	// others are the names it also goes by: singular and short.
	others []string
	// cluster says that it is in no namespace.
	cluster bool
	// also are further groups that have a resource of this name, and metrics says that the metrics API has: nobody means that one by the name alone.
	also    []string
	metrics bool
}

func (r resource) in(group string) bool {
	return group == r.group || slices.Contains(r.also, group) || r.metrics && group == "metrics.k8s.io"
}

// wellKnown finds a resource by its plural, singular or short name.
func wellKnown(name string) (resource, bool) {
	i := slices.IndexFunc(resources, func(r resource) bool {
		return r.name == name || slices.Contains(r.others, name) || strings.TrimSuffix(r.name, "s") == name
	})
	if i < 0 {
		return resource{}, false
	}
	return resources[i], true
}

// resources are what a cluster has by itself.
//
//nolint:gochecknoglobals // a constant table; Go has no constant slices
var resources = []resource{
	{name: "pods", others: []string{"po"}, metrics: true},
	{name: "services", others: []string{"svc"}},
	{name: "configmaps", others: []string{"cm"}},
	{name: "secrets"},
	{name: "serviceaccounts", others: []string{"sa"}},
	{name: "persistentvolumeclaims", others: []string{"pvc"}},
	{name: "replicationcontrollers", others: []string{"rc"}},
	{name: "resourcequotas", others: []string{"quota"}},
	{name: "limitranges", others: []string{"limits"}},
	{name: "endpoints", others: []string{"ep"}},
	{name: "events", others: []string{"ev"}, also: []string{"events.k8s.io"}},
	{name: "podtemplates"},
	{name: "bindings"},
	{name: "nodes", others: []string{"no"}, cluster: true, metrics: true},
	{name: "namespaces", others: []string{"ns"}, cluster: true},
	{name: "persistentvolumes", others: []string{"pv"}, cluster: true},
	{name: "componentstatuses", others: []string{"cs", "componentstatus"}, cluster: true},
	{name: "users", cluster: true},
	{name: "groups", cluster: true},
	{name: "userextras", group: "authentication.k8s.io", cluster: true},
	{name: "uids", group: "authentication.k8s.io", cluster: true},

	{name: "deployments", group: "apps", others: []string{"deploy"}},
	{name: "daemonsets", group: "apps", others: []string{"ds"}},
	{name: "statefulsets", group: "apps", others: []string{"sts"}},
	{name: "replicasets", group: "apps", others: []string{"rs"}},
	{name: "controllerrevisions", group: "apps"},
	{name: "jobs", group: "batch"},
	{name: "cronjobs", group: "batch", others: []string{"cj"}},
	{name: "horizontalpodautoscalers", group: "autoscaling", others: []string{"hpa"}},
	{name: "poddisruptionbudgets", group: "policy", others: []string{"pdb"}},
	{name: "ingresses", group: "networking.k8s.io", others: []string{"ing", "ingress"}},
	{name: "networkpolicies", group: "networking.k8s.io", others: []string{"netpol", "networkpolicy"}},
	{name: "ingressclasses", group: "networking.k8s.io", others: []string{"ingressclass"}, cluster: true},
	{name: "endpointslices", group: "discovery.k8s.io"},
	{name: "leases", group: "coordination.k8s.io"},

	{name: "roles", group: "rbac.authorization.k8s.io"},
	{name: "rolebindings", group: "rbac.authorization.k8s.io"},
	{name: "clusterroles", group: "rbac.authorization.k8s.io", cluster: true},
	{name: "clusterrolebindings", group: "rbac.authorization.k8s.io", cluster: true},

	{name: "storageclasses", group: "storage.k8s.io", others: []string{"sc", "storageclass"}, cluster: true},
	{name: "volumeattachments", group: "storage.k8s.io", cluster: true},
	{name: "csidrivers", group: "storage.k8s.io", cluster: true},
	{name: "csinodes", group: "storage.k8s.io", cluster: true},
	{name: "csistoragecapacities", group: "storage.k8s.io", others: []string{"csistoragecapacity"}},
	{name: "priorityclasses", group: "scheduling.k8s.io", others: []string{"pc", "priorityclass"}, cluster: true},
	{name: "runtimeclasses", group: "node.k8s.io", others: []string{"runtimeclass"}, cluster: true},
	{name: "customresourcedefinitions", group: "apiextensions.k8s.io", others: []string{"crd", "crds"}, cluster: true},
	{name: "apiservices", group: "apiregistration.k8s.io", cluster: true},
	{name: "mutatingwebhookconfigurations", group: "admissionregistration.k8s.io", cluster: true},
	{name: "validatingwebhookconfigurations", group: "admissionregistration.k8s.io", cluster: true},
	{name: "validatingadmissionpolicies", group: "admissionregistration.k8s.io", others: []string{"validatingadmissionpolicy"}, cluster: true},
	{name: "certificatesigningrequests", group: "certificates.k8s.io", others: []string{"csr"}, cluster: true},
	{name: "signers", group: "certificates.k8s.io", cluster: true},
	{name: "flowschemas", group: "flowcontrol.apiserver.k8s.io", cluster: true},
	{name: "prioritylevelconfigurations", group: "flowcontrol.apiserver.k8s.io", cluster: true},
	{name: "tokenreviews", group: "authentication.k8s.io", cluster: true},
	{name: "selfsubjectreviews", group: "authentication.k8s.io", cluster: true},
	{name: "subjectaccessreviews", group: "authorization.k8s.io", cluster: true},
	{name: "selfsubjectaccessreviews", group: "authorization.k8s.io", cluster: true},
	{name: "selfsubjectrulesreviews", group: "authorization.k8s.io", cluster: true},
	{name: "localsubjectaccessreviews", group: "authorization.k8s.io"},
}
