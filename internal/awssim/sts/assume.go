package sts

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/iampolicy"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

type credentialsView struct {
	AccessKeyID     string `json:"AccessKeyId" xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      awsquery.Time
}

type assumedView struct {
	AssumedRoleID string `json:"AssumedRoleId" xml:"AssumedRoleId"`
	ARN           string `json:"Arn" xml:"Arn"`
}

type assumeResult struct {
	Credentials     credentialsView
	AssumedRoleUser assumedView
	SourceIdentity  string `json:",omitempty" xml:",omitempty"`
}

// assumeRole makes a session. Inside one account the trust policy alone may let the caller in, when it names the caller and no policy
// of the caller denies; else both the trust policy and the caller's own policies have to allow it.
func (t *Service) assumeRole(c *service.Call) (any, *service.Error) {
	role := t.state.Roles[c.Params.Get("RoleArn")]
	for _, action := range actions(c) {
		if !t.allowed(c, role, action) {
			return nil, fail(http.StatusForbidden, "AccessDenied",
				"User: "+c.Caller.ARN+" is not authorized to perform: "+action+" on resource: "+c.Params.Get("RoleArn"))
		}
	}
	if failure := unsupported(c); failure != nil {
		return nil, failure
	}
	lifetime, failure := duration(c, role)
	if failure != nil {
		return nil, failure
	}
	policies, failure := t.policies(c)
	if failure != nil {
		return nil, failure
	}
	session := t.state.NewSession(role, c.Params.Get("RoleSessionName"), c.Now.Add(lifetime).UTC().Truncate(time.Second))
	session.Policies = policies
	return assumeResult{
		Credentials: credentialsView{
			AccessKeyID: session.AccessKeyID, SecretAccessKey: session.Secret, SessionToken: session.Token, Expiration: awsquery.Time(session.Expires),
		},
		AssumedRoleUser: assumedView{AssumedRoleID: role.ID + ":" + session.Name, ARN: session.ARN(t.state.Partition)},
		SourceIdentity:  c.Params.Get("SourceIdentity"),
	}, nil
}

// actions lists what the caller must be allowed to do for the call, given its parameters.
func actions(c *service.Call) []string {
	needed := []string{"sts:AssumeRole"}
	if c.Params.Has("Tags.member.1.Key") || c.Params.Has("TransitiveTagKeys.member.1") {
		needed = append(needed, "sts:TagSession")
	}
	if c.Params.Has("SourceIdentity") {
		needed = append(needed, "sts:SetSourceIdentity")
	}
	if c.Params.Has("ProvidedContexts.member.1.ProviderArn") {
		needed = append(needed, "sts:SetContext")
	}
	return needed
}

// unsupported refuses what would need a device or an identity provider.
func unsupported(c *service.Call) *service.Error {
	if c.Params.Has("SerialNumber") || c.Params.Has("TokenCode") {
		return fail(http.StatusForbidden, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	if c.Params.Has("ProvidedContexts.member.1.ProviderArn") {
		return fail(http.StatusBadRequest, "InvalidProvidedContext", "The provided context assertion is not valid.")
	}
	return nil
}

func (t *Service) allowed(c *service.Call, role *state.Role, action string) bool {
	if role == nil || !t.active(role.Account) {
		return false
	}
	trust, err := iampolicy.ParseTrust([]byte(role.Trust))
	if err != nil {
		return false
	}
	request := iampolicy.Request{Principal: c.Caller.ARN, Action: action, Resource: role.ARN(t.state.Partition), Context: t.context(c)}
	caller := iampolicy.Caller{Account: c.Caller.Account, ARN: c.Caller.ARN}
	if c.Caller.SessionName != "" {
		caller.RoleARN = c.Caller.PrincipalARN
	}
	own := identity(c.Caller, request)
	switch iampolicy.EvaluateTrust(trust, caller, request) {
	case iampolicy.DirectTrust:
		return own == iampolicy.Allowed || own == iampolicy.ImplicitDeny && role.Account == c.Caller.Account
	case iampolicy.DelegatedTrust:
		return own == iampolicy.Allowed
	case iampolicy.NoTrust, iampolicy.DeniedTrust:
		return false
	}
	return false
}

// active tells whether an account can be used; accounts outside the organization are none of the state's.
func (t *Service) active(account string) bool {
	a, ok := t.state.Accounts[account]
	return !ok || a.State == "" || a.State == "ACTIVE"
}

// identity decides by the caller's own policies, which those of its session restrict. A policy that cannot be read denies.
func identity(caller service.Caller, r iampolicy.Request) iampolicy.Decision {
	own := evaluate(caller.Policies, r)
	if len(caller.SessionPolicies) == 0 || own == iampolicy.ExplicitDeny {
		return own
	}
	session := evaluate(caller.SessionPolicies, r)
	if session != iampolicy.Allowed {
		return iampolicy.ExplicitDeny
	}
	return own
}

func evaluate(texts []string, r iampolicy.Request) iampolicy.Decision {
	docs := make([]iampolicy.Document, len(texts))
	for i, text := range texts {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			return iampolicy.ExplicitDeny
		}
		docs[i] = doc
	}
	return iampolicy.Evaluate(docs, r)
}

// context gives the condition keys of the call.
func (t *Service) context(c *service.Call) map[string][]string {
	keys := map[string][]string{
		"aws:PrincipalArn":     {c.Caller.PrincipalARN},
		"aws:PrincipalAccount": {c.Caller.Account},
		"sts:RoleSessionName":  {c.Params.Get("RoleSessionName")},
	}
	if _, member := t.state.Accounts[c.Caller.Account]; member && t.state.Organization.ID != "" {
		keys["aws:PrincipalOrgID"] = []string{t.state.Organization.ID}
	}
	for key, param := range map[string]string{"sts:ExternalId": "ExternalId", "sts:SourceIdentity": "SourceIdentity"} {
		if c.Params.Has(param) {
			keys[key] = []string{c.Params.Get(param)}
		}
	}
	var tagKeys []string
	for _, tag := range awsquery.Structures(c.Params, "Tags") {
		keys["aws:RequestTag/"+tag.Get("Key")] = []string{tag.Get("Value")}
		tagKeys = append(tagKeys, tag.Get("Key"))
	}
	if len(tagKeys) > 0 {
		keys["aws:TagKeys"] = tagKeys
	}
	return keys
}

// duration is how long the session is to live: at most the role's maximum, and an hour for whoever is in a role already.
func duration(c *service.Call, role *state.Role) (time.Duration, *service.Error) {
	lifetime := time.Hour
	if text := c.Params.Get("DurationSeconds"); text != "" {
		seconds, _ := strconv.Atoi(text) // the shape was checked
		lifetime = time.Duration(seconds) * time.Second
	}
	if c.Caller.SessionName != "" && lifetime > time.Hour {
		return 0, awsquery.Invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if lifetime > max(role.MaxSession, time.Hour) {
		return 0, awsquery.Invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return lifetime, nil
}

// policies collects the session policies that the call names.
func (t *Service) policies(c *service.Call) ([]string, *service.Error) {
	var texts []string
	if text := c.Params.Get("Policy"); text != "" {
		texts = append(texts, text)
	}
	for _, descriptor := range awsquery.Structures(c.Params, "PolicyArns") {
		text, ok := t.state.ManagedPolicies[descriptor.Get("arn")]
		if !ok {
			return nil, awsquery.Invalid("Policy " + descriptor.Get("arn") + " does not exist or is not attachable.")
		}
		texts = append(texts, text)
	}
	for _, text := range texts {
		if _, err := iampolicy.Parse([]byte(text)); err != nil {
			return nil, fail(http.StatusBadRequest, "MalformedPolicyDocument", strings.TrimSpace("This policy contains invalid Json: "+err.Error()))
		}
	}
	return texts, nil
}
