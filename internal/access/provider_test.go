package access_test

import (
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestThePrefixesOfAnIdentityProviderTellWhetherItCanSayReservedNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   access.IdentityProvider
		want access.Freedom
		by   string
	}{
		{"the issuer stands before the subject", access.IdentityProvider{}, access.Apart, ""},
		{"an address of mail has no colon", access.IdentityProvider{UsernameClaim: "email"}, access.Apart, ""},
		{"an address of mail has no colon, without a prefix either", access.IdentityProvider{UsernameClaim: "email", UsernamePrefix: "-"}, access.Apart, ""},
		{"a prefix of its own", access.IdentityProvider{UsernamePrefix: "oidc:", GroupsClaim: "groups", GroupsPrefix: "oidc:"}, access.Apart, ""},
		{"one that only looks alike", access.IdentityProvider{UsernamePrefix: "sso-", GroupsClaim: "groups", GroupsPrefix: "rolecall-"}, access.Apart, ""},
		{"no prefix before a claim that people choose", access.IdentityProvider{UsernameClaim: "name", UsernamePrefix: "-"}, access.Unbound, `usernamePrefix "-"`},
		{"no prefix before groups", access.IdentityProvider{GroupsClaim: "groups"}, access.Unbound, `groupsPrefix ""`},
		{"no groups at all", access.IdentityProvider{GroupsPrefix: "rolecall:"}, access.Apart, ""},
		{"the whole beginning", access.IdentityProvider{UsernameClaim: "email", UsernamePrefix: "sso:Dev:"}, access.Within, `usernamePrefix "sso:Dev:"`},
		{"the beginning", access.IdentityProvider{UsernamePrefix: "sso:"}, access.Within, `usernamePrefix "sso:"`},
		{"a part of the beginning", access.IdentityProvider{UsernamePrefix: "ss"}, access.Within, `usernamePrefix "ss"`},
		{"the beginning of groups", access.IdentityProvider{UsernamePrefix: "-", UsernameClaim: "name", GroupsClaim: "groups", GroupsPrefix: "rolecall:platform:"}, access.Within, `groupsPrefix "rolecall:platform:"`},
		{"both", access.IdentityProvider{UsernamePrefix: "sso:", GroupsClaim: "groups", GroupsPrefix: "r"}, access.Within, `usernamePrefix "sso:" and groupsPrefix "r"`},
	} {
		got, by := tc.in.Names()
		if got != tc.want || tc.want != access.Apart && by != tc.by {
			t.Errorf("%s: %d by %s, want %d by %s", tc.name, got, by, tc.want, tc.by)
		}
	}
}
