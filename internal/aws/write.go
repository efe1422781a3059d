package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	firstPoll = 500 * time.Millisecond
	lastPoll  = 5 * time.Second
)

// TagOwner implements access.IdentityWriter.
func (c *Client) TagOwner(ctx context.Context, i access.Instance, set access.ARN, owner string) error {
	_, err := c.identityCenter(i.Region).TagResource(ctx, &ssoadmin.TagResourceInput{
		InstanceArn: text(i.ARN), ResourceArn: text(set),
		Tags: []types.Tag{{Key: awssdk.String(access.TagOwner), Value: awssdk.String(owner)}},
	})
	if err != nil {
		// The limit is part of the cause, so it is told before the cause is wrapped.
		told := c.explainDelegation(ctx, i, access.Assignment{PermissionSet: set}, c.translate(err, scope{service: serviceSSO}))
		return fmt.Errorf("tagging permission set %q: %w", set, told)
	}
	return nil
}

// assignmentRequest is where an asynchronous request of Identity Center stands.
type assignmentRequest struct {
	id     string
	status types.StatusValues
	reason string
}

// assignmentWrite is one of the two asynchronous writes: how to start it and how to ask about it.
type assignmentWrite struct {
	operation string
	start     func(ctx context.Context) (assignmentRequest, error)
	poll      func(ctx context.Context, id string) (assignmentRequest, error)
}

// CreateAssignment implements access.IdentityWriter. Identity Center answers a request for what is
// assigned already with success. A conflict with a write that has not settled is waited out.
func (c *Client) CreateAssignment(ctx context.Context, i access.Instance, a access.Assignment) error {
	api := c.identityCenter(i.Region)
	w := assignmentWrite{
		operation: "CreateAccountAssignment",
		start: func(ctx context.Context) (assignmentRequest, error) {
			out, err := api.CreateAccountAssignment(ctx, &ssoadmin.CreateAccountAssignmentInput{
				InstanceArn: text(i.ARN), PermissionSetArn: text(a.PermissionSet),
				PrincipalId: text(a.Principal.ID), PrincipalType: types.PrincipalType(a.Principal.Kind),
				TargetId: text(a.Account), TargetType: types.TargetTypeAwsAccount,
			})
			if err != nil {
				return assignmentRequest{}, err //nolint:wrapcheck // settle translates and wraps it
			}
			return requestOf(out.AccountAssignmentCreationStatus), nil
		},
		poll: func(ctx context.Context, id string) (assignmentRequest, error) {
			out, err := api.DescribeAccountAssignmentCreationStatus(ctx, &ssoadmin.DescribeAccountAssignmentCreationStatusInput{
				InstanceArn: text(i.ARN), AccountAssignmentCreationRequestId: awssdk.String(id),
			})
			if err != nil {
				return assignmentRequest{}, err //nolint:wrapcheck // settle translates and wraps it
			}
			return requestOf(out.AccountAssignmentCreationStatus), nil
		},
	}
	if err := c.settle(ctx, i, a, w); err != nil {
		return fmt.Errorf("assigning %s: %w", describeAssignment(a), err)
	}
	return nil
}

// DeleteAssignment implements access.IdentityWriter.
func (c *Client) DeleteAssignment(ctx context.Context, i access.Instance, a access.Assignment) error {
	api := c.identityCenter(i.Region)
	w := assignmentWrite{
		operation: "DeleteAccountAssignment",
		start: func(ctx context.Context) (assignmentRequest, error) {
			out, err := api.DeleteAccountAssignment(ctx, &ssoadmin.DeleteAccountAssignmentInput{
				InstanceArn: text(i.ARN), PermissionSetArn: text(a.PermissionSet),
				PrincipalId: text(a.Principal.ID), PrincipalType: types.PrincipalType(a.Principal.Kind),
				TargetId: text(a.Account), TargetType: types.TargetTypeAwsAccount,
			})
			if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
				return assignmentRequest{status: types.StatusValuesSucceeded}, nil
			}
			if err != nil {
				return assignmentRequest{}, err //nolint:wrapcheck // settle translates and wraps it
			}
			return requestOf(out.AccountAssignmentDeletionStatus), nil
		},
		poll: func(ctx context.Context, id string) (assignmentRequest, error) {
			out, err := api.DescribeAccountAssignmentDeletionStatus(ctx, &ssoadmin.DescribeAccountAssignmentDeletionStatusInput{
				InstanceArn: text(i.ARN), AccountAssignmentDeletionRequestId: awssdk.String(id),
			})
			if err != nil {
				return assignmentRequest{}, err //nolint:wrapcheck // settle translates and wraps it
			}
			return requestOf(out.AccountAssignmentDeletionStatus), nil
		},
	}
	if err := c.settle(ctx, i, a, w); err != nil {
		return fmt.Errorf("removing the assignment of %s: %w", describeAssignment(a), err)
	}
	return nil
}

func requestOf(s *types.AccountAssignmentOperationStatus) assignmentRequest {
	if s == nil {
		return assignmentRequest{}
	}
	return assignmentRequest{id: awssdk.ToString(s.RequestId), status: s.Status, reason: awssdk.ToString(s.FailureReason)}
}

func describeAssignment(a access.Assignment) string {
	return fmt.Sprintf("%s %q to %q in account %s", a.Principal.Kind, a.Principal.ID, a.PermissionSet, a.Account)
}

// settle starts a request when its turn comes and waits until Identity Center has settled it.
func (c *Client) settle(ctx context.Context, i access.Instance, a access.Assignment, w assignmentWrite) error {
	release, err := c.turns.take(ctx, a.Account)
	if err != nil {
		return fmt.Errorf("waiting for earlier requests: %w", err)
	}
	defer release()
	bounded, cancel := context.WithTimeout(ctx, c.opt.AssignmentTimeout)
	defer cancel()
	request, err := w.start(bounded)
	if err != nil {
		return c.explainDelegation(ctx, i, a, c.translate(err, scope{service: serviceSSO}))
	}
	request, last := c.follow(bounded, request, w)
	switch {
	case request.status == types.StatusValuesSucceeded:
		return nil
	case request.status == types.StatusValuesFailed:
		return &access.CallError{
			Service: serviceSSO, Operation: w.operation, RequestID: request.id,
			Message: "Identity Center reports FAILED: " + request.reason + c.failureHint(ctx, i, a),
		}
	case ctx.Err() != nil:
		return fmt.Errorf("request %s may still settle: %w", request.id, ctx.Err())
	case last != nil:
		return fmt.Errorf("request %s was accepted, but how it ended is not known: %w", request.id, last)
	default:
		return &access.CallError{
			Service: serviceSSO, Operation: w.operation, RequestID: request.id,
			Message: fmt.Sprintf("not settled after %s, the last status was %s", c.opt.AssignmentTimeout, request.status),
		}
	}
}

// follow asks about a request until it has ended, time is up, or asking is refused. The error is why
// the latest question had no answer.
func (c *Client) follow(ctx context.Context, request assignmentRequest, w assignmentWrite) (assignmentRequest, error) {
	var last error
	for pause := firstPoll; !settled(request); pause = min(pause*3/2, lastPoll) {
		if !sleep(ctx, pause) {
			return request, last
		}
		next, err := w.poll(ctx, request.id)
		if err == nil {
			next.id = request.id
			request, last = next, nil
			continue
		}
		if ctx.Err() != nil {
			return request, last
		}
		last = c.translate(err, scope{service: serviceSSO})
		if isDenied(last) || errors.Is(last, access.ErrExpired) {
			return request, last
		}
	}
	return request, nil
}

func settled(r assignmentRequest) bool {
	return r.status == types.StatusValuesSucceeded || r.status == types.StatusValuesFailed
}

// sleep waits, and tells whether it was left to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// explainDelegation adds to a refusal what a delegated administrator can never do: assign in the
// management account, or touch permission sets that are provisioned there (IAM Identity Center User Guide).
func (c *Client) explainDelegation(ctx context.Context, i access.Instance, target access.Assignment, err error) error {
	var call *access.CallError
	if !errors.As(err, &call) || !isDenied(err) || !c.delegated(ctx, i) {
		return err
	}
	if target.Account == i.Owner {
		call.Message += fmt.Sprintf("; a delegated administrator cannot change assignments in the management account %s: "+
			"run as the management account for them", i.Owner)
		call.Needs = ""
		return err
	}
	accounts, listErr := c.ProvisionedAccounts(ctx, i, target.PermissionSet)
	if listErr == nil && slices.Contains(accounts, i.Owner) {
		call.Message += fmt.Sprintf("; the permission set is provisioned in the management account %s, which puts it out of "+
			"the delegated administrator's reach in every account: use a separate set there, or run as the management account", i.Owner)
		call.Needs = ""
	}
	return err
}

// delegated tells whether the caller is not in the account that owns the instance.
func (c *Client) delegated(ctx context.Context, i access.Instance) bool {
	self, err := c.Caller(ctx)
	return err == nil && i.Owner != "" && self.Account != i.Owner
}

// failureHint explains failures in the management account, where Identity Center acts with the
// caller's own IAM rights (IAM Identity Center User Guide).
func (c *Client) failureHint(ctx context.Context, i access.Instance, a access.Assignment) string {
	if a.Account != i.Owner || c.delegated(ctx, i) {
		return ""
	}
	return "; in the management account Identity Center acts with the caller's own IAM permissions on role/aws-reserved/sso.amazonaws.com/*"
}
