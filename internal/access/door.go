package access

import "time"

// Kubeconfig is what a person's kubeconfig files say.
type Kubeconfig struct {
	// Files are the files that were looked for, in the order in which they count.
	Files []string
	// Current is the current context, "" when none is set.
	Current string
	// Contexts are sorted by name.
	Contexts []KubeContext
}

// KubeContext is a context of a kubeconfig: a server, and how a person proves to it who they are. It holds no secret.
type KubeContext struct {
	Name string
	// Cluster and User name the entries it refers to. aws eks update-kubeconfig names the cluster entry by the cluster's ARN.
	Cluster, User string
	Namespace     string
	// Broken says why the context cannot be used: an entry or a file that is missing; "" when it can.
	Broken string

	Server string
	// ServerName replaces the server's host when its certificate is checked.
	ServerName string
	// CA is the PEM certificate authority the server is checked with; empty means the system's.
	CA       string
	ProxyURL string
	// Insecure says that the server's certificate is not checked at all.
	Insecure bool

	Means Means
	// Plugin is set where Means is MeansPlugin.
	Plugin *ExecPlugin
}

// Means is how a context proves who somebody is.
type Means string

// The means a kubeconfig knows.
const (
	MeansPlugin      Means = "plugin"
	MeansToken       Means = "token"
	MeansCertificate Means = "certificate"
	// MeansOther is a password or a provider of old.
	MeansOther Means = "other"
	MeansNone  Means = "none"
)

// ExecPlugin is the command that a kubeconfig user entry runs for a credential.
type ExecPlugin struct {
	Command string
	Args    []string
	// Env is set beside the inherited environment.
	Env map[string]string
	// Path is the program found for the command, "" when there is none.
	Path string
}

// AnswerKind is how an API server answered somebody who knocked.
type AnswerKind string

// The answers. The zero value means that nobody knocked.
const (
	// AnswerIn means that the server took the caller for somebody.
	AnswerIn           AnswerKind = "in"
	AnswerUnauthorized AnswerKind = "unauthorized"
	// AnswerUntrusted means that the server's certificate was not issued by the context's authority, or not for its name.
	AnswerUntrusted  AnswerKind = "untrusted"
	AnswerUnresolved AnswerKind = "unresolved"
	AnswerRefused    AnswerKind = "refused"
	AnswerTimeout    AnswerKind = "timeout"
	// AnswerProxy means that a proxy on the way refused.
	AnswerProxy AnswerKind = "proxy"
	// AnswerStray means that something that is not an API server answered.
	AnswerStray AnswerKind = "stray"
	// AnswerFailing means that the server answered that it cannot answer now.
	AnswerFailing AnswerKind = "failing"
	// AnswerBroken is any other failure to get an answer.
	AnswerBroken AnswerKind = "broken"
)

// Answer is what came of knocking at an API server with one's own credential.
type Answer struct {
	Kind AnswerKind
	// Status is the HTTP status, 0 when there was no reply.
	Status int
	// Message is the reply's, or the error's, own text.
	Message string
	// Date is the server's clock and Heard the own clock when the reply came; zero where there was no reply.
	Date, Heard time.Time
	// Self is who the server takes the caller for; nil where it did not say.
	Self *Self
}

// Proof is what STS makes of a token, asked as an authenticator would ask.
type Proof struct {
	Caller Caller
	// Date is the clock of STS and Heard the own clock when the reply came; zero where there was no reply.
	Date, Heard time.Time
}
