// Package sts simulates the AWS Security Token Service: who am I, and sessions for roles.
//
// Names, limits and errors are those of the STS API reference.
package sts

import (
	"net/http"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Service is STS over a state.
type Service struct {
	awsquery.API

	state *state.State
}

// New returns STS over a state.
func New(s *state.State) *Service {
	t := &Service{state: s}
	t.API = awsquery.API{
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Version:   "2011-06-15",
		Operations: map[string]awsquery.Operation{
			"GetCallerIdentity":  {Handle: t.getCallerIdentity},
			"AssumeRole":         {Members: assumeRole(), Handle: t.assumeRole},
			"AssumeRoleWithSAML": {Members: assumeRoleWithSAML(), Handle: t.assumeRoleWithSAML},
		},
	}
	return t
}

type identityResult struct {
	ARN     string `json:"Arn" xml:"Arn"`
	UserID  string `json:"UserId" xml:"UserId"`
	Account string
}

// getCallerIdentity answers every authenticated caller; no policy can deny it.
func (t *Service) getCallerIdentity(c *service.Call) (any, *service.Error) {
	return identityResult{ARN: c.Caller.ARN, UserID: c.Caller.UserID, Account: c.Caller.Account}, nil
}

func roleARN() awsquery.Member {
	return arn("RoleArn").Required()
}

func arn(name string) awsquery.Member {
	return awsquery.Text(name).Between(20, 2048).Like(`[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+`)
}

func sessionPolicies() []awsquery.Member {
	return []awsquery.Member{
		awsquery.List("PolicyArns", awsquery.Struct("Descriptor", arn("arn"))).Between(0, 10),
		awsquery.Text("Policy").Between(1, 2048),
		awsquery.Number("DurationSeconds").Between(900, 43200),
	}
}

func assumeRole() []awsquery.Member {
	name := `[\w+=,.@-]*`
	return append(
		sessionPolicies(),
		roleARN(),
		awsquery.Text("RoleSessionName").Required().Between(2, 64).Like(name),
		awsquery.List("Tags", awsquery.Struct("Tag",
			awsquery.Text("Key").Required().Between(1, 128), awsquery.Text("Value").Required().Between(0, 256))).Between(0, 50),
		awsquery.List("TransitiveTagKeys", awsquery.Text("Key").Between(1, 128)).Between(0, 50),
		awsquery.Text("ExternalId").Between(2, 1224).Like(`[\w+=,.@:\/-]*`),
		awsquery.Text("SerialNumber").Between(9, 256).Like(`[\w+=/:,.@-]*`),
		awsquery.Text("TokenCode").Between(6, 6).Like(`[\d]*`),
		awsquery.Text("SourceIdentity").Between(2, 64).Like(name),
		awsquery.List("ProvidedContexts", awsquery.Struct("Context",
			arn("ProviderArn"), awsquery.Text("ContextAssertion").Between(4, 2048))).Between(0, 5),
		awsquery.Number("MinimumSessionTokenSize"),
	)
}

func assumeRoleWithSAML() []awsquery.Member {
	return append(
		sessionPolicies(),
		roleARN(), arn("PrincipalArn").Required(),
		awsquery.Text("SAMLAssertion").Required().Between(4, 100000),
		awsquery.Number("MinimumSessionTokenSize"),
	)
}

// assumeRoleWithSAML refuses everybody: the only SAML provider of these accounts is that of Identity Center, which alone can use it.
func (t *Service) assumeRoleWithSAML(*service.Call) (any, *service.Error) {
	return nil, fail(http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
}

func fail(status int, code, message string) *service.Error {
	return &service.Error{Code: code, Message: message, Status: status}
}
