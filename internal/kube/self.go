package kube

import (
	"context"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// What the authenticator tells the API server about a caller besides the name and the groups.
const (
	extraCanonicalARN = "canonicalArn"
	extraARN          = "arn"
)

// Self asks with a SelfSubjectReview, which every authenticated user may make. Groups are sorted.
func (c *Client) Self(ctx context.Context, cluster access.Cluster) (access.Self, error) {
	a, err := c.api(cluster)
	if err != nil {
		return access.Self{}, err
	}
	review, err := a.authentication.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err := a.did(ctx, target{verb: "create", resource: "selfsubjectreviews." + authenticationv1.GroupName}, err); err != nil {
		return access.Self{}, fmt.Errorf("asking who we are: %w", err)
	}
	return selfOf(review.Status.UserInfo), nil
}

func selfOf(user authenticationv1.UserInfo) access.Self {
	self := access.Self{Username: user.Username, Groups: slices.Sorted(slices.Values(user.Groups))}
	for _, key := range []string{extraCanonicalARN, extraARN} {
		if v := user.Extra[key]; len(v) > 0 && v[0] != "" {
			self.ARN = access.ARN(v[0]).Canonical()
			break
		}
	}
	if self.Groups == nil {
		self.Groups = []string{}
	}
	return self
}
