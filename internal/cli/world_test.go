package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/kube"
)

func cluster(account, region, name string) access.Cluster {
	arn := access.ClusterARN(fmt.Sprintf("arn:aws:eks:%s:%s:cluster/%s", region, account, name))
	return access.Cluster{ARN: arn, Account: access.AccountID(account), Region: region, Name: name}
}

func TestEveryClusterIsReachedByItsOwnWay(t *testing.T) {
	t.Parallel()
	pay, shop := cluster("111122223333", "eu-central-1", "main"), cluster("444455556666", "eu-central-1", "main")
	other := cluster("444455556666", "us-east-1", "other")
	proxy := kube.Override{ProxyURL: "http://bastion.internal:3128"}
	tests := []struct {
		name    string
		ref     string
		context string
		ask     access.Cluster
		want    *kube.Override
		refused string
	}{
		{name: "an account and a name choose one", ref: "prod-pay/main", ask: pay, want: &proxy},
		{name: "and leave the cluster of that name elsewhere alone", ref: "prod-pay/main", ask: shop},
		{name: "an ARN chooses one", ref: string(shop.ARN), ask: shop, want: &proxy},
		{name: "a name that two clusters have leads into neither", ref: "main", ask: shop, refused: `"main" may be any of`},
		{name: "and does not concern others", ref: "main", ask: other},
		{name: "a context for all is for one cluster", context: "bastion", ask: pay, refused: "--context leads into one cluster and the estate has 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &routes{ways: []way{{ref: tt.ref, to: proxy}}}
			if tt.context != "" {
				r.only = &kube.Override{Context: tt.context}
			}
			r.hear([]access.Account{{ID: "111122223333", Name: "prod-pay"}, {ID: "444455556666", Name: "prod-shop"}}, []access.Cluster{pay, shop, other})
			got, err := r.override(tt.ask)
			if msg := fmt.Sprint(err); (err != nil) != (tt.refused != "") || !strings.Contains(msg, tt.refused) && tt.refused != "" {
				t.Fatalf("error %v, want %q", err, tt.refused)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("way in (-want +got):\n%s", d)
			}
		})
	}
}

func TestAContextLeadsIntoTheOnlyCluster(t *testing.T) {
	t.Parallel()
	only := cluster("111122223333", "eu-central-1", "main")
	r := &routes{only: &kube.Override{Context: "bastion"}}
	r.hear(nil, []access.Cluster{only})
	got, err := r.override(only)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&kube.Override{Context: "bastion"}, got); d != "" {
		t.Errorf("way in (-want +got):\n%s", d)
	}
}

func TestErrorsOfTheWorldHaveTheirCodeTheCallerAndTheMissingRight(t *testing.T) {
	t.Parallel()
	denied := &access.CallError{
		Service: "sso", Operation: "ListAccountAssignments", Message: "no\x1b[2J", Condition: access.ErrDenied,
		Caller: "arn:aws:sts::222233334444:assumed-role/rolecall-read/ci", Needs: "sso:ListAccountAssignments",
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{
			name: "denied", err: fmt.Errorf("listing account assignments: %w", denied),
			want: "error RC5001: listing account assignments: sso:ListAccountAssignments: no\\x1b[2J\n" +
				"  as    arn:aws:sts::222233334444:assumed-role/rolecall-read/ci\n  needs sso:ListAccountAssignments\n" +
				"  hint: docs/permissions.md has the rights rolecall needs\n",
		},
		{name: "throttled", err: fmt.Errorf("reading: %w", access.ErrThrottled), want: "error RC5002: reading: throttled\n  hint: run it again; --stats shows who throttles\n"},
		{name: "anything else has no code", err: errors.New("disk full"), want: "error: disk full\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			a := &app{host: Host{Stderr: &out}}
			a.printError(tt.err)
			if d := cmp.Diff(tt.want, out.String()); d != "" {
				t.Errorf("stderr (-want +got):\n%s", d)
			}
		})
	}
}
