package manifest

import (
	"strconv"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// eksctl reads the iamIdentityMappings of a ClusterConfig as the rows that eksctl makes of them.
func (r *reader) eksctl(n *yamltree.Node) {
	key, mappings := n.Pair("iamIdentityMappings")
	s := synthetic{src: r.src}
	for _, m := range mappings.Content {
		if mappings.Kind != yamltree.Sequence || m.Kind != yamltree.Mapping || m.Get("serviceName") != nil {
			continue
		}
		if account := m.Get("account"); account != nil && m.Get("arn") == nil {
			s.account(r.cell(nil, account))
			continue
		}
		out := row{at: m.At}
		out.arn, out.username, out.groups = r.field(m, "arn"), r.field(m, "username"), r.list(m, "groups")
		k := awsauth.KeyRoles
		if out.arn != nil && strings.Contains(out.arn.text, ":user/") {
			k = awsauth.KeyUsers
		}
		s.row(k, out)
	}
	d := s.document(r, FormEksctl, r.pos(n.At, n.At), r.nodePos(key))
	d.Partial = true
	r.docs = append(r.docs, d)
}

// field is the scalar under a key of a mapping, nil where there is none.
func (r *reader) field(m *yamltree.Node, name string) *cell {
	k, v := m.Pair(name)
	if v == nil || v.Kind != yamltree.Scalar || v.IsNull() {
		return nil
	}
	c := r.cell(k, v)
	return &c
}

func (r *reader) list(m *yamltree.Node, name string) *list {
	k, v := m.Pair(name)
	if v == nil || v.IsNull() {
		return nil
	}
	out := &list{keyAt: k.At}
	if v.Kind != yamltree.Sequence {
		c := r.cell(k, v)
		out.notList = &c
		return out
	}
	for _, item := range v.Content {
		out.items = append(out.items, r.cell(nil, item))
	}
	return out
}

// cell is a scalar as eksctl reads it: what is no text becomes one.
func (r *reader) cell(k, v *yamltree.Node) cell {
	s := v.Extent(r.src.Text)
	c := cell{text: v.Value, at: s.Start, end: s.End}
	if k != nil {
		c.keyAt = k.At
	}
	if v.IsText() {
		c.origin = v.Map(r.src)
		return c
	}
	switch digits := strings.Trim(v.Value, "0123456789") == ""; {
	case v.Tag == "!!bool":
		c.text = strconv.FormatBool(strings.ContainsAny(v.Value[:1], "yYtT") || strings.EqualFold(v.Value, "on"))
	case digits && strings.HasPrefix(v.Value, "0"):
		c.text = strings.TrimLeft(v.Value, "0")
		if octal, err := strconv.ParseInt(v.Value, 0, 64); err == nil {
			c.text = strconv.FormatInt(octal, 10)
		}
	default:
		c.origin = v.Map(r.src)
	}
	return c
}
