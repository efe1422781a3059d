package iampolicy

import (
	"slices"
	"strings"
)

// PrincipalKind is the kind of a principal named in a resource policy.
type PrincipalKind int

// The kinds of principals. Anyone is the bare "*".
const (
	Anyone PrincipalKind = iota + 1
	AWS
	Service
	Federated
	CanonicalUser
)

// Principal is one principal of a resource policy.
type Principal struct {
	Kind  PrincipalKind
	Value string
}

// Caller is who asks for a role, as trust policies may name them.
type Caller struct {
	Account string // the account the caller belongs to
	ARN     string // the caller as GetCallerIdentity gives it: a user, a role session, an account's root
	RoleARN string // of a role session the role with its path; else empty
}

// Trust is how far a trust policy lets a caller in.
type Trust int

// The kinds of trust. Delegated trust names only the caller's account, whose own policies have to allow the call as well; direct
// trust names the caller, which is enough inside the role's own account.
const (
	NoTrust Trust = iota + 1
	DelegatedTrust
	DirectTrust
	DeniedTrust
)

// EvaluateTrust decides how far a role's trust policy lets a caller in. Of the request it uses Action and Context.
func EvaluateTrust(doc Document, caller Caller, r Request) Trust {
	trust := NoTrust
	keys := lowerKeys(r.Context)
	for i := range doc.Statements {
		s := &doc.Statements[i]
		if !s.coversAction(r.Action) || !s.conditionsHold(keys) {
			continue
		}
		reach := s.trusts(caller)
		switch {
		case reach == NoTrust:
		case s.Effect == Deny:
			return DeniedTrust
		default:
			trust = max(trust, reach)
		}
	}
	return trust
}

func (s *Statement) trusts(c Caller) Trust {
	if len(s.NotPrincipals) > 0 {
		if slices.ContainsFunc(s.NotPrincipals, func(p Principal) bool { return p.reach(c) != NoTrust }) {
			return NoTrust
		}
		return DirectTrust
	}
	trust := NoTrust
	for _, p := range s.Principals {
		trust = max(trust, p.reach(c))
	}
	return trust
}

func (p Principal) reach(c Caller) Trust {
	switch p.Kind {
	case Anyone:
		return DirectTrust
	case AWS:
		return p.reachAWS(c)
	case Service, Federated, CanonicalUser:
		return NoTrust
	}
	return NoTrust
}

func (p Principal) reachAWS(c Caller) Trust {
	switch {
	case p.Value == "*", p.Value == c.ARN, c.RoleARN != "" && p.Value == c.RoleARN:
		return DirectTrust
	case p.Value == c.Account, strings.HasPrefix(p.Value, "arn:") && strings.HasSuffix(p.Value, ":iam::"+c.Account+":root"):
		return DelegatedTrust
	}
	return NoTrust
}
