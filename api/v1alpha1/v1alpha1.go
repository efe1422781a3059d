// Package v1alpha1 holds the kinds people write: Installation, one per
// installation of rolecall, and ClusterAccess, the policies. The JSON Schemas of
// both are generated from the comments and markers here.
package v1alpha1

// What every document of this version says about itself.
const (
	// APIVersion is the group and version of both kinds.
	APIVersion = "rolecall.dev/v1alpha1"
	// KindInstallation is the kind of rolecall.yaml.
	KindInstallation = "Installation"
	// KindClusterAccess is the kind of a policy.
	KindClusterAccess = "ClusterAccess"
)
