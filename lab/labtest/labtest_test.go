package labtest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const acme = "../../examples/acme/organization.yaml"

// verdict names what an API server thinks of a request.
func verdict(err error) string {
	switch {
	case err == nil:
		return "allowed"
	case apierrors.IsUnauthorized(err):
		return "unauthorized"
	case apierrors.IsForbidden(err):
		return "forbidden"
	}
	return err.Error()
}

func TestLaboratory(t *testing.T) {
	lab := labtest.Start(t, labtest.Options{Organization: acme})
	t.Run("an administrator gets into every cluster through a foreign row", func(t *testing.T) { administrator(t, lab) })
	t.Run("the form of the role's ARN decides between 401 and 200", func(t *testing.T) { forms(t, lab) })
	t.Run("a token is good for one cluster", func(t *testing.T) { otherCluster(t, lab) })
	t.Run("the member role has the rights of rolecall and no others", func(t *testing.T) { memberRole(t, lab) })
	t.Run("whoever does not hold a permission set gets no session", func(t *testing.T) { refusals(t, lab) })
}

func administrator(t *testing.T, lab *labtest.Lab) {
	var got []string
	for _, c := range lab.Clusters {
		creds := lab.MustSignIn(t, labtest.Session{User: "oncall@example.com", Account: c.Account, PermissionSet: "EKSAdmin"})
		got = append(got, c.Context+" "+verdict(lab.Do(t, c, creds, labtest.Request{Verb: "list", Resource: "secrets", Namespace: "kube-system"})))
	}
	want := []string{"prod-payments/payments-eu allowed", "prod-payments/payments-us allowed", "prod-shop/shop-eu allowed"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("listing secrets (-want +got):\n%s", d)
	}
}

// forms maps the auditors' role in one form after the other.
func forms(t *testing.T, lab *labtest.Lab) {
	c := lab.Member(t, "prod-shop/shop-eu")
	creds := lab.MustSignIn(t, labtest.Session{User: "ines@example.com", Account: c.Account, PermissionSet: "ReadOnly"})
	caller, err := sts.NewFromConfig(lab.Config(creds)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	role := strings.Split(*caller.Arn, "/")[1]
	before := lab.AWSAuth(t.Context(), t, c)["mapRoles"]
	for _, form := range []struct{ name, arn, want string }{
		{"no row", "", "unauthorized"},
		{"with the path", "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/eu-central-1/" + role, "unauthorized"},
		{"the permission set's", "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef", "unauthorized"},
		{"without the path", "arn:aws:iam::444455556666:role/" + role, "forbidden"},
	} {
		text := before
		if form.arn != "" {
			text += "- rolearn: " + form.arn + "\n  username: sso:ReadOnly:{{SessionNameRaw}}\n"
		}
		setMapRoles(t, lab, c, text)
		list := labtest.Request{Verb: "list", Resource: "pods", Namespace: "shop"}
		got := eventually(t, form.want, func() string { return verdict(lab.Do(t, c, creds, list)) })
		if got != form.want {
			t.Errorf("with ARN %s listing pods is %q, want %q", form.name, got, form.want)
		}
	}
	setMapRoles(t, lab, c, before)
}

// eventually asks until it gets the wanted answer or a pick-up of aws-auth
// must be over, and returns the last answer.
func eventually(t *testing.T, want string, ask func() string) string {
	t.Helper()
	got := ask()
	for range 200 {
		if got == want {
			break
		}
		got = ask()
	}
	return got
}

func setMapRoles(t *testing.T, lab *labtest.Lab, c *labtest.Cluster, text string) {
	t.Helper()
	cm, err := c.AWSAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cm.Data["mapRoles"] = text
	if _, err := lab.Admin(t, c).CoreV1().ConfigMaps("kube-system").Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func otherCluster(t *testing.T, lab *labtest.Lab) {
	eu, us := lab.Member(t, "prod-payments/payments-eu"), lab.Member(t, "prod-payments/payments-us")
	creds := lab.MustSignIn(t, labtest.Session{User: "oncall@example.com", Account: "prod-payments", PermissionSet: "EKSAdmin"})
	token, err := eu.Token(t.Context(), creds)
	if err != nil {
		t.Fatal(err)
	}
	list := labtest.Request{Verb: "list", Resource: "pods"}
	got := []string{verdict(list.Do(t.Context(), eu.As(token))), verdict(list.Do(t.Context(), us.As(token)))}
	if d := cmp.Diff([]string{"allowed", "unauthorized"}, got); d != "" {
		t.Errorf("one token at two clusters (-want +got):\n%s", d)
	}
}

func memberRole(t *testing.T, lab *labtest.Lab) {
	c := lab.Member(t, "prod-payments/payments-eu")
	creds := assume(t, lab, "arn:aws:iam::111122223333:role/rolecall")
	for _, r := range []struct {
		request labtest.Request
		want    string
	}{
		{labtest.Request{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "aws-auth"}, "allowed"},
		{labtest.Request{Verb: "list", Resource: "namespaces"}, "allowed"},
		{labtest.Request{Verb: "list", Resource: "clusterrolebindings.v1.rbac.authorization.k8s.io"}, "allowed"},
		{labtest.Request{Verb: "list", Resource: "configmaps", Namespace: "kube-system"}, "forbidden"},
		{labtest.Request{Verb: "list", Resource: "secrets", Namespace: "kube-system"}, "forbidden"},
		{labtest.Request{Verb: "list", Resource: "pods", Namespace: "payments"}, "forbidden"},
	} {
		if got := verdict(lab.Do(t, c, creds, r.request)); got != r.want {
			t.Errorf("%s is %q, want %q", r.request.Kubectl(), got, r.want)
		}
	}
}

func assume(t *testing.T, lab *labtest.Lab, role string) labtest.Credentials {
	t.Helper()
	session := "test"
	reply, err := sts.NewFromConfig(lab.Config(lab.Caller(t))).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session})
	if err != nil {
		t.Fatal(err)
	}
	return labtest.Credentials{
		AccessKeyID: *reply.Credentials.AccessKeyId, SecretAccessKey: *reply.Credentials.SecretAccessKey,
		SessionToken: *reply.Credentials.SessionToken,
	}
}

func refusals(t *testing.T, lab *labtest.Lab) {
	people := lab.Directory(t)
	session := labtest.Session{User: "ines@example.com", Account: "prod-payments", PermissionSet: "ReadOnly"}
	const prefix = `issuing a session of "ReadOnly" for "ines@example.com" in account "prod-payments": `
	const notHeld = prefix + "the user has no assignment of it there, directly or through a group"
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{"as a member", func() error { return nil }, ""},
		{"after leaving the group", func() error { return people.Leave(t.Context(), "ines@example.com", "auditors") }, notHeld},
		{"after joining again", func() error { return people.Join(t.Context(), "ines@example.com", "auditors") }, ""},
		{"when disabled", func() error { return people.SetStatus(t.Context(), "ines@example.com", types.UserStatusDisabled) }, prefix + "the user is disabled"},
		{"when enabled again", func() error { return people.SetStatus(t.Context(), "ines@example.com", types.UserStatusEnabled) }, ""},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		_, err := lab.SignIn(session)
		if got := text(err); got != s.want {
			t.Errorf("%s signing in gives %q, want %q", s.name, got, s.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
