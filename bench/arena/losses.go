package arena

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"

	"github.com/rolecall-dev/rolecall/bench/oracle"
)

// The rows that must never be missing, and one that is somebody else's.
const (
	NodeARN  = "arn:aws:iam::111122223333:role/node"
	AdminARN = "arn:aws:iam::111122223333:role/AWSReservedSSO_EKSAdmin_4410fa21167af81c"
)

// Foreign is an aws-auth with something of everything that others may have put there.
func Foreign() *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem, Name: "aws-auth",
			Labels: map[string]string{"example.com/team": "platform"}, Annotations: map[string]string{"example.com/owner": "team-platform"},
		},
		Data: map[string]string{
			"mapRoles": `# Worker nodes. Written with the node group; leave it first.
- rolearn: ` + NodeARN + `
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes

# CI of the old pipeline   (OPS-118: goes away "soon")
-   "rolearn":   'arn:aws:iam::111122223333:role/legacy-deployer'   # without /ci/
    username: "ci:{{SessionName}}"
    userid: AROAEXAMPLEDEPLOYER
    groups: [ 'legacy-deployers' ,"releases" ]
- {rolearn: "` + AdminARN + `", username: 'oncall:{{SessionNameRaw}}', groups: [system:masters]} # by hand
- sso: {permissionSetName: View, accountID: "111122223333"}
  username: view
  groups: [viewers]
`,
			"mapUsers":    "- userarn: arn:aws:iam::111122223333:user/break-glass\n  username: break-glass\n  groups:\n  - system:masters\n",
			"mapAccounts": "- \"012345678901\" # the sandbox\n",
			"notes":       "Owner: team-platform. Do not edit while a node group is being replaced.\n",
		},
	}
}

// Losses are what became worse from one version of aws-auth to another, apart from the rows that mine tells.
func Losses(before, after *corev1.ConfigMap, mine func(arn string) bool) []string {
	var out []string
	for _, k := range []string{"mapRoles", "mapUsers", "mapAccounts", "notes"} {
		was, had := before.Data[k]
		is, has := after.Data[k]
		switch {
		case had && !has:
			out = append(out, k+" is gone")
		case k == "notes" && was != is:
			out = append(out, k+" differs")
		}
	}
	if n, m := comments(before), comments(after); m < n {
		out = append(out, fmt.Sprintf("%d of %d comments", n-m, n))
	}
	for _, pair := range []struct {
		what    string
		was, is map[string]string
	}{
		{"label", before.Labels, after.Labels}, {"annotation", before.Annotations, after.Annotations},
	} {
		for k := range pair.was {
			if _, ok := pair.is[k]; !ok {
				out = append(out, pair.what+" "+k)
			}
		}
	}
	out = append(out, rowLosses(oracle.Read(before.Data), oracle.Read(after.Data), mine)...)
	slices.Sort(out)
	return slices.Compact(out)
}

func comments(cm *corev1.ConfigMap) int {
	n := 0
	for _, text := range cm.Data {
		n += strings.Count(text, "# ")
	}
	return n
}

// rowLosses compares what the authenticator makes of the rows of others.
func rowLosses(before, after oracle.Reading, mine func(arn string) bool) []string {
	var out []string
	for _, r := range before.Roles {
		if r.RoleARN != "" && mine(r.RoleARN) {
			continue
		}
		i := slices.IndexFunc(after.Roles, func(o config.RoleMapping) bool { return o.Key() == r.Key() })
		if i < 0 {
			out = append(out, "row "+name(r.Key()))
		} else if d := cmp.Diff(r, after.Roles[i]); d != "" {
			out = append(out, "part of row "+name(r.Key())+what(r, after.Roles[i]))
		}
	}
	for _, u := range before.Users {
		i := slices.IndexFunc(after.Users, func(o config.UserMapping) bool { return o.Key() == u.Key() })
		if i < 0 || !cmp.Equal(u, after.Users[i]) {
			out = append(out, "user "+name(u.Key()))
		}
	}
	if len(after.Errors) > len(before.Errors) {
		out = append(out, "the authenticator complains")
	}
	return out
}

func what(a, b config.RoleMapping) string {
	if a.UserId != b.UserId {
		return " (userid)"
	}
	return ""
}

func name(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }

// BytesKept tells whether every line of the foreign document still stands, in its order.
func BytesKept(before, after *corev1.ConfigMap) bool {
	for k, was := range before.Data {
		rest := after.Data[k]
		for line := range strings.Lines(was) {
			_, tail, found := strings.Cut(rest, line)
			if !found {
				return false
			}
			rest = tail
		}
	}
	return true
}

// Missing names those of the rows that nobody may miss for a moment that are missing.
func Missing(cm *corev1.ConfigMap) []string {
	r := oracle.Read(cm.Data)
	var out []string
	for _, arn := range []string{NodeARN, AdminARN} {
		if !slices.ContainsFunc(r.Roles, func(m config.RoleMapping) bool { return m.Matches(arn) }) {
			out = append(out, name(arn))
		}
	}
	return out
}
