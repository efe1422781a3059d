package manifest

import (
	"strconv"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// eksctl reads the iamIdentityMappings of a ClusterConfig as the rows that eksctl makes of them.
func (r *reader) eksctl(n *node) {
	key, mappings := n.pair("iamIdentityMappings")
	s := synthetic{src: r.src}
	for _, m := range mappings.content {
		if mappings.kind != sequence || m.kind != mapping || m.get("serviceName") != nil {
			continue
		}
		if account := m.get("account"); account != nil && m.get("arn") == nil {
			s.account(r.cell(nil, account))
			continue
		}
		out := row{at: m.at}
		out.arn, out.username, out.groups = r.field(m, "arn"), r.field(m, "username"), r.list(m, "groups")
		k := awsauth.KeyRoles
		if out.arn != nil && strings.Contains(out.arn.text, ":user/") {
			k = awsauth.KeyUsers
		}
		s.row(k, out)
	}
	d := s.document(r, FormEksctl, r.pos(n.at, n.at), r.nodePos(key))
	d.Partial = true
	r.docs = append(r.docs, d)
}

// field is the scalar under a key of a mapping, nil where there is none.
func (r *reader) field(m *node, name string) *cell {
	k, v := m.pair(name)
	if v == nil || v.kind != scalar || v.isNull() {
		return nil
	}
	c := r.cell(k, v)
	return &c
}

func (r *reader) list(m *node, name string) *list {
	k, v := m.pair(name)
	if v == nil || v.isNull() {
		return nil
	}
	out := &list{keyAt: k.at}
	if v.kind != sequence {
		c := r.cell(k, v)
		out.notList = &c
		return out
	}
	for _, item := range v.content {
		out.items = append(out.items, r.cell(nil, item))
	}
	return out
}

// cell is a scalar as eksctl reads it: what is no text becomes one.
func (r *reader) cell(k, v *node) cell {
	c := cell{text: v.value}
	c.at, c.end = v.extent(r.src.text)
	if k != nil {
		c.keyAt = k.at
	}
	if v.isText() {
		c.origin = decode(r.src, v)
		return c
	}
	switch digits := strings.Trim(v.value, "0123456789") == ""; {
	case v.tag == "!!bool":
		c.text = strconv.FormatBool(strings.ContainsAny(v.value[:1], "yYtT") || strings.EqualFold(v.value, "on"))
	case digits && strings.HasPrefix(v.value, "0"):
		c.text = strings.TrimLeft(v.value, "0")
		if octal, err := strconv.ParseInt(v.value, 0, 64); err == nil {
			c.text = strconv.FormatInt(octal, 10)
		}
	default:
		c.origin = decode(r.src, v)
	}
	return c
}
