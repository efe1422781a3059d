package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// modePatience bounds the wait for a change of mode, which takes EKS minutes.
const modePatience = 30 * time.Minute

// ChangeMode implements access.EntryWriter. A cluster that is in the mode already is success.
func (c *Client) ChangeMode(ctx context.Context, cl access.Cluster, to access.AuthenticationMode, progress func(status string)) error {
	doing := fmt.Sprintf("changing %q to mode %s", cl.ARN, to)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	now, err := c.Cluster(ctx, cl.Account, cl.Region, cl.Name)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if now.Mode == to {
		return nil
	}
	out, err := api.UpdateClusterConfig(ctx, &eks.UpdateClusterConfigInput{
		Name: api.cluster, AccessConfig: &types.UpdateAccessConfigRequest{AuthenticationMode: types.AuthenticationMode(to)},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, api.translate(ctx, err))
	}
	bounded, cancel := context.WithTimeout(ctx, modePatience)
	defer cancel()
	if err := api.settleUpdate(bounded, out.Update, progress); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// settleUpdate asks about an update until EKS has settled it.
func (a entryAPI) settleUpdate(ctx context.Context, u *types.Update, progress func(string)) error {
	id := u.Id
	for pause := firstPoll; u.Status == types.UpdateStatusInProgress; pause = min(pause*3/2, lastPoll) {
		progress(string(u.Status))
		if !sleep(ctx, pause) {
			return fmt.Errorf("update %s may still settle: %w", awssdk.ToString(id), ctx.Err())
		}
		out, err := a.DescribeUpdate(ctx, &eks.DescribeUpdateInput{Name: a.cluster, UpdateId: id})
		if err != nil {
			translated := a.translate(ctx, err)
			if isDenied(translated) || errors.Is(translated, access.ErrExpired) || ctx.Err() != nil {
				return fmt.Errorf("update %s was accepted, but how it ended is not known: %w", awssdk.ToString(id), translated)
			}
			continue
		}
		u = out.Update
	}
	progress(string(u.Status))
	if u.Status == types.UpdateStatusSuccessful {
		return nil
	}
	var why []string
	for _, e := range u.Errors {
		why = append(why, string(e.ErrorCode)+": "+awssdk.ToString(e.ErrorMessage))
	}
	return &access.CallError{
		Service: serviceEKS, Operation: "UpdateClusterConfig", RequestID: awssdk.ToString(id),
		Message: strings.TrimSuffix(fmt.Sprintf("EKS reports %s: %s", u.Status, strings.Join(why, "; ")), ": "),
	}
}
