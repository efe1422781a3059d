package migration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/migrate"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"

	"github.com/rolecall-dev/rolecall/bench/oracle"
)

// prove is rolecall's proof for the scene, with its choices.
func prove(t *testing.T, s scene) *migrate.Proof {
	t.Helper()
	choices, err := migrate.ParseChoices(append([]string{"others"}, s.accept...), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := access.Cluster{
		ARN: "arn:aws:eks:eu-west-1:" + home + ":cluster/bench", Account: home, Region: "eu-west-1", Name: "bench", Mode: access.ModeAPIAndConfigMap,
		AwsAuth: &access.ConfigMap{Data: s.data()},
	}
	known := migrate.Known{Principals: map[access.AccountID][]access.IAMPrincipal{home: {}, far: {}}}
	for i, p := range s.principals {
		a := access.ARN(p).Account()
		known.Principals[a] = append(known.Principals[a], access.IAMPrincipal{ARN: access.ARN(p), ID: fmt.Sprintf("AROA%d", i)})
	}
	return migrate.Prove(migrate.Input{
		Index: snapshot.NewIndex(&snapshot.Snapshot{Clusters: []access.Cluster{c}}), Cluster: &c, Owner: "platform", Known: known, Choices: choices,
	})
}

// left is aws-auth without the rows that the proof takes out.
func left(s scene, p *migrate.Proof) *oracle.Door {
	r := oracle.Read(s.data())
	gone := func(arn string) bool {
		return slices.ContainsFunc(p.Rows, func(row migrate.Case) bool {
			return strings.EqualFold(row.ARN, arn) && (row.Moves() || row.Verdict == migrate.Drops)
		})
	}
	r.Roles = slices.DeleteFunc(r.Roles, func(m config.RoleMapping) bool { return gone(m.RoleARN) })
	r.Accounts = slices.DeleteFunc(r.Accounts, gone)
	return r.Door()
}

// announced tells whether the proof lists differences for whoever comes as the principal.
func announced(p *migrate.Proof, principal string) bool {
	return slices.ContainsFunc(p.Rows, func(r migrate.Case) bool { return string(r.Principal) == principal && len(r.Differences) > 0 })
}

// TestWhatRolecallChangesIsAnnounced prints the table that docs/benchmarks.md records. TestEksctlMigratesEachScene makes its other column true.
func TestWhatRolecallChangesIsAnnounced(t *testing.T) {
	oracle.Quiet()
	var table strings.Builder
	table.WriteString("| row | today | after eksctl | after rolecall |\n| --- | --- | --- | --- |\n")
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			p := prove(t, s)
			if len(p.Refusals) > 0 {
				t.Fatalf("rolecall refuses: %v", p.Refusals)
			}
			d := open(t, p.Entries(), nil)
			d.byRow = left(s, p)
			got := d.answers(t, s.callers)
			if diff := cmp.Diff(s.rolecall, got); diff != "" {
				t.Errorf("after rolecall's migration (-recorded +the authenticator):\n%s", diff)
			}
			for i, c := range s.callers {
				if said := announced(p, c); (s.today[i] != got[i]) != said {
					t.Errorf("%s was %q and is %q; announced: %v", c, s.today[i], got[i], said)
				}
			}
			var verdicts []string
			for _, r := range p.Rows {
				verdicts = append(verdicts, string(r.Verdict))
			}
			stopped := ""
			if s.stops != "" {
				stopped = "; stops: " + s.stops
			}
			fmt.Fprintf(&table, "| %s | %s | %s%s | %s; %s |\n", s.name, strings.Join(s.today, ", "), strings.Join(s.eksctl, ", "), stopped, strings.Join(got, ", "), strings.Join(verdicts, ", "))
		})
	}
	t.Logf("\n%s", table.String())
}
