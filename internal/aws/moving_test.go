package aws

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// marked is an entry as a migration makes it.
func marked(username string) access.AccessEntry {
	mark := access.MigrationMark{Owner: "platform", Row: "0123456789", Policy: "AmazonEKSViewPolicy"}
	return access.AccessEntry{
		Principal: adminRole, Username: username, Groups: []string{"ops"}, Type: access.EntryStandard, Tags: map[string]string{access.TagMigration: mark.String()},
		Associations: []access.PolicyAssociation{},
	}
}

func TestAMigrationMakesFinishesAndRemovesItsEntryAndNoOther(t *testing.T) {
	view := access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeCluster, Namespaces: []string{}}
	tests := []struct {
		name string
		try  func(t *testing.T, c *Client) error
		want string
	}{
		{"it is made, and made again", func(t *testing.T, c *Client) error {
			t.Helper()
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			return c.MakeEntry(t.Context(), tools(), marked("x:moved"))
		}, "done"},
		{"one with another name is there", func(t *testing.T, c *Client) error {
			t.Helper()
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			return c.MakeEntry(t.Context(), tools(), marked("x:other"))
		}, "overtaken"},
		{"it is given a policy, and again", func(t *testing.T, c *Client) error {
			t.Helper()
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			must(0, c.GivePolicy(t.Context(), tools(), marked("x:moved"), view))(t)
			return c.GivePolicy(t.Context(), tools(), marked("x:moved"), view)
		}, "done"},
		{"an entry that is gone gets no policy", func(t *testing.T, c *Client) error {
			t.Helper()
			return c.GivePolicy(t.Context(), tools(), marked("x:moved"), view)
		}, "overtaken"},
		{"it is removed as it was read, and again", func(t *testing.T, c *Client) error {
			t.Helper()
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			must(0, c.GivePolicy(t.Context(), tools(), marked("x:moved"), view))(t)
			e := must(c.AccessEntry(t.Context(), tools(), adminRole))(t)
			must(0, c.RemoveEntry(t.Context(), tools(), e))(t)
			return c.RemoveEntry(t.Context(), tools(), e)
		}, "done"},
		{"somebody gave it another policy meanwhile", func(t *testing.T, c *Client) error {
			t.Helper()
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			e := must(c.AccessEntry(t.Context(), tools(), adminRole))(t)
			somebodyElse(t, c).give(t, editPolicy)
			return c.RemoveEntry(t.Context(), tools(), e)
		}, "overtaken"},
		{"somebody made it anew meanwhile", func(t *testing.T, c *Client) error {
			t.Helper()
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			e := must(c.AccessEntry(t.Context(), tools(), adminRole))(t)
			somebodyElse(t, c).drop(t)
			must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
			return c.RemoveEntry(t.Context(), tools(), e)
		}, "overtaken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				c := as(t, simulate(t, awssim.Options{}), "root")
				somebodyElse(t, c).drop(t)
				if d := cmp.Diff(tt.want, told(tt.try(t, c))); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestPrincipalsAreAllRolesAndUsersOfAnAccountWhateverTheirPath(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		c := as(t, simulate(t, awssim.Options{}), "root")
		var got []string
		for _, p := range must(c.Principals(t.Context(), production))(t) {
			if p.ID == "" || p.Created.IsZero() {
				t.Errorf("%s has no id or time", p.ARN)
			}
			got = append(got, string(p.ARN.WithoutPath()))
		}
		for _, want := range []string{"arn:aws:iam::222222222222:role/rolecall", "arn:aws:iam::222222222222:role/other"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s is not among %q", want, got)
			}
		}
		if !slices.ContainsFunc(must(c.Principals(t.Context(), management))(t), func(p access.IAMPrincipal) bool { return p.ARN == "arn:aws:iam::111111111111:user/root" }) {
			t.Error("the users of the management account are missing")
		}
	})
}

func TestWhereUsersMayNotBeListedRolesAreAllTheSame(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		c := as(t, simulate(t, awssim.Options{}, iamUser(management, "narrow", "iam:ListUsers")), "narrow")
		found, err := c.Principals(t.Context(), management)
		if told(err) != "denied" || len(found) == 0 {
			t.Errorf("%d principals, %v; want roles and a refusal", len(found), err)
		}
	})
}

// What EKS shows is behind what was written: an entry whose making was not answered is not taken for somebody else's, nor for one that is not there.
func TestAMigrationWaitsForWhatEKSDoesNotShowYet(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, awssim.Options{Lag: awssim.Lag{Reads: 5 * time.Second}})
		c := as(t, s, "root")
		somebodyElse(t, c).drop(t)
		time.Sleep(time.Minute) // in the bubble's time
		s.SetFaults(awssim.Faults{Rules: []awssim.Fault{{Service: "eks", Operation: "CreateAccessEntry", Kind: awssim.DropReply, Nth: 1}}})
		if err := c.MakeEntry(t.Context(), tools(), marked("x:moved")); err != nil {
			t.Fatal(err)
		}
		somebodyElse(t, c).drop(t)
		time.Sleep(time.Minute)
		must(0, c.MakeEntry(t.Context(), tools(), marked("x:moved")))(t)
		view := access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeCluster, Namespaces: []string{}}
		if err := c.GivePolicy(t.Context(), tools(), marked("x:moved"), view); err != nil {
			t.Error(err)
		}
	})
}
