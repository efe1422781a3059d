// Package eksaccess carries what the EKS access policies allow, as data: AWS
// has no API that says it.
//
// The data is one file and each side reads it for itself: rolecall to explain
// grants that no RBAC object shows, the laboratory to enforce them.
package eksaccess

import (
	_ "embed"
	"slices"
)

//go:embed policies.json
var policies []byte

// Policies returns the policies as JSON:
//
//	{"source": "...", "policies": {"<name>": {"described": true, "source": "...", "rules": [<rule>...]}}}
//
// A policy without a source of its own is described by that of the document.
//
// A rule has the members of a rule of a Kubernetes ClusterRole and its meaning,
// including "*" and "resource/subresource". A policy with described false is one
// whose rules AWS does not publish: what it allows is unknown, which is not
// nothing. Policies that are not in the data are unknown in the same way.
//
// Associated with a cluster's scope a policy allows its rules everywhere. With
// the scope of namespaces it allows them for objects in the namespaces that a
// pattern matches, "*" standing for any text, and neither for objects outside
// of namespaces nor for paths that are no resources.
func Policies() []byte { return slices.Clone(policies) }
