package kube

import (
	"context"
	"fmt"
	"slices"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// authenticated is the group every accepted user has; the API server adds it on sign-in, and a SubjectAccessReview does not.
const authenticated = "system:authenticated"

// Allowed asks the cluster's authorizer with a SubjectAccessReview. Where the verdict is no,
// the reason is the authorizer's, or what kept it from looking at some role.
func (c *Client) Allowed(ctx context.Context, cluster access.Cluster, who access.Identity, r access.Request) (allowed bool, reason string, err error) {
	a, err := c.api(cluster)
	if err != nil {
		return false, "", err
	}
	resource := "subjectaccessreviews." + authorizationv1.GroupName
	review, err := a.authorization.SubjectAccessReviews().Create(ctx, question(who, r), metav1.CreateOptions{})
	if err := a.did(ctx, target{verb: "create", resource: resource}, err); err != nil {
		return false, "", fmt.Errorf("asking what %q may do: %w", who.Username, err)
	}
	reason = review.Status.Reason
	if reason == "" {
		reason = review.Status.EvaluationError
	}
	return review.Status.Allowed, reason, nil
}

func question(who access.Identity, r access.Request) *authorizationv1.SubjectAccessReview {
	spec := authorizationv1.SubjectAccessReviewSpec{User: who.Username, Groups: slices.Clone(who.Groups)}
	if !slices.Contains(spec.Groups, authenticated) {
		spec.Groups = append(spec.Groups, authenticated)
	}
	if r.Path != "" {
		spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: r.Path, Verb: r.Verb}
	} else {
		spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Namespace: r.Namespace, Verb: r.Verb, Group: r.Group,
			Resource: r.Resource, Subresource: r.Subresource, Name: r.Name,
		}
	}
	return &authorizationv1.SubjectAccessReview{Spec: spec}
}
