package export_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/export"
	"golang.org/x/text/unicode/norm"
)

// hostile are pieces of which names are made that a writer of HCL or YAML may get wrong.
var hostile = []string{
	"$", "%", "{", "}", "${", "%{", "$${", "{{SessionNameRaw}}", `"`, `\`, `\u007b`, "\n", "\r", "\t", "\x00", "\x1b[31m", "\x7f", "#", "//", "<<EOT", "'",
	": ", "- ", "y", "no", "~", "012", "1e3", "\u202e", "\u2028", "\ufeff", "é", "e\u0301", "日本", "\U0001f511", "\U000e0001", " ", "a", "*", "payments-*", "%%{", "$$$", "|", ">", "&a", "!t", "@", "`",
}

// named makes a name of some pieces.
func named(r *rand.Rand) string {
	s := "n"
	for range r.IntN(6) {
		s += hostile[r.IntN(len(hostile))]
	}
	return s
}

// named as HCL can write it.
func composed(r *rand.Rand) string { return norm.NFC.String(named(r)) }

// clusters are generated: names differ in what an identifier cannot hold, and entries are of every kind.
func clusters(r *rand.Rand, name func(*rand.Rand) string) []export.Cluster {
	var out []export.Cluster
	for i, cl := range []string{"eu", "eu-1", "eu_1", "1-eu"} {
		region := []string{"eu-central-1", "us-east-1"}[i%2]
		c := export.Cluster{
			ARN: access.ClusterARN("arn:aws:eks:" + region + ":012345678901:cluster/" + cl), Name: name(r), Mode: access.ModeAPI, Notes: []string{name(r)},
		}
		for j, principal := range []string{"role/a.b", "role/a_b", "role/a/b", "role/a+b", "user/a@b", "role/" + fmt.Sprint(i)} {
			e := export.Entry{
				AccessEntry: access.AccessEntry{
					Principal: access.ARN("arn:aws:iam::012345678901:" + principal), Type: access.EntryStandard, Username: name(r), Groups: groups(r, name),
					Tags: map[string]string{name(r): name(r), "k": name(r)},
				},
				Exists: r.IntN(2) == 0,
			}
			if j == 5 {
				e.Type, e.Groups, e.Username = "EC2", nil, ""
			}
			for _, p := range []string{"AmazonEKSViewPolicy", "AmazonEKSEditPolicy"} {
				a := access.PolicyAssociation{Policy: access.PolicyARN("aws", p), Scope: access.ScopeCluster}
				if r.IntN(2) == 0 {
					a.Scope, a.Namespaces = access.ScopeNamespace, groups(r, name)
				}
				e.Associations = append(e.Associations, a)
				if e.Exists && r.IntN(2) == 0 {
					e.Given = append(e.Given, a.Policy)
				}
			}
			c.Entries = append(c.Entries, e)
		}
		out = append(out, c)
	}
	return out
}

// groups are at least one name, sorted.
func groups(r *rand.Rand, name func(*rand.Rand) string) []string {
	out := []string{name(r)}
	for range r.IntN(3) {
		out = append(out, name(r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
