package access

import (
	"cmp"
	"slices"
)

// ClusterControl is what the IAM policies of a role let it do to a cluster through the EKS API, whatever the cluster's own bindings say.
type ClusterControl struct {
	Cluster ClusterARN `json:"cluster"`
	// Actions may be called; of Perhaps, conditions decide that nobody can foresee. Both are sorted.
	Actions []string `json:"actions"`
	Perhaps []string `json:"perhaps"`
}

// Compare orders by cluster.
func (c ClusterControl) Compare(o ClusterControl) int { return cmp.Compare(c.Cluster, o.Cluster) }

// ControlActions are the calls of the EKS API by which somebody can give themselves access to a cluster, or change or end it; sorted.
func ControlActions() []string {
	return []string{"eks:AssociateAccessPolicy", "eks:CreateAccessEntry", "eks:DeleteCluster", "eks:UpdateAccessEntry", "eks:UpdateClusterConfig"}
}

// OfAccessEntry tells whether one of the ControlActions has an access entry as its resource, and not the cluster (Service Authorization
// Reference, "Amazon EKS").
func OfAccessEntry(action string) bool {
	return action == "eks:AssociateAccessPolicy" || action == "eks:UpdateAccessEntry"
}

// Effective returns those of the Actions that do something in a cluster of the mode: where access entries do not count, the calls about them take the
// right to change the mode first.
func (c ClusterControl) Effective(m AuthenticationMode) []string { return effective(c.Actions, m) }

// Doubtful returns what else may do something in a cluster of the mode, as conditions decide; nothing where the Actions do already.
func (c ClusterControl) Doubtful(m AuthenticationMode) []string {
	if len(c.Effective(m)) > 0 {
		return nil
	}
	all := slices.Concat(c.Actions, c.Perhaps)
	slices.Sort(all)
	return effective(all, m)
}

func effective(actions []string, m AuthenticationMode) []string {
	if m != ModeConfigMap || slices.Contains(actions, "eks:UpdateClusterConfig") {
		return actions
	}
	return slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return OfAccessEntry(a) || a == "eks:CreateAccessEntry" })
}

// ControlOf returns what the role may do to the cluster; known is false where it was not read.
func (r Role) ControlOf(cluster ClusterARN) (control ClusterControl, known bool) {
	for _, c := range r.Control {
		if c.Cluster == cluster {
			return c, true
		}
	}
	return ClusterControl{Cluster: cluster}, r.Control != nil
}
