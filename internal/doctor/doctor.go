// Package doctor works out, for somebody who is refused by a cluster, which hop of the chain is broken, from what that
// person can see with their own credentials and kubeconfig, and writes the text with which an administrator goes on.
//
// Gather finds out the facts through ports; Diagnose judges them and is pure. What could not be found out stays unknown: a
// hop is called broken only where a fact says so.
package doctor

import (
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// APIVersion is that of a Report.
const APIVersion = "rolecall.dev/v1alpha1"

// Hop is a link of the chain as the person sees it, from their own files to the rule in the cluster.
type Hop string

// The hops, in the order in which a request passes them.
const (
	HopKubeconfig Hop = "kubeconfig"
	// HopPlugin is the command that makes the token.
	HopPlugin Hop = "plugin"
	// HopLogin is the AWS session.
	HopLogin Hop = "login"
	HopClock Hop = "clock"
	HopToken Hop = "token"
	// HopNetwork is the way to the API server, HopCluster that it is the right one.
	HopNetwork Hop = "network"
	HopCluster Hop = "cluster"
	// HopMapping is the aws-auth row or the access entry, HopBinding what RBAC and EKS access policies allow.
	HopMapping Hop = "mapping"
	HopBinding Hop = "binding"
)

// Status says whether a hop holds.
type Status string

// The states of a hop.
const (
	OK     Status = "ok"
	Broken Status = "broken"
	// Suspect may be what is broken: one of several.
	Suspect Status = "suspect"
	// Unknown could not be looked at.
	Unknown Status = "unknown"
)

// Verdict sums a report up.
type Verdict string

// The verdicts.
const (
	// Works means that the API server lets the person in and, where something was asked, allows it.
	Works Verdict = "works"
	// Found means that one hop is known to be broken.
	Found Verdict = "broken"
	// Narrowed means that it is one of several hops.
	Narrowed Verdict = "narrowed"
	// Undecided means that nothing points to any hop.
	Undecided Verdict = "unknown"
)

// Finding is what is known of one hop.
type Finding struct {
	Hop    Hop    `json:"hop"`
	Status Status `json:"status"`
	// Cause names the situation for scripts; empty where the hop holds.
	Cause   Cause     `json:"cause,omitempty"`
	Code    diag.Code `json:"code,omitempty"`
	Summary string    `json:"summary"`
	Detail  string    `json:"detail,omitempty"`
	// Hint is what the person can type; empty where it is not in their hands.
	Hint string `json:"hint,omitempty"`
}

// You is who the person is, as far as it was found out.
type You struct {
	// ARN is the identity in the token; where there is no token, that of the credentials.
	ARN     access.ARN       `json:"arn,omitempty"`
	Account access.AccountID `json:"account,omitempty"`
	// Person is the identity before a role was taken on with --role-arn; empty where it is ARN.
	Person        access.ARN `json:"person,omitempty"`
	PermissionSet string     `json:"permissionSet,omitempty"`
	// SessionName is the person's: the user name in Identity Center.
	SessionName string `json:"sessionName,omitempty"`
	// Username and Groups are who the API server takes the person for.
	Username string   `json:"username,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

// Target is the cluster that was asked for, as far as it is known.
type Target struct {
	Context string `json:"context"`
	Server  string `json:"server,omitempty"`
	// Name is the cluster's name as the context has it, or else its credential plugin.
	Name    string            `json:"name,omitempty"`
	ARN     access.ClusterARN `json:"arn,omitempty"`
	Account access.AccountID  `json:"account,omitempty"`
	Region  string            `json:"region,omitempty"`
	// Mode is set where EKS said it.
	Mode access.AuthenticationMode `json:"authenticationMode,omitempty"`
}

// Reply is what the API server said.
type Reply struct {
	Kind    access.AnswerKind `json:"kind,omitempty"`
	Status  int               `json:"status,omitempty"`
	Message string            `json:"message,omitempty"`
	// Text says it in a sentence.
	Text string `json:"text"`
}

// Report is a diagnosis. It holds no secret.
type Report struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Taken      time.Time `json:"taken"`
	Verdict    Verdict   `json:"verdict"`
	// Hops are the broken one, or those one of which is; sorted as a request passes them.
	Hops    []Hop  `json:"hops"`
	You     You    `json:"you"`
	Cluster Target `json:"cluster"`
	Answer  Reply  `json:"answer"`
	// Request is as rbac.ParseRequest reads it; empty when nothing was asked.
	Request string `json:"request"`
	// Findings are sorted as a request passes their hops.
	Findings []Finding `json:"findings"`
	// Letter is the text for an administrator; empty when there is nothing for one to do.
	Letter string `json:"letter,omitempty"`
}

// First returns the first finding of a status.
func (r Report) First(s Status) (Finding, bool) {
	for _, f := range r.Findings {
		if f.Status == s {
			return f, true
		}
	}
	return Finding{}, false
}
