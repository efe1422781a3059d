package access

import (
	"cmp"
	"fmt"
	"strings"
)

// IdentityProvider is an OpenID Connect provider of a company whose tokens the API server of a cluster takes. EKS allows one for each cluster.
type IdentityProvider struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
	// UsernameClaim is the claim of a token that becomes the user name, "sub" where it is empty. GroupsClaim is the one that becomes the groups; there are
	// none where it is empty.
	UsernameClaim string `json:"usernameClaim,omitempty"`
	GroupsClaim   string `json:"groupsClaim,omitempty"`
	// UsernamePrefix stands before every user name. "-" is none; empty is the issuer and a "#", but for the claim "email", which then has none.
	UsernamePrefix string `json:"usernamePrefix,omitempty"`
	GroupsPrefix   string `json:"groupsPrefix,omitempty"`
}

// Compare orders by name.
func (p IdentityProvider) Compare(o IdentityProvider) int { return cmp.Compare(p.Name, o.Name) }

// Freedom is how far an identity provider is from the names that only rolecall may yield.
type Freedom int

const (
	// Apart says that its prefix keeps it from such names.
	Apart Freedom = iota + 1
	// Unbound says that it has no prefix, so it may say such names, as it may say those of Kubernetes itself.
	Unbound
	// Within says that its prefix is how such names begin.
	Within
)

// Names says how far the provider is from usernames sso:<x>:<y> and groups under rolecall:, and by which prefixes.
func (p IdentityProvider) Names() (Freedom, string) {
	user := Apart
	switch {
	case p.UsernamePrefix == "-" && p.UsernameClaim != "email":
		user = Unbound
	case p.UsernamePrefix != "-" && startsAlike(p.UsernamePrefix, usernamePrefix):
		user = Within
	}
	group := Apart
	switch {
	case p.GroupsClaim == "":
	case p.GroupsPrefix == "":
		group = Unbound
	case startsAlike(p.GroupsPrefix, groupPrefix):
		group = Within
	}
	how := max(user, group)
	var by []string
	if user == how {
		by = append(by, fmt.Sprintf("usernamePrefix %q", p.UsernamePrefix))
	}
	if group == how {
		by = append(by, fmt.Sprintf("groupsPrefix %q", p.GroupsPrefix))
	}
	return how, strings.Join(by, " and ")
}

// startsAlike tells whether what follows the prefix can make a name that begins as reserved ones do.
func startsAlike(prefix, reserved string) bool {
	return prefix != "" && (strings.HasPrefix(prefix, reserved) || strings.HasPrefix(reserved, prefix))
}
