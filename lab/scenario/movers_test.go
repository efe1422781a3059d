package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rolecall-dev/rolecall/lab/internal/organization"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const (
	prodIAM  = "arn:aws:iam::111122223333:"
	otherIAM = "arn:aws:iam::444455556666:"
)

// mover is a principal that an aws-auth may speak of, and somebody who acts as it.
type mover struct {
	name string
	// arn is how aws-auth knows it.
	arn string
	// set is a permission set, account and key those of an IAM user, role what the account's operator assumes in a session of that name.
	set, account, key, role, session string
}

// movers are principals of every kind. Nobody ever maps the stranger, nor deep, whose row keeps the path.
func movers() []mover {
	role := func(name, iam, path, account, session string) mover {
		plain := path[strings.LastIndex(path, "/")+1:]
		return mover{name: name, arn: iam + "role/" + plain, role: iam + "role/" + path, account: account, session: session}
	}
	person := func(name, arn string) mover {
		return mover{name: name, arn: arn, set: name, session: "dana@example.com"}
	}
	const night = "night@example.com"
	return []mover{
		person("Dev", prodIAM+"role/AWSReservedSSO_Dev_0123456789abcdef"), person("Ops", prodIAM+"role/AWSReservedSSO_Ops_0123456789abcdef"),
		person("Creator", prodIAM+"role/AWSReservedSSO_Creator_0123456789abcdef"),
		role("admin", prodIAM, "Admin", "prod", night), role("ci", prodIAM, "teams/build/CI", "prod", night), role("far", otherIAM, "far/Admin", "other", night),
		role("double", prodIAM, "double", "prod", night), role("reborn", prodIAM, "reborn", "prod", night), role("deep", prodIAM, "a/b/deep", "prod", night),
		role("break-glass", prodIAM, "break-glass", "prod", night), role("stranger", prodIAM, "stranger", "prod", night),
		role("pods", prodIAM, "pods", "prod", "fargate-ip-10-0-0-1"), role("nodes", prodIAM, "nodes", "prod", "i-0123456789abcdef0"),
		{name: "walter", arn: prodIAM + "user/staff/walter", account: "prod", key: "walter"},
		{name: "ann", arn: prodIAM + "user/ann", account: "prod", key: "ann"},
		{name: "eve", arn: otherIAM + "user/eve", account: "other", key: "eve"},
	}
}

// accountID is the principal's.
func (m mover) accountID() string { return strings.Split(m.arn, ":")[4] }

// fill is what a template comes to for the mover, session names and accounts alone.
func (m mover) fill(template string) string {
	return strings.NewReplacer("{{AccountID}}", m.accountID(), "{{SessionNameRaw}}", m.session, "{{SessionName}}", strings.ReplaceAll(m.session, "@", "-")).Replace(template)
}

// who is what a username and groups come to for the mover.
func (m mover) who(username string, groups []string) string {
	out := []string{}
	for _, g := range groups {
		out = append(out, m.fill(g))
	}
	slices.Sort(out)
	out = slices.DeleteFunc(slices.Compact(out), func(g string) bool { return g == "system:authenticated" })
	return fmt.Sprintf("%q %q", m.fill(username), out)
}

// credentials are the mover's own.
func (b *bench) credentials(ctx context.Context, m mover) (labtest.Credentials, error) {
	if m.set != "" {
		return b.SignIn(labtest.Session{User: m.session, Account: "prod", PermissionSet: m.set})
	}
	if m.key != "" {
		return b.Key(organization.IAMUser{Account: m.account, Name: m.key})
	}
	operator, err := b.Key(organization.IAMUser{Account: m.account, Name: "operator"})
	if err != nil {
		return labtest.Credentials{}, err
	}
	out, err := sts.NewFromConfig(b.Config(operator)).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &m.role, RoleSessionName: &m.session})
	if err != nil {
		return labtest.Credentials{}, fmt.Errorf("assuming %s: %w", m.role, err)
	}
	c := out.Credentials
	return labtest.Credentials{AccessKeyID: awssdk.ToString(c.AccessKeyId), SecretAccessKey: awssdk.ToString(c.SecretAccessKey), SessionToken: awssdk.ToString(c.SessionToken)}, nil
}

const (
	refused    = "refused"
	everything = "everything"
)

// readers are the kinds of object that rbac.yaml gives to one subject each, by subject.
func readers() map[string]string {
	return map[string]string{
		"group viewers": "pods", "group ops": "configmaps", "user fixed": "services", "user x:night-example.com": "endpoints", "group system:monitoring": "nodes",
		"group of-111122223333": "serviceaccounts",
	}
}

// probes are what is asked for, always in all namespaces: secrets only an administrator reads.
func probes() []string {
	return []string{"configmaps", "endpoints", "nodes", "pods", "secrets", "serviceaccounts", "services"}
}

// reads says what a username and groups let the mover list, by rbac.yaml.
func (m mover) reads(username string, groups []string, administrator bool) string {
	var out []string
	for _, g := range groups {
		g = m.fill(g)
		administrator = administrator || g == "system:masters" || g == "admins"
		out = append(out, readers()["group "+g])
	}
	if administrator {
		return everything
	}
	out = append(out, readers()["user "+m.fill(username)])
	slices.Sort(out)
	return fmt.Sprint(slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" }))
}

// serial makes every token another: an API server remembers those that it has let in for ten seconds.
var serial atomic.Int64

// answer is what a cluster's API server makes of a mover: whom it takes it for, and what it lets it list.
func (b *bench) answer(ctx context.Context, cluster *labtest.Cluster, m mover) (string, error) {
	credentials, err := b.credentials(ctx, m)
	if err != nil {
		return "", err
	}
	token, err := cluster.TokenOf(ctx, credentials, time.Duration(60+serial.Add(1)%800)*time.Second)
	if err != nil {
		return "", err
	}
	config := cluster.As(token)
	config.WarningHandler = rest.NoWarnings{}
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("making a client: %w", err)
	}
	review, err := k.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if apierrors.IsUnauthorized(err) {
		return refused, nil
	}
	if err != nil && !apierrors.IsForbidden(err) {
		return "", fmt.Errorf("asking who %s is: %w", m.name, err)
	}
	lists := []string{}
	for _, kind := range probes() {
		err := k.CoreV1().RESTClient().Get().Resource(kind).Do(ctx).Error()
		if err == nil {
			lists = append(lists, kind)
		} else if !apierrors.IsForbidden(err) {
			return "", fmt.Errorf("listing %s as %s: %w", kind, m.name, err)
		}
	}
	does := fmt.Sprint(lists)
	if len(lists) == len(probes()) {
		does = everything
	}
	user := review.Status.UserInfo
	// What the API server says is literal: no template is left to fill.
	return mover{arn: m.arn, session: m.session}.who(user.Username, user.Groups) + " " + does, nil
}

// answers asks as everybody at once.
func (b *bench) answers(t *testing.T, cluster *labtest.Cluster) map[string]string {
	t.Helper()
	var (
		mu   sync.Mutex
		wait sync.WaitGroup
		errs []error
		out  = map[string]string{}
	)
	for _, m := range movers() {
		wait.Go(func() {
			got, err := b.answer(t.Context(), cluster, m)
			mu.Lock()
			defer mu.Unlock()
			out[m.name], errs = got, append(errs, err)
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return out
}

// become waits until everybody's answer is the one wanted: the authenticator takes changes of aws-auth up a moment later.
func (b *bench) become(t *testing.T, when string, cluster *labtest.Cluster, want map[string][]string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var wrong []string
	for range 50 {
		wrong = nil
		for name, got := range b.answers(t, cluster) {
			if w := want[name]; w != nil && !slices.Contains(w, got) {
				wrong = append(wrong, fmt.Sprintf("%s is %s, want %s", name, got, strings.Join(w, " or ")))
			}
		}
		if wrong == nil {
			return
		}
		<-tick.C
	}
	slices.Sort(wrong)
	t.Errorf("%s:\n%s", when, strings.Join(wrong, "\n"))
}
