package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func assignmentIn(account access.AccountID) access.Assignment {
	return access.Assignment{
		Account: account, PermissionSet: setForTest,
		Principal: access.Principal{Kind: access.PrincipalGroup, ID: "91234567-0000-4000-8000-000000000001"},
	}
}

func status(direction, state, reason string) reply {
	return ok(fmt.Sprintf(`{"AccountAssignment%sStatus":{"Status":%q,"RequestId":"11111111-2222-4333-8444-555555555555","FailureReason":%q}}`,
		direction, state, reason))
}

func TestAssignmentsAreFollowedUntilSettled(t *testing.T) {
	tests := []struct {
		name   string
		answer map[string]func(int, request) reply
		write  func(context.Context, *Client) error
		want   string // part of the error; empty for success
		cond   error
	}{
		{
			name: "a creation that settles after a while is success",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment": always(status("Creation", "IN_PROGRESS", "")),
				"DescribeAccountAssignmentCreationStatus": afterwards(5, status("Creation", "IN_PROGRESS", ""),
					status("Creation", "SUCCEEDED", "")),
			},
			write: create,
		},
		{
			name:   "a creation that is settled at once is not asked about",
			answer: map[string]func(int, request) reply{"CreateAccountAssignment": always(status("Creation", "SUCCEEDED", ""))},
			write:  create,
		},
		{
			name: "a creation that fails carries the reason",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment":                 always(status("Creation", "IN_PROGRESS", "")),
				"DescribeAccountAssignmentCreationStatus": always(status("Creation", "FAILED", "Received a 403 status error: Access denied by IAM.")),
			},
			write: create,
			want:  "FAILED: Received a 403 status error: Access denied by IAM.",
		},
		{
			name: "a creation in the way of an earlier write is tried again",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment": afterwards(6, refused(http.StatusConflict, "ConflictException", "not settled"),
					status("Creation", "SUCCEEDED", "")),
			},
			write: create,
		},
		{
			name: "a conflict without an end is told as one",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment": always(refused(http.StatusBadRequest, "ConflictException", "not settled")),
			},
			write: create, want: "ConflictException: not settled", cond: access.ErrConflict,
		},
		{
			name: "a creation that never settles is given up with its last status",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment":                 always(status("Creation", "IN_PROGRESS", "")),
				"DescribeAccountAssignmentCreationStatus": always(status("Creation", "IN_PROGRESS", "")),
			},
			write: create, want: "not settled after 10m0s, the last status was IN_PROGRESS",
		},
		{
			name: "a creation that may not be followed says so",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment": always(status("Creation", "IN_PROGRESS", "")),
				"DescribeAccountAssignmentCreationStatus": always(refused(http.StatusForbidden, "AccessDeniedException",
					"User: arn:aws:iam::111111111111:user/u is not authorized to perform: sso:DescribeAccountAssignmentCreationStatus")),
			},
			write: create, want: "how it ended is not known", cond: access.ErrDenied,
		},
		{
			name: "a creation outlives questions that get no answer",
			answer: map[string]func(int, request) reply{
				"CreateAccountAssignment": always(status("Creation", "IN_PROGRESS", "")),
				"DescribeAccountAssignmentCreationStatus": afterwards(20, reply{err: errors.New("connection reset")},
					status("Creation", "SUCCEEDED", "")),
			},
			write: create,
		},
		{
			name: "a deletion of what is gone is success",
			answer: map[string]func(int, request) reply{
				"DeleteAccountAssignment": always(refused(http.StatusBadRequest, "ResourceNotFoundException", "no such assignment")),
			},
			write: remove,
		},
		{
			name: "a deletion is followed by its own question",
			answer: map[string]func(int, request) reply{
				"DeleteAccountAssignment":                 always(status("Deletion", "IN_PROGRESS", "")),
				"DescribeAccountAssignmentDeletionStatus": afterwards(2, status("Deletion", "IN_PROGRESS", ""), status("Deletion", "SUCCEEDED", "")),
			},
			write: remove,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				tt.answer["GetCallerIdentity"] = always(callerIdentity("arn:aws:iam::111111111111:user/u"))
				err := tt.write(t.Context(), dial(t, &wire{answer: tt.answer}, Options{}))
				switch {
				case tt.want == "" && err != nil:
					t.Errorf("got %v, want success", err)
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
					t.Errorf("got %v, want an error with %q", err, tt.want)
				}
				if tt.cond != nil && !errors.Is(err, tt.cond) {
					t.Errorf("got %v, want it to be %v", err, tt.cond)
				}
			})
		})
	}
}

func create(ctx context.Context, c *Client) error {
	return c.CreateAssignment(ctx, instanceForTest, assignmentIn("222222222222"))
}

func remove(ctx context.Context, c *Client) error {
	return c.DeleteAssignment(ctx, instanceForTest, assignmentIn("222222222222"))
}

func TestQuestionsGrowRarer(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: map[string]func(int, request) reply{
			"CreateAccountAssignment": always(status("Creation", "IN_PROGRESS", "")),
			"DescribeAccountAssignmentCreationStatus": afterwards(8, status("Creation", "IN_PROGRESS", ""),
				status("Creation", "SUCCEEDED", "")),
		}}
		if err := create(t.Context(), dial(t, w, Options{})); err != nil {
			t.Fatal(err)
		}
		asked := w.times("DescribeAccountAssignmentCreationStatus")
		var got []time.Duration
		for i := range asked[1:] {
			got = append(got, asked[i+1].Sub(asked[i]).Round(time.Millisecond))
		}
		want := []time.Duration{
			750 * time.Millisecond, 1125 * time.Millisecond, 1688 * time.Millisecond, 2531 * time.Millisecond,
			3797 * time.Millisecond, 5 * time.Second, 5 * time.Second, 5 * time.Second,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pauses (-want +got):\n%s", d)
		}
	})
}

// outstanding counts requests that were started and not yet settled.
type outstanding struct {
	mu        sync.Mutex
	all, most int
	account   map[string]int
	asked     map[string]int
	problems  []string
}

func (o *outstanding) start(_ int, r request) reply {
	var in struct{ TargetId string } //nolint:revive // the member's name on the wire
	if err := json.Unmarshal([]byte(r.body), &in); err != nil {
		return refused(http.StatusBadRequest, "SerializationException", err.Error())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all++
	o.most = max(o.most, o.all)
	o.account[in.TargetId]++
	if o.account[in.TargetId] > 1 {
		o.problems = append(o.problems, "two requests at a time in account "+in.TargetId)
	}
	return ok(fmt.Sprintf(`{"AccountAssignmentCreationStatus":{"Status":"IN_PROGRESS","RequestId":%q}}`, in.TargetId))
}

func (o *outstanding) ask(_ int, r request) reply {
	var in struct{ AccountAssignmentCreationRequestId string } //nolint:revive // the member's name on the wire
	if err := json.Unmarshal([]byte(r.body), &in); err != nil {
		return refused(http.StatusBadRequest, "SerializationException", err.Error())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[in.AccountAssignmentCreationRequestId]++
	if o.asked[in.AccountAssignmentCreationRequestId]%6 != 0 {
		return status("Creation", "IN_PROGRESS", "")
	}
	o.all--
	o.account[in.AccountAssignmentCreationRequestId]--
	return status("Creation", "SUCCEEDED", "")
}

func TestNeverMoreThanFifteenOutstandingAndOnePerAccount(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		o := &outstanding{account: map[string]int{}, asked: map[string]int{}}
		w := &wire{answer: map[string]func(int, request) reply{
			"CreateAccountAssignment": o.start, "DescribeAccountAssignmentCreationStatus": o.ask,
		}}
		c := dial(t, w, Options{})
		var all sync.WaitGroup
		for n := range 80 {
			account := access.AccountID(fmt.Sprintf("2222222222%02d", n%40))
			all.Go(func() {
				if err := c.CreateAssignment(t.Context(), instanceForTest, assignmentIn(account)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if d := cmp.Diff([]string(nil), o.problems); d != "" {
			t.Errorf("per account (-want +got):\n%s", d)
		}
		if o.most != mostOutstanding {
			t.Errorf("at most %d requests were outstanding, want exactly %d of 40 accounts' requests", o.most, mostOutstanding)
		}
	})
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	turns := newTurns()
	release, err := turns.take(t.Context(), "222222222222")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextWithCancel(t)
	cancel()
	if _, err := turns.take(ctx, "222222222222"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	release()
	again, err := turns.take(t.Context(), "222222222222")
	if err != nil {
		t.Fatalf("a turn that was given back can be taken: %v", err)
	}
	again()
}

func TestADelegatedAdministratorLearnsItsLimits(t *testing.T) {
	denied := refused(http.StatusForbidden, "AccessDeniedException", "You do not have sufficient access to perform this action.")
	tests := []struct {
		name    string
		account access.AccountID
		in      string
		want    string
	}{
		{"an assignment in the management account", "111111111111", `[]`, "cannot change assignments in the management account 111111111111"},
		{"a set that is provisioned in the management account", "222222222222", `["111111111111"]`, "out of the delegated administrator's reach"},
		{"a plain refusal", "222222222222", `["222222222222"]`, "sufficient access to perform this action. (request req-1)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: map[string]func(int, request) reply{
					"GetCallerIdentity":                       always(callerIdentity("arn:aws:iam::333333333333:user/u")),
					"CreateAccountAssignment":                 always(denied),
					"ListAccountsForProvisionedPermissionSet": always(ok(`{"AccountIds":` + tt.in + `}`)),
				}}
				err := dial(t, w, Options{}).CreateAssignment(t.Context(), instanceForTest, assignmentIn(tt.account))
				if !errors.Is(err, access.ErrDenied) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want a denial with %q", err, tt.want)
				}
			})
		})
	}
}

func TestADelegatedAdministratorLearnsThatASetIsOutOfReachForItsTagToo(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: map[string]func(int, request) reply{
			"GetCallerIdentity": always(callerIdentity("arn:aws:iam::333333333333:user/u")),
			"TagResource":       always(refused(http.StatusForbidden, "AccessDeniedException", "You do not have sufficient access to perform this action.")),
			"ListAccountsForProvisionedPermissionSet": always(ok(`{"AccountIds":["111111111111"]}`)),
		}}
		err := dial(t, w, Options{}).TagOwner(t.Context(), instanceForTest, assignmentIn("").PermissionSet, "platform")
		const want = "out of the delegated administrator's reach"
		if !errors.Is(err, access.ErrDenied) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a denial with %q", err, want)
		}
	})
}
