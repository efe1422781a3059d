package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	// principalPatience is how long EKS may take to know a role that IAM has: IAM is eventually consistent (IAM User Guide).
	principalPatience = 2 * time.Minute
	// entryPatience is how long EKS may take to show an entry that exists.
	entryPatience = 30 * time.Second
	// invalidPrincipal is how EKS words a principal that it cannot resolve; it has no code of its own for that.
	invalidPrincipal = "invalid principal"
)

// overtaken says that an entry is not as the plan says.
func overtaken(principal access.ARN, why string) error {
	return fmt.Errorf("the access entry of %s %s: %w", principal, why, access.ErrConflict)
}

// CreateEntry implements access.EntryWriter.
func (c *Client) CreateEntry(ctx context.Context, cl access.Cluster, w access.EntryWrite) error {
	doing := fmt.Sprintf("creating the access entry of %q in %q", w.After.RoleARN, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	bounded, cancel := context.WithTimeout(ctx, principalPatience)
	defer cancel()
	err = api.create(ctx, w)
	for pause := firstPoll; isInvalidPrincipal(err); pause = min(2*pause, lastPoll) {
		if gone := c.roleIsGone(ctx, w.After.RoleARN); gone != nil {
			return fmt.Errorf("%s: %w", doing, gone)
		}
		if !sleep(bounded, pause) {
			break
		}
		err = api.create(ctx, w)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (a entryAPI) create(ctx context.Context, w access.EntryWrite) error {
	_, err := a.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: a.cluster, PrincipalArn: text(w.After.RoleARN), Username: awssdk.String(w.After.Username), KubernetesGroups: w.After.Groups,
		Type: awssdk.String(string(access.EntryStandard)), Tags: map[string]string{access.TagOwner: w.Owner},
	})
	if _, exists := errors.AsType[*types.ResourceInUseException](err); !exists {
		return a.translate(ctx, err)
	}
	now, found, err := a.appearing(ctx, w.After.RoleARN)
	switch {
	case err != nil:
		return err
	case !found:
		return overtaken(w.After.RoleARN, "is being written by somebody else")
	case !now.Ours(w.Owner) || !now.Row().Equal(*w.After):
		return overtaken(w.After.RoleARN, "exists already")
	}
	switch dead, err := a.c.dead(ctx, now); {
	case err != nil:
		return err
	case dead:
		return overtaken(w.After.RoleARN, "stands for an earlier role of that name")
	}
	return nil
}

// dead tells whether an entry is of an earlier role. One whose role is gone is not.
func (c *Client) dead(ctx context.Context, e access.AccessEntry) (bool, error) {
	roles, err := c.Roles(ctx, e.Principal.Account())
	return slices.ContainsFunc(roles, e.Dead), err
}

// appearing reads an entry that exists until EKS shows it: what EKS lists is behind what was written.
func (a entryAPI) appearing(ctx context.Context, principal access.ARN) (access.AccessEntry, bool, error) {
	bounded, cancel := context.WithTimeout(ctx, entryPatience)
	defer cancel()
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		now, found, err := a.current(ctx, principal)
		if err != nil || found || !sleep(bounded, pause) {
			return now, found, err
		}
	}
}

func isInvalidPrincipal(err error) bool {
	call, ok := errors.AsType[*access.CallError](err)
	return ok && strings.Contains(call.Message, invalidPrincipal)
}

// roleIsGone looks a role of Identity Center up where EKS does not know it; it is nil while the role is there.
func (c *Client) roleIsGone(ctx context.Context, arn access.ARN) error {
	roles, err := c.Roles(ctx, arn.Account())
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r.ARN == arn {
			return nil
		}
	}
	return fmt.Errorf("the role %s does not exist any more: %w", arn, access.ErrConflict)
}

// UpdateEntry implements access.EntryWriter.
func (c *Client) UpdateEntry(ctx context.Context, cl access.Cluster, w access.EntryWrite) error {
	doing := fmt.Sprintf("changing the access entry of %q in %q", w.Principal(), cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := api.update(ctx, w); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (a entryAPI) update(ctx context.Context, w access.EntryWrite) error {
	now, found, err := a.current(ctx, w.Principal())
	row := now.Row()
	switch {
	case err != nil:
		return err
	case !found:
		return overtaken(w.Principal(), "is not there")
	case !now.Ours(w.Owner) && (!w.Adopt || !adoptable(now)):
		return overtaken(w.Principal(), "does not carry our tag")
	case !row.Equal(*w.Before) && !row.Equal(*w.After):
		return overtaken(w.Principal(), "is not as it was")
	}
	if !now.Ours(w.Owner) {
		if err := a.tag(ctx, now, map[string]string{access.TagOwner: w.Owner}); err != nil {
			return err
		}
	}
	if row.Equal(*w.After) {
		return nil
	}
	_, err = a.UpdateAccessEntry(ctx, &eks.UpdateAccessEntryInput{
		ClusterName: a.cluster, PrincipalArn: text(w.Principal()), Username: awssdk.String(w.After.Username),
		// An empty list clears the groups; none would leave them.
		KubernetesGroups: append([]string{}, w.After.Groups...),
	})
	return a.translate(ctx, err)
}

// adoptable tells whether an entry is of the kind that can be ours and is no other installation's.
func adoptable(e access.AccessEntry) bool {
	return e.Type == access.EntryStandard && e.Principal.ReservedRole() && e.Tags[access.TagOwner] == ""
}

// tag sets tags of an entry that do not stand there already.
func (a entryAPI) tag(ctx context.Context, e access.AccessEntry, tags map[string]string) error {
	missing := maps.Clone(tags)
	maps.DeleteFunc(missing, func(k, v string) bool {
		was, ok := e.Tags[k]
		return ok && was == v
	})
	if len(missing) == 0 {
		return nil
	}
	_, err := a.TagResource(ctx, &eks.TagResourceInput{ResourceArn: text(e.ARN), Tags: missing})
	return a.translate(ctx, err)
}

// DeleteEntry implements access.EntryWriter.
func (c *Client) DeleteEntry(ctx context.Context, cl access.Cluster, w access.EntryWrite) error {
	doing := fmt.Sprintf("deleting the access entry of %q in %q", w.Principal(), cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if w.Dead {
		err = c.stillDead(ctx, api, w.Principal())
	}
	if err == nil {
		err = api.remove(ctx, w)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// stillDead makes sure that an entry is of an earlier role: somebody may have made it anew since that was found out.
func (c *Client) stillDead(ctx context.Context, api entryAPI, principal access.ARN) error {
	e, found, err := api.current(ctx, principal)
	if err != nil || !found {
		return err
	}
	dead, err := c.dead(ctx, e)
	if err == nil && !dead {
		return overtaken(principal, "has been made anew, or its role is gone")
	}
	return err
}

func (a entryAPI) remove(ctx context.Context, w access.EntryWrite) error {
	now, found, err := a.current(ctx, w.Principal())
	if err != nil || !found {
		return err
	}
	_, others := now.Divided()
	switch {
	case !now.Ours(w.Owner) && (!w.Adopt || !adoptable(now)):
		return overtaken(w.Principal(), "does not carry our tag")
	case !now.Row().Equal(*w.Before):
		return overtaken(w.Principal(), "is not as it was")
	case len(others) > 0:
		return overtaken(w.Principal(), "has "+others[0].String()+", which somebody else gave it")
	}
	if !now.Ours(w.Owner) {
		// What is taken over is marked first: rolecall may delete marked entries only.
		if err := a.tag(ctx, now, map[string]string{access.TagOwner: w.Owner}); err != nil {
			return err
		}
	}
	_, err = a.DeleteAccessEntry(ctx, &eks.DeleteAccessEntryInput{ClusterName: a.cluster, PrincipalArn: text(w.Principal())})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil
	}
	return a.translate(ctx, err)
}

// AssociatePolicy implements access.EntryWriter.
func (c *Client) AssociatePolicy(ctx context.Context, cl access.Cluster, w access.PolicyWrite) error {
	doing := fmt.Sprintf("associating %s with the access entry of %q in %q", w.After, w.Principal, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := api.associate(ctx, w); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// associate records first and gives then: what is recorded and missing does no harm, what is given and not recorded would look like somebody
// else's. An association that is there already in the wanted scope is made all the same, for what was read may be behind.
func (a entryAPI) associate(ctx context.Context, w access.PolicyWrite) error {
	e, err := a.associated(ctx, w, w.After.Policy)
	if err != nil {
		return err
	}
	record := access.ReadPolicyRecord(e.Tags)
	if record.Put(*w.After); len(record) > access.MaxPolicies {
		record.Keep(append(e.Associations, *w.After))
	}
	if err := a.tag(ctx, e, map[string]string{access.TagAssociations: record.String()}); err != nil {
		return err
	}
	_, err = a.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
		ClusterName: a.cluster, PrincipalArn: text(w.Principal), PolicyArn: text(w.After.Policy),
		AccessScope: &types.AccessScope{Type: types.AccessScopeType(w.After.Scope), Namespaces: w.After.Namespaces},
	})
	return a.translate(ctx, err)
}

// associated reads our entry and makes sure that the policy's association, if there is one, is ours and as it was.
func (a entryAPI) associated(ctx context.Context, w access.PolicyWrite, policy access.ARN) (access.AccessEntry, error) {
	e, found, err := a.current(ctx, w.Principal)
	switch {
	case err != nil:
		return e, err
	case !found:
		return e, overtaken(w.Principal, "is not there")
	case !e.Ours(w.Owner):
		return e, overtaken(w.Principal, "does not carry our tag")
	}
	record := access.ReadPolicyRecord(e.Tags)
	for _, now := range e.Associations {
		// One that is as we want it and not recorded is ours from a run that read an older record.
		wanted := w.After != nil && now.Equal(*w.After)
		if now.Policy == policy && !wanted && (!record.Names(policy) || w.Before == nil || !now.Equal(*w.Before)) {
			return e, overtaken(w.Principal, "has "+now.String()+" by now")
		}
	}
	return e, nil
}

// DisassociatePolicy implements access.EntryWriter.
func (c *Client) DisassociatePolicy(ctx context.Context, cl access.Cluster, w access.PolicyWrite) error {
	doing := fmt.Sprintf("taking %s from the access entry of %q in %q", w.Before, w.Principal, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := api.disassociate(ctx, w); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (a entryAPI) disassociate(ctx context.Context, w access.PolicyWrite) error {
	e, err := a.associated(ctx, w, w.Before.Policy)
	if err != nil {
		return err
	}
	_, err = a.DisassociateAccessPolicy(ctx, &eks.DisassociateAccessPolicyInput{ClusterName: a.cluster, PrincipalArn: text(w.Principal), PolicyArn: text(w.Before.Policy)})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); !gone && err != nil {
		return a.translate(ctx, err)
	}
	record := access.ReadPolicyRecord(e.Tags)
	record.Drop(w.Before.Policy)
	return a.tag(ctx, e, map[string]string{access.TagAssociations: record.String()})
}
