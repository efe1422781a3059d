package doctor

import (
	"errors"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Facts is what was found out. It holds no secret.
type Facts struct {
	// Taken is the own clock when the first fact was gathered.
	Taken time.Time
	// Asked is the context that was named; empty for the current one.
	Asked           string
	Kubeconfig      access.Kubeconfig
	KubeconfigFault *Fault
	// Context is nil where there is none to use.
	Context *access.KubeContext
	Plugin  Plugin
	// PluginFault is why the plugin gave no credential.
	PluginFault *Fault
	// Authenticated says that there was a credential to knock with.
	Authenticated bool
	// Token is nil where the credential is no token of EKS.
	Token *Token
	// Proof is what STS made of the token; nil where it was not asked or refused.
	Proof      *access.Proof
	ProofFault *Fault
	// STS and API are how far the clocks of both are ahead of the own; nil where they were not heard.
	STS, API *time.Duration

	// Own is the identity of the credentials that the plugin starts from; nil where they gave none.
	Own      *access.Caller
	OwnFault *Fault
	OwnEnds  time.Time
	// Renewal is the command that renews the credentials, "" where the profile names none.
	Renewal string

	// Described is what EKS calls by the plugin's cluster name in the session's account; DescribedIn is the Region that was asked.
	Described      *access.Cluster
	DescribedFault *Fault
	DescribedIn    string

	// EntriesListed says that the person may list the cluster's access entries; Entry is the one for the token's identity, nil where there is none.
	EntriesListed bool
	Entry         *access.AccessEntry

	Answer access.Answer

	Request *access.Request
	// Review is the API server's word on the request.
	Review      *Review
	ReviewFault *Fault
	// Rules is what the person may do in the context's namespace, where nothing was asked.
	Rules *Rules
	// AwsAuth is kube-system/aws-auth where the person may read it and it exists.
	AwsAuth *access.ConfigMap
}

// Review is the answer to a SelfSubjectAccessReview.
type Review struct {
	Allowed bool
	Reason  string
}

// Rules counts rules that not every authenticated user has.
type Rules struct {
	Namespace string
	Count     int
	// Complete is false where an authorizer keeps its rules to itself.
	Complete bool
}

// Fault is why something could not be found out.
type Fault struct {
	Kind    FaultKind
	Message string
	Needs   string
}

// FaultKind sorts faults.
type FaultKind string

// The kinds of fault.
const (
	FaultDenied      FaultKind = "denied"
	FaultNotFound    FaultKind = "notFound"
	FaultExpired     FaultKind = "expired"
	FaultUnreachable FaultKind = "unreachable"
	FaultOther       FaultKind = "other"
)

// fault records an error; nil stays nil.
func fault(err error) *Fault {
	if err == nil {
		return nil
	}
	f := &Fault{Kind: FaultOther, Message: err.Error()}
	if call, ok := errors.AsType[*access.CallError](err); ok {
		f.Message, f.Needs = call.Message, call.Needs
	}
	for _, c := range []struct {
		condition error
		kind      FaultKind
	}{
		{access.ErrDenied, FaultDenied},
		{access.ErrNotFound, FaultNotFound},
		{access.ErrExpired, FaultExpired},
		{access.ErrUnreachable, FaultUnreachable},
		{access.ErrUnavailable, FaultUnreachable},
	} {
		if errors.Is(err, c.condition) {
			f.Kind = c.kind
			break
		}
	}
	return f
}
