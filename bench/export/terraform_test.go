package export_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/export"
	"github.com/zclconf/go-cty/cty"
)

// entrySpec and associationSpec are the arguments of the provider's two resources; any other is an error.
var (
	entrySpec = hcldec.ObjectSpec{
		"cluster_name":      &hcldec.AttrSpec{Name: "cluster_name", Type: cty.String, Required: true},
		"principal_arn":     &hcldec.AttrSpec{Name: "principal_arn", Type: cty.String, Required: true},
		"type":              &hcldec.AttrSpec{Name: "type", Type: cty.String},
		"user_name":         &hcldec.AttrSpec{Name: "user_name", Type: cty.String},
		"kubernetes_groups": &hcldec.AttrSpec{Name: "kubernetes_groups", Type: cty.List(cty.String)},
		"tags":              &hcldec.AttrSpec{Name: "tags", Type: cty.Map(cty.String)},
	}
	associationSpec = hcldec.ObjectSpec{
		"cluster_name":  &hcldec.AttrSpec{Name: "cluster_name", Type: cty.String, Required: true},
		"principal_arn": &hcldec.AttrSpec{Name: "principal_arn", Type: cty.String, Required: true},
		"policy_arn":    &hcldec.AttrSpec{Name: "policy_arn", Type: cty.String, Required: true},
		"access_scope": &hcldec.BlockSpec{TypeName: "access_scope", Required: true, Nested: hcldec.ObjectSpec{
			"type":       &hcldec.AttrSpec{Name: "type", Type: cty.String, Required: true},
			"namespaces": &hcldec.AttrSpec{Name: "namespaces", Type: cty.List(cty.String)},
		}},
	}
	meta = &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "provider", Required: true}, {Name: "depends_on"}}, Blocks: []hcl.BlockHeaderSchema{{Type: "lifecycle"}},
	}
)

// module is a configuration as Terraform takes it apart.
type module struct {
	t *testing.T
	// entries by cluster, with what imports and associations say.
	entries   map[string]*export.Entry
	addresses map[string]string
	providers map[string][2]string
	imports   map[string]string
}

func (m *module) check(what string, diags hcl.Diagnostics) {
	m.t.Helper()
	if diags.HasErrors() {
		m.t.Fatalf("%s: %v", what, diags)
	}
}

func (m *module) text(e hcl.Expression) string {
	m.t.Helper()
	v, diags := e.Value(nil)
	m.check("a string", diags)
	return v.AsString()
}

// reference is an address written out, "a.b.c".
func (m *module) reference(e hcl.Expression) string {
	m.t.Helper()
	t, diags := hcl.AbsTraversalForExpr(e)
	m.check("a reference", diags)
	parts := []string{t.RootName()}
	for _, step := range t[1:] {
		parts = append(parts, step.(hcl.TraverseAttr).Name)
	}
	return strings.Join(parts, ".")
}

func read(t *testing.T, text string) *module {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(text), "rolecall.tf", hcl.InitialPos)
	m := &module{t: t, entries: map[string]*export.Entry{}, addresses: map[string]string{}, providers: map[string][2]string{}, imports: map[string]string{}}
	m.check("parsing", diags)
	content, diags := f.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "provider", LabelNames: []string{"name"}}, {Type: "resource", LabelNames: []string{"type", "name"}}, {Type: "import"},
	}})
	m.check("top level", diags)
	for _, b := range content.Blocks {
		switch b.Type {
		case "provider":
			as, diags := b.Body.JustAttributes()
			m.check("provider", diags)
			ids, diags := as["allowed_account_ids"].Expr.Value(nil)
			m.check("provider", diags)
			m.providers["aws."+m.text(as["alias"].Expr)] = [2]string{m.text(as["region"].Expr), ids.AsValueSlice()[0].AsString()}
		case "import":
			as, diags := b.Body.JustAttributes()
			m.check("import", diags)
			m.imports[m.reference(as["to"].Expr)] = m.text(as["id"].Expr)
		case "resource":
			m.resource(b)
		}
	}
	return m
}

func (m *module) resource(b *hcl.Block) {
	m.t.Helper()
	address := b.Labels[0] + "." + b.Labels[1]
	if !hclsyntax.ValidIdentifier(b.Labels[1]) || m.addresses[address] != "" {
		m.t.Errorf("%s is no identifier or not the only one", address)
	}
	own, rest, diags := b.Body.PartialContent(meta)
	m.check(address, diags)
	provider := m.providers[m.reference(own.Attributes["provider"].Expr)]
	spec := entrySpec
	if b.Labels[0] == "aws_eks_access_policy_association" {
		spec = associationSpec
	}
	v, diags := hcldec.Decode(rest, spec, nil)
	m.check(address, diags)
	get := v.GetAttr
	key := provider[0] + " " + provider[1] + " " + get("cluster_name").AsString() + " " + get("principal_arn").AsString()
	if b.Labels[0] == "aws_eks_access_entry" {
		e := &export.Entry{AccessEntry: access.AccessEntry{
			Principal: access.ARN(get("principal_arn").AsString()), Type: access.EntryType(get("type").AsString()), Tags: map[string]string{}, Groups: strs(get("kubernetes_groups")),
		}}
		if u := get("user_name"); !u.IsNull() {
			e.Username = u.AsString()
		}
		for k, t := range get("tags").AsValueMap() {
			e.Tags[k] = t.AsString()
		}
		m.entries[key], m.addresses[address] = e, key
		return
	}
	scope := get("access_scope")
	m.addresses[address] = key + " " + get("policy_arn").AsString()
	e := m.entries[key] // an entry stands before its associations
	e.Associations = append(e.Associations, access.PolicyAssociation{
		Policy: access.ARN(get("policy_arn").AsString()), Scope: access.ScopeKind(scope.GetAttr("type").AsString()), Namespaces: strs(scope.GetAttr("namespaces")),
	})
	depends, diags := hcl.ExprList(own.Attributes["depends_on"].Expr)
	m.check(address, diags)
	life, diags := own.Blocks[0].Body.JustAttributes()
	m.check(address, diags)
	triggers, diags := hcl.ExprList(life["replace_triggered_by"].Expr)
	m.check(address, diags)
	if on := m.reference(depends[0]); m.addresses[on] != key || m.reference(triggers[0]) != on+".access_entry_arn" {
		m.t.Errorf("%s depends on %s and is replaced with %s, want the entry of its own principal", address, on, m.reference(triggers[0]))
	}
}

func strs(v cty.Value) []string {
	var out []string
	if v.IsNull() {
		return nil
	}
	for _, s := range v.AsValueSlice() {
		out = append(out, s.AsString())
	}
	return out
}

// parts of an import id, as the provider takes it apart: "<cluster>:<principal>" or "<cluster>#<principal>#<policy>".
func parts(address, id string) []string {
	if strings.HasPrefix(address, "aws_eks_access_entry.") {
		return strings.SplitN(id, ":", 2)
	}
	return strings.SplitN(id, "#", 3)
}

func TestHCLReadsEveryEntryAsItWasWritten(t *testing.T) {
	for seed := range uint64(100) {
		want := clusters(rand.New(rand.NewPCG(seed, 0)), composed)
		text := export.Terraform(want).Text
		if formatted := string(hclwrite.Format([]byte(text))); formatted != text {
			t.Errorf("seed %d: terraform fmt would change it:\n%s", seed, cmp.Diff(text, formatted))
		}
		m := read(t, text)
		if len(m.providers) != 2 {
			t.Errorf("seed %d: providers %v, want one for each of two Regions", seed, m.providers)
		}
		imports := map[string]bool{}
		for address, id := range m.imports {
			key := strings.Join(parts(address, id), " ")
			imports[key] = true
			if !strings.HasSuffix(m.addresses[address], " 012345678901 "+key) {
				t.Errorf("seed %d: %s is imported from %q, want %q", seed, address, id, m.addresses[address])
			}
		}
		for _, c := range want {
			for _, e := range c.Entries {
				key := c.ARN.Region() + " 012345678901 " + c.ARN.Name() + " " + string(e.Principal)
				if d := cmp.Diff(e.AccessEntry, m.entries[key].AccessEntry); d != "" {
					t.Errorf("seed %d: %s (-written +read):\n%s", seed, key, d)
				}
				within := c.ARN.Name() + " " + string(e.Principal)
				if imports[within] != e.Exists {
					t.Errorf("seed %d: %s exists: %v, imported: %v", seed, key, e.Exists, imports[within])
				}
				for _, a := range e.Associations {
					if given := slices.Contains(e.Given, a.Policy); imports[within+" "+string(a.Policy)] != given {
						t.Errorf("seed %d: %s has %s: %v, imported: %v", seed, key, a, given, !given)
					}
				}
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestHCLWouldWriteAnotherName is why an entry with a decomposed name is left out of Terraform.
func TestHCLWouldWriteAnotherName(t *testing.T) {
	e, diags := hclsyntax.ParseExpression([]byte(`"re\u0301leases"`), "x", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if v, _ := e.Value(nil); v.AsString() != "r\u00e9leases" {
		t.Errorf("HCL keeps decomposed names by now: %+q", v.AsString())
	}
	c := clusters(rand.New(rand.NewPCG(0, 0)), composed)[0]
	c.Entries = c.Entries[:1]
	c.Entries[0].Groups = []string{"re\u0301leases"}
	d := export.Terraform([]export.Cluster{c})
	if d.Entries != 0 || len(d.Notes) != 2 || len(read(t, d.Text).entries) != 0 {
		t.Errorf("the entry is written, or nothing is said: %q\n%s", d.Notes, d.Text)
	}
}
