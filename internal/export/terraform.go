package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Terraform writes the entries of all clusters as one configuration, in their order: a provider for each account and Region, a resource for
// each entry and association, and an import block for each that exists. Its resources keep their addresses from run to run: these depend on
// the cluster, the principal and the policy alone.
//
// Sources: the resources aws_eks_access_entry and aws_eks_access_policy_association of the provider hashicorp/aws, and their import ids.
func Terraform(clusters []Cluster) Document {
	w, out := &hcl{}, Document{}
	w.b.WriteString(terraformHead)
	providers(w, clusters)
	for _, c := range clusters {
		notes, entries := terraformNotes(c)
		out.Notes = append(out.Notes, about(c, notes)...)
		w.b.WriteString("\n" + c.heading(notes))
		for _, e := range entries {
			terraformEntry(w, c, e)
			out.count(e)
		}
	}
	out.Text = w.b.String()
	return out
}

// terraformNotes says what Terraform cannot have of the cluster; entries are the rest.
func terraformNotes(c Cluster) (notes []string, entries []Entry) {
	notes = slices.Clone(c.Notes)
	for _, e := range c.Entries {
		why := inexpressible(e)
		if why == "" && !composed(e) {
			why = "a name in it is not in Unicode's normal form C, and HCL would write another"
		}
		if why != "" {
			notes = append(notes, fmt.Sprintf("the entry of %s is not written: %s", e.Principal, why))
			continue
		}
		if e.Dead {
			notes = append(notes, fmt.Sprintf("the entry of %s is of an earlier role of that name and admits nobody: once it is imported, run terraform apply -replace=%s", e.Principal, entryAddress(c.ARN, e.Principal)))
		}
		entries = append(entries, e)
	}
	if c.None != "" {
		notes = append(notes, "nothing is written: "+c.None)
	}
	return notes, entries
}

const terraformHead = `# Access entries of EKS clusters, written by rolecall export; the next one overwrites what is changed here.
# It takes Terraform 1.5 or later and version 5.33 or later of the provider hashicorp/aws.
`

// providers writes one provider for each account and Region that has entries. It refuses to work in any other account.
func providers(w *hcl, clusters []Cluster) {
	seen := map[string]bool{}
	for _, c := range clusters {
		alias := providerAlias(c.ARN)
		if seen[alias] || len(c.Entries) == 0 {
			continue
		}
		seen[alias] = true
		w.line("")
		w.block(`provider "aws"`, func() {
			w.attributes(attribute{"alias", quote(alias)}, attribute{"region", quote(c.ARN.Region())},
				attribute{"allowed_account_ids", list([]string{string(c.ARN.Account())})})
		})
	}
}

func terraformEntry(w *hcl, c Cluster, e Entry) {
	address := entryAddress(c.ARN, e.Principal)
	common := []attribute{
		{"provider", "aws." + providerAlias(c.ARN)}, {"cluster_name", quote(c.ARN.Name())}, {"principal_arn", quote(string(e.Principal))},
	}
	w.line("")
	w.block(header(address), func() {
		as := append(slices.Clone(common), attribute{"type", quote(string(e.Type))})
		if e.Type == access.EntryStandard {
			as = append(as, attribute{"user_name", given(e.Username)}, attribute{"kubernetes_groups", list(e.Groups)})
		}
		w.attributes(as...)
		if len(e.Tags) > 0 {
			w.line("")
			w.object("tags", e.Tags)
		}
	})
	if e.Exists {
		imported(w, address, c.ARN.Name()+":"+string(e.Principal))
	}
	for _, a := range e.Associations {
		to := associationAddress(c.ARN, e.Principal, a.Policy)
		w.line("")
		w.block(header(to), func() {
			w.attributes(append(slices.Clone(common), attribute{"policy_arn", quote(string(a.Policy))}, attribute{"depends_on", "[" + address + "]"})...)
			w.line("")
			w.block("access_scope", func() {
				as := []attribute{{"type", quote(string(a.Scope))}}
				if a.Scope == access.ScopeNamespace {
					as = append(as, attribute{"namespaces", list(a.Namespaces)})
				}
				w.attributes(as...)
			})
			w.line("")
			// An entry that is made anew has none of the associations of the one before.
			w.block("lifecycle", func() { w.line("replace_triggered_by = [" + address + ".access_entry_arn]") })
		})
		if slices.Contains(e.Given, a.Policy) {
			imported(w, to, strings.Join([]string{c.ARN.Name(), string(e.Principal), string(a.Policy)}, "#"))
		}
	}
}

func imported(w *hcl, address, id string) {
	w.line("")
	w.block("import", func() { w.attributes(attribute{"to", address}, attribute{"id", quote(id)}) })
}

func header(address string) string {
	kind, name, _ := strings.Cut(address, ".")
	return "resource " + quote(kind) + " " + quote(name)
}

func entryAddress(c access.ClusterARN, principal access.ARN) string {
	p := lastPart(principal)
	return "aws_eks_access_entry." + label(string(c)+"\n"+string(principal), c.Name(), p)
}

func associationAddress(c access.ClusterARN, principal, policy access.ARN) string {
	seed := string(c) + "\n" + string(principal) + "\n" + string(policy)
	return "aws_eks_access_policy_association." + label(seed, c.Name(), lastPart(principal), lastPart(policy))
}

func providerAlias(c access.ClusterARN) string {
	return identifier("a" + string(c.Account()) + "_" + c.Region())
}

// lastPart is the name at the end of an ARN.
func lastPart(a access.ARN) string {
	return string(a[strings.LastIndexAny(string(a), "/:")+1:])
}

// label is an identifier that people recognise, and that what seed names has alone.
func label(seed string, parts ...string) string {
	sum := sha256.Sum256([]byte(seed))
	name := identifier(strings.Join(parts, "_")) + "_" + hex.EncodeToString(sum[:])[:10]
	if name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

// identifier keeps of a name what every version of HCL takes for part of an identifier.
func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
}
