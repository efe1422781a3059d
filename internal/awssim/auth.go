package awssim

import (
	"maps"
	"net/http"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/iampolicy"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/sigv4"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// authenticate verifies the signature and fills the caller and the Region.
func (s *Server) authenticate(r *http.Request, x *exchange) *service.Error {
	id, refusal := sigv4.Verify(r, x.body, s.secret, x.call.Now)
	if refusal != nil {
		return refused(refusal)
	}
	if id.Service != x.name {
		return wrongScope("Credential should be scoped to correct service: '" + x.name + "'.")
	}
	// Clients whose endpoint is overridden sign for their own Region even where
	// the service is global, so only calls to a host of AWS are held to it.
	want := globalRegion(s.state.Partition, x.name)
	if want != "" && id.Region != want && serviceOfHost(r.Host) != "" {
		return wrongScope("Credential should be scoped to a valid region.")
	}
	caller, refusal := s.caller(r, id.AccessKeyID)
	if refusal != nil {
		return refused(refusal)
	}
	x.call.Region, x.call.Caller = id.Region, caller
	return nil
}

func refused(e *sigv4.Error) *service.Error {
	return &service.Error{Code: e.Code, Message: e.Message, Status: e.Status}
}

func wrongScope(text string) *service.Error {
	return &service.Error{Code: "SignatureDoesNotMatch", Message: text, Status: http.StatusForbidden}
}

// secret looks up an access key of a session or an IAM user.
func (s *Server) secret(accessKeyID string) (secret, sessionToken string, ok bool) {
	if session := s.state.Sessions[accessKeyID]; session != nil {
		return session.Secret, session.Token, true
	}
	if _, key := s.userOf(accessKeyID); key != nil {
		return key.Secret, "", true
	}
	return "", "", false
}

func (s *Server) userOf(accessKeyID string) (*state.IAMUser, *state.AccessKey) {
	for _, u := range s.state.IAMUsers {
		for i := range u.Keys {
			if u.Keys[i].ID == accessKeyID {
				return u, &u.Keys[i]
			}
		}
	}
	return nil, nil
}

// caller says who holds an access key. Sessions end with their role: one made
// again under the same name is another role.
func (s *Server) caller(r *http.Request, accessKeyID string) (service.Caller, *sigv4.Error) {
	st := s.state
	if user, _ := s.userOf(accessKeyID); user != nil {
		arn := user.ARN(st.Partition)
		return service.Caller{
			Account: user.Account, ARN: arn, PrincipalARN: arn, UserID: user.ID, AccessKeyID: accessKeyID,
			Policies: st.Documents(user.Policies, user.Managed),
		}, s.live(r, user.Account)
	}
	session := st.Sessions[accessKeyID]
	if session.Expires.Before(s.clock()) {
		return service.Caller{}, sigv4.ExpiredToken(r)
	}
	role := st.Roles[session.RoleARN]
	if role == nil || role.ID != session.RoleID {
		return service.Caller{}, sigv4.UnknownKey(r)
	}
	return service.Caller{
		Account: session.Account, ARN: session.ARN(st.Partition), PrincipalARN: session.RoleARN,
		UserID: session.RoleID + ":" + session.Name, AccessKeyID: accessKeyID,
		SessionName: session.Name, RoleID: session.RoleID,
		Policies: st.Documents(role.Policies, role.Managed), SessionPolicies: session.Policies,
	}, s.live(r, session.Account)
}

// live refuses the principals of accounts that are suspended or closed.
func (s *Server) live(r *http.Request, account string) *sigv4.Error {
	if a := s.state.Accounts[account]; a == nil || a.State != "ACTIVE" {
		return sigv4.UnknownKey(r)
	}
	return nil
}

// authorize checks every action and resource that the call needs.
func (s *Server) authorize(x *exchange) *service.Error {
	for _, need := range x.backend.Needs(x.call) {
		resources := need.Resources
		if len(resources) == 0 {
			resources = []string{"*"}
		}
		for _, resource := range resources {
			one := service.Need{Action: need.Action, Resources: []string{resource}, Context: need.Context}
			if err := s.authorizeOne(x.call, one); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) authorizeOne(c *service.Call, need service.Need) *service.Error {
	decision, err := s.evaluate(c, need)
	if err != nil {
		return &service.Error{
			Code:    "InternalFailure",
			Message: "the simulator cannot read a policy of " + c.Caller.PrincipalARN + ": " + err.Error(),
			Status:  http.StatusInternalServerError,
		}
	}
	switch decision {
	case iampolicy.Allowed:
		return nil
	case iampolicy.ExplicitDeny:
		return service.Denied(deniedCode(c.Service), c.Caller, need, service.ExplicitDeny)
	case iampolicy.ImplicitDeny:
	}
	return service.Denied(deniedCode(c.Service), c.Caller, need, service.ImplicitDeny)
}

func (s *Server) allowed(c *service.Call, action, resource string) bool {
	return s.authorizeOne(c, service.Need{Action: action, Resources: []string{resource}}) == nil
}

// evaluate decides by the identity policies, and where there are session
// policies by those too.
func (s *Server) evaluate(c *service.Call, need service.Need) (iampolicy.Decision, error) {
	request := iampolicy.Request{
		Principal: c.Caller.ARN, Action: need.Action, Resource: need.Resources[0], Context: s.conditionKeys(c, need),
	}
	decision, err := evaluateTexts(c.Caller.Policies, request)
	if err != nil || decision != iampolicy.Allowed || len(c.Caller.SessionPolicies) == 0 {
		return decision, err
	}
	return evaluateTexts(c.Caller.SessionPolicies, request)
}

func evaluateTexts(texts []string, r iampolicy.Request) (iampolicy.Decision, error) {
	docs := make([]iampolicy.Document, 0, len(texts))
	for _, text := range texts {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			return 0, err
		}
		docs = append(docs, doc)
	}
	return iampolicy.Evaluate(docs, r), nil
}

// conditionKeys are the global condition keys of a call, with those that the
// service adds.
func (s *Server) conditionKeys(c *service.Call, need service.Need) map[string][]string {
	keys := map[string][]string{
		"aws:PrincipalArn":     {c.Caller.PrincipalARN},
		"aws:PrincipalAccount": {c.Caller.Account},
		"aws:PrincipalOrgID":   {s.state.Organization.ID},
		"aws:RequestedRegion":  {c.Region},
		"aws:userid":           {c.Caller.UserID},
		"aws:PrincipalType":    {"AssumedRole"},
		"aws:CurrentTime":      {c.Now.UTC().Format("2006-01-02T15:04:05Z")},
	}
	if c.Caller.SessionName == "" {
		keys["aws:PrincipalType"] = []string{"User"}
		keys["aws:username"] = []string{c.Caller.ARN[strings.LastIndex(c.Caller.ARN, "/")+1:]}
	}
	maps.Copy(keys, need.Context)
	return keys
}

func deniedCode(name string) string {
	if name == iamService || name == stsService {
		return "AccessDenied"
	}
	return "AccessDeniedException"
}
