package modes_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const (
	region   = "eu-west-1"
	reserved = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_"
	policies = "arn:aws:eks::aws:cluster-access-policy/"
	refused  = "refused"
)

// world is a laboratory in which Dana and the operator of its account act.
type world struct {
	*labtest.Lab

	eks *eks.Client
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{Lab: labtest.Start(t, labtest.Options{Organization: "testdata/organization.yaml", UpdateDelay: 300 * time.Millisecond})}
	w.eks = eks.NewFromConfig(w.operator(t))
	return w
}

func (w *world) operator(t *testing.T) awssdk.Config {
	t.Helper()
	config := w.Config(w.Caller(t))
	config.Region = region
	return config
}

// roleOf is the ARN of a permission set's role.
func roleOf(set string) *string { return awssdk.String(reserved + set + "_0000000000000001") }

func (w *world) dana(t *testing.T, set string) labtest.Credentials {
	t.Helper()
	return w.MustSignIn(t, labtest.Session{User: "dana@example.com", Account: "prod", PermissionSet: set})
}

// client reaches a cluster with a fresh token.
func (w *world) client(t *testing.T, cluster string, c labtest.Credentials) kubernetes.Interface {
	t.Helper()
	k, err := kubernetes.NewForConfig(w.As(t, w.Member(t, "prod/"+cluster), c))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// who tells as whom a cluster's API server takes the holder of credentials: username and groups.
func (w *world) who(t *testing.T, cluster string, c labtest.Credentials) string {
	t.Helper()
	review, err := w.client(t, cluster, c).AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if apierrors.IsUnauthorized(err) {
		return refused
	}
	if err != nil {
		t.Fatal(err)
	}
	groups := slices.DeleteFunc(review.Status.UserInfo.Groups, func(g string) bool { return g == "system:authenticated" })
	return strings.TrimSpace(review.Status.UserInfo.Username + " " + strings.Join(groups, ","))
}

// answer is what a request gets: "ok", or the reason of the refusal.
func answer(err error) string {
	if err == nil {
		return "ok"
	}
	if reason := apierrors.ReasonForError(err); reason != metav1.StatusReasonUnknown {
		return string(reason)
	}
	return err.Error()
}

// eventually asks until the answer is the wanted one, or the time is up. A token that was accepted stays so for ten seconds, and one
// signed within the same second is the same.
func eventually(t *testing.T, want string, ask func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		got := ask()
		if got == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the last answer is %q, want %q", got, want)
		case <-ticker.C:
		}
	}
}

func TestTheThreeAuthenticationModes(t *testing.T) {
	w := start(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"who is admitted as whom", w.testAdmission},
		{"which EKS access policies there are", w.testNames},
		{"what EKS access policies allow", w.testPolicies},
		{"what they allow in RBAC", w.testEscalation},
		{"entries come and go", w.testChanges},
		{"a role that is made again", w.testReborn},
		{"the mode moves on", w.testMode},
	} {
		t.Run(part.name, part.run)
	}
	select {
	case p := <-w.Failed():
		t.Errorf("a process ended: %v", p.Failure())
	default:
	}
}

func (w *world) testAdmission(t *testing.T) {
	const entry, row, masters = "sso:dana@example.com by-entry", "row:dana-example.com by-row", "kubernetes-admin system:masters"
	const both = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Both_0000000000000001/dana-example.com by-entry"
	tests := []struct{ name, set, rows, both, entries string }{
		{"by an entry", "Entry", refused, entry, entry},
		{"by a row", "Row", row, row, refused},
		{"by both, the entry wins", "Both", row, both, both},
		{"by the entry of a role that is gone", "Dead", refused, refused, refused},
		{"by such an entry and a row", "DeadRow", row, row, refused},
		{"by an entry with a reserved username, which keeps the row from counting", "Reserved", row, refused, refused},
		{"by having created the cluster", "Creator", masters, refused, refused},
		{"by nothing", "Stranger", refused, refused, refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := w.dana(t, tt.set)
			got := []string{w.who(t, "rows", c), w.who(t, "both", c), w.who(t, "entries", c)}
			if d := cmp.Diff([]string{tt.rows, tt.both, tt.entries}, got); d != "" {
				t.Errorf("CONFIG_MAP, API_AND_CONFIG_MAP, API (-want +got):\n%s", d)
			}
		})
	}
	t.Run("an IAM user by an entry", func(t *testing.T) {
		walter := w.IAMUser(t, "prod", "walter")
		got := []string{w.who(t, "rows", walter), w.who(t, "both", walter), w.who(t, "entries", walter)}
		if d := cmp.Diff([]string{refused, "walter", "walter"}, got); d != "" {
			t.Errorf("CONFIG_MAP, API_AND_CONFIG_MAP, API (-want +got):\n%s", d)
		}
	})
}

// message is the text of an AWS error.
func message(err error) string {
	var api interface{ ErrorMessage() string }
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}
