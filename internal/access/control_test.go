package access_test

import (
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestCallsAboutAccessEntriesDoNothingWhereEntriesDoNotCount(t *testing.T) {
	const entry, mode, del = "eks:CreateAccessEntry", "eks:UpdateClusterConfig", "eks:DeleteCluster"
	for _, tt := range []struct {
		name             string
		actions, perhaps []string
		mode             access.AuthenticationMode
		effective, doubt string
	}{
		{"entries count", []string{entry}, nil, access.ModeAPI, entry, ""},
		{"entries count beside rows", []string{entry}, []string{del}, access.ModeAPIAndConfigMap, entry, ""},
		{"entries do not count", []string{entry}, nil, access.ModeConfigMap, "", ""},
		{"but the mode can be changed", []string{entry, mode}, nil, access.ModeConfigMap, entry + " " + mode, ""},
		{"or perhaps it can", []string{entry}, []string{mode}, access.ModeConfigMap, "", entry + " " + mode},
		{"the cluster can be deleted in any mode", []string{entry, del}, nil, access.ModeConfigMap, del, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := access.ClusterControl{Actions: tt.actions, Perhaps: tt.perhaps}
			if got := strings.Join(c.Effective(tt.mode), " "); got != tt.effective {
				t.Errorf("effective: got %q, want %q", got, tt.effective)
			}
			if got := strings.Join(c.Doubtful(tt.mode), " "); got != tt.doubt {
				t.Errorf("doubtful: got %q, want %q", got, tt.doubt)
			}
		})
	}
}

func TestARoleThatWasNotReadIsNotKnownToControlNothing(t *testing.T) {
	const c = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/eu")
	if _, known := (access.Role{}).ControlOf(c); known {
		t.Error("a role that was not read is said to be known")
	}
	if got, known := (access.Role{Control: []access.ClusterControl{}}).ControlOf(c); !known || len(got.Actions) > 0 {
		t.Errorf("got %v, %v for a role that may do nothing", got, known)
	}
}
