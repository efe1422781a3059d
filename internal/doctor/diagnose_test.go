package doctor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/doctor"
)

const (
	account = "111122223333"
	dana    = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc/dana@example.com"
	danaIAM = "arn:aws:iam::111122223333:role/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc"
	label   = "arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu"
	server  = "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com"
)

var now = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// refused is somebody whom the cluster refuses although all on their side is right.
func refused() doctor.Facts {
	plugin := &access.ExecPlugin{
		Command: "aws", Path: "/usr/bin/aws", Env: map[string]string{"AWS_PROFILE": "dev"},
		Args: []string{"--region", "eu-central-1", "eks", "get-token", "--cluster-name", "payments-eu", "--output", "json"},
	}
	c := access.KubeContext{
		Name: "payments-eu", Cluster: label, User: label, Server: server, CA: "CA of payments-eu", Means: access.MeansPlugin, Plugin: plugin,
	}
	caller := access.Caller{Account: account, ARN: dana}
	zero := time.Duration(0)
	return doctor.Facts{
		Taken:      now,
		Kubeconfig: access.Kubeconfig{Files: []string{"/home/dana/.kube/config"}, Current: c.Name, Contexts: []access.KubeContext{c}},
		Context:    &c, Plugin: doctor.ReadPlugin(plugin), Authenticated: true,
		Token: &doctor.Token{Bytes: 1612, Signed: now, Host: "sts.eu-central-1.amazonaws.com"},
		Proof: &access.Proof{Caller: caller}, STS: &zero, API: &zero,
		Own: &caller, OwnEnds: now.Add(8 * time.Hour), Renewal: "aws sso login --profile dev",
		Described: &access.Cluster{
			ARN: label, Account: account, Region: "eu-central-1", Name: "payments-eu", Mode: access.ModeConfigMap, Endpoint: server, CA: "CA of payments-eu",
		},
		DescribedIn: "eu-central-1",
		Answer:      access.Answer{Kind: access.AnswerUnauthorized, Status: 401, Message: "Unauthorized"},
	}
}

// inside lets the person in.
func inside(f *doctor.Facts) {
	f.Answer = access.Answer{Kind: access.AnswerIn, Status: 201, Self: &access.Self{
		Username: "sso:EKSDeveloper:dana@example.com", Groups: []string{"rolecall:platform:payments:developers", "system:authenticated"}, ARN: danaIAM,
	}}
}

// asks asks for the pods of payments.
func asks(f *doctor.Facts, allowed bool) {
	inside(f)
	f.Request = &access.Request{Verb: "get", Resource: "pods", Namespace: "payments"}
	f.Review = &doctor.Review{Allowed: allowed}
}

// noContext is a person without a context to use.
func noContext(f *doctor.Facts) { *f = doctor.Facts{Taken: now, Kubeconfig: f.Kubeconfig} }

// noLogin is a plugin that fails since there is no login.
func noLogin(f *doctor.Facts) {
	f.Authenticated, f.Token, f.Proof, f.STS, f.Own, f.Described = false, nil, nil, nil, nil, nil
	f.PluginFault = other("exit status 255: Error loading SSO Token: Token for dev does not exist")
	f.OwnFault = expired("the SSO session has expired or is invalid")
}

// unproven takes away what STS said of the token, and puts its refusal there.
func unproven(f *doctor.Facts, why *doctor.Fault) { f.Proof, f.ProofFault = nil, why }

// byHand is a context without a plugin.
func byHand(f *doctor.Facts, m access.Means) {
	f.Context.Means, f.Context.Plugin, f.Plugin = m, nil, doctor.Plugin{}
	f.Token, f.Proof, f.STS, f.Own, f.Described = nil, nil, nil, nil, nil
}

// undescribed has EKS not describe the cluster.
func undescribed(f *doctor.Facts, kind doctor.FaultKind) {
	f.Described, f.DescribedFault = nil, &doctor.Fault{Kind: kind, Message: "as EKS has it", Needs: "eks:DescribeCluster"}
}

// unlabelled is a context that was written by hand, and not by the CLI, which names entries by the cluster.
func unlabelled(f *doctor.Facts) { f.Context.Cluster, f.Context.User = "payments", "payments" }

// takesRole is a context with --role-arn.
func takesRole(f *doctor.Facts) {
	f.Plugin.RoleARN = "arn:aws:iam::111122223333:role/eks-admin"
	f.Proof = &access.Proof{Caller: access.Caller{Account: account, ARN: "arn:aws:sts::111122223333:assumed-role/eks-admin/EKSGetTokenAuth"}}
}

// off sets both clocks ahead of the own.
func off(f *doctor.Facts, by time.Duration) { f.STS, f.API = &by, &by }

func other(message string) *doctor.Fault {
	return &doctor.Fault{Kind: doctor.FaultOther, Message: message}
}

func expired(message string) *doctor.Fault {
	return &doctor.Fault{Kind: doctor.FaultExpired, Message: message}
}

func row(username string) *access.ConfigMap {
	return &access.ConfigMap{Data: map[string]string{"mapRoles": "- rolearn: " + danaIAM + "\n  username: " + username + "\n  groups: [dev]\n"}}
}

type (
	hops   = []doctor.Hop
	causes = []doctor.Cause
)

// situation is one way in which access fails, and what the diagnosis must be.
type situation struct {
	name    string
	make    func(f *doctor.Facts)
	verdict doctor.Verdict
	hops    hops
	causes  causes
	// says are words of the findings.
	says []string
}

func situations() []situation {
	return slices.Concat(ofFiles(), ofPlugins(), ofTokens(), ofTheWay(), ofTheCluster(), ofRights())
}

func TestSituations(t *testing.T) {
	t.Parallel()
	for _, s := range situations() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := refused()
			s.make(&f)
			r := doctor.Diagnose(f)
			if r.Verdict != s.verdict {
				t.Errorf("verdict %q, want %q", r.Verdict, s.verdict)
			}
			if d := cmp.Diff(append(hops{}, s.hops...), r.Hops); d != "" {
				t.Errorf("hops (-want +got):\n%s", d)
			}
			found, text := told(r)
			if d := cmp.Diff(s.causes, found); d != "" {
				t.Errorf("causes (-want +got):\n%s", d)
			}
			for _, w := range s.says {
				if !strings.Contains(text, w) {
					t.Errorf("the findings do not say %q:\n%s", w, text)
				}
			}
			own := s.verdict == doctor.Found && slices.Contains(hops{doctor.HopKubeconfig, doctor.HopPlugin, doctor.HopLogin, doctor.HopClock}, s.hops[0])
			if got, want := r.Letter == "", own || s.verdict == doctor.Works; got != want {
				t.Errorf("the letter is missing: %v, want %v", got, want)
			}
		})
	}
}

// told is what the findings of a report name and say.
func told(r doctor.Report) (found causes, text string) {
	for _, f := range r.Findings {
		if f.Cause != "" {
			found = append(found, f.Cause)
		}
		text += strings.Join([]string{string(f.Status), string(f.Code), f.Summary, f.Detail, f.Hint}, "\n") + "\n"
	}
	return found, text
}

// TestTheTableIsBroad keeps every cause in the table.
func TestTheTableIsBroad(t *testing.T) {
	t.Parallel()
	seen := map[doctor.Cause]bool{}
	all := situations()
	for _, s := range all {
		for _, c := range s.causes {
			seen[c] = true
		}
	}
	for _, c := range doctor.Causes() {
		if !seen[c] {
			t.Errorf("no situation has cause %q", c)
		}
	}
	if len(all) < 50 {
		t.Errorf("there are %d situations", len(all))
	}
}
