package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	pageSize         = 500
	awsAuthNamespace = "kube-system"
	awsAuthName      = "aws-auth"
	rbacGroup        = "rbac.authorization.k8s.io"
)

// AwsAuth reads kube-system/aws-auth with one request; nil when it does not exist.
func (c *Client) AwsAuth(ctx context.Context, cluster access.Cluster) (*access.ConfigMap, error) {
	a, err := c.api(cluster)
	if err != nil {
		return nil, err
	}
	return a.foundAwsAuth(ctx)
}

func (a *api) foundAwsAuth(ctx context.Context) (*access.ConfigMap, error) {
	cm, err := a.awsAuth(ctx)
	if errors.Is(err, access.ErrNotFound) {
		return nil, nil //nolint:nilnil // the port says so: no ConfigMap is an answer, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("reading aws-auth: %w", err)
	}
	out := configMap(cm)
	return &out, nil
}

func (a *api) awsAuth(ctx context.Context) (*corev1.ConfigMap, error) {
	cm, err := a.core.ConfigMaps(awsAuthNamespace).Get(ctx, awsAuthName, metav1.GetOptions{})
	return cm, a.did(ctx, target{verb: "get", resource: "configmaps", namespace: awsAuthNamespace}, err)
}

func configMap(cm *corev1.ConfigMap) access.ConfigMap {
	return access.ConfigMap{
		Data: maps.Clone(cm.Data), Annotations: maps.Clone(cm.Annotations), ResourceVersion: cm.ResourceVersion,
	}
}

// RBAC fills a copy of the cluster with its namespaces, roles and bindings, each sorted by
// namespace and name. It makes one paged LIST per kind, one after the other.
func (c *Client) RBAC(ctx context.Context, cluster access.Cluster) (access.Cluster, error) {
	a, err := c.api(cluster)
	if err != nil {
		return cluster, err
	}
	out := cluster
	for _, read := range []func(context.Context, *access.Cluster) error{
		a.readNamespaces, a.readRoles, a.readClusterRoles, a.readRoleBindings, a.readClusterRoleBindings,
	} {
		if err := read(ctx, &out); err != nil {
			return cluster, fmt.Errorf("reading RBAC: %w", err)
		}
	}
	return out, nil
}

// page is one answer of a LIST.
type page[T any] struct {
	items []T
	next  string
}

// list pages through a LIST. When the server has forgotten the place between two pages, it
// starts again without pages, as the Kubernetes documentation advises.
func list[T any](ctx context.Context, a *api, resource string, fetch func(metav1.ListOptions) (page[T], error)) ([]T, error) {
	var out []T
	options := metav1.ListOptions{Limit: pageSize}
	for {
		p, err := fetch(options)
		expired := apierrors.IsResourceExpired(err) && options.Continue != ""
		if err := a.did(ctx, target{verb: "list", resource: resource}, err); err != nil && !expired {
			return nil, err
		}
		if expired {
			out, options = nil, metav1.ListOptions{}
			continue
		}
		out = append(out, p.items...)
		if p.next == "" {
			return out, nil
		}
		options.Continue = p.next
	}
}

func (a *api) readNamespaces(ctx context.Context, c *access.Cluster) error {
	items, err := list(ctx, a, "namespaces", func(o metav1.ListOptions) (page[corev1.Namespace], error) {
		l, err := a.core.Namespaces().List(ctx, o)
		if err != nil {
			return page[corev1.Namespace]{}, err //nolint:wrapcheck // list translates it
		}
		return page[corev1.Namespace]{l.Items, l.Continue}, nil
	})
	c.Namespaces = make([]string, 0, len(items))
	for _, n := range items {
		c.Namespaces = append(c.Namespaces, n.Name)
	}
	slices.Sort(c.Namespaces)
	return err
}

func (a *api) readRoles(ctx context.Context, c *access.Cluster) error {
	items, err := list(ctx, a, "roles."+rbacGroup, func(o metav1.ListOptions) (page[rbacv1.Role], error) {
		l, err := a.rbac.Roles("").List(ctx, o)
		if err != nil {
			return page[rbacv1.Role]{}, err //nolint:wrapcheck // list translates it
		}
		return page[rbacv1.Role]{l.Items, l.Continue}, nil
	})
	c.Roles = make([]access.RBACRole, 0, len(items))
	for _, r := range items {
		c.Roles = append(c.Roles, access.RBACRole{Namespace: r.Namespace, Name: r.Name, Rules: r.Rules})
	}
	sortRoles(c.Roles)
	return err
}

func (a *api) readClusterRoles(ctx context.Context, c *access.Cluster) error {
	items, err := list(ctx, a, "clusterroles."+rbacGroup, func(o metav1.ListOptions) (page[rbacv1.ClusterRole], error) {
		l, err := a.rbac.ClusterRoles().List(ctx, o)
		if err != nil {
			return page[rbacv1.ClusterRole]{}, err //nolint:wrapcheck // list translates it
		}
		return page[rbacv1.ClusterRole]{l.Items, l.Continue}, nil
	})
	c.ClusterRoles = make([]access.RBACRole, 0, len(items))
	for _, r := range items {
		c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: r.Name, Rules: r.Rules})
	}
	sortRoles(c.ClusterRoles)
	return err
}

func sortRoles(roles []access.RBACRole) {
	slices.SortFunc(roles, func(a, b access.RBACRole) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

func (a *api) readRoleBindings(ctx context.Context, c *access.Cluster) error {
	items, err := list(ctx, a, "rolebindings."+rbacGroup, func(o metav1.ListOptions) (page[rbacv1.RoleBinding], error) {
		l, err := a.rbac.RoleBindings("").List(ctx, o)
		if err != nil {
			return page[rbacv1.RoleBinding]{}, err //nolint:wrapcheck // list translates it
		}
		return page[rbacv1.RoleBinding]{l.Items, l.Continue}, nil
	})
	c.RoleBindings = make([]access.Binding, 0, len(items))
	for i := range items {
		c.RoleBindings = append(c.RoleBindings, fromRole(&items[i]).binding())
	}
	sortBindings(c.RoleBindings)
	return err
}

func (a *api) readClusterRoleBindings(ctx context.Context, c *access.Cluster) error {
	items, err := list(ctx, a, "clusterrolebindings."+rbacGroup, func(o metav1.ListOptions) (page[rbacv1.ClusterRoleBinding], error) {
		l, err := a.rbac.ClusterRoleBindings().List(ctx, o)
		if err != nil {
			return page[rbacv1.ClusterRoleBinding]{}, err //nolint:wrapcheck // list translates it
		}
		return page[rbacv1.ClusterRoleBinding]{l.Items, l.Continue}, nil
	})
	c.ClusterRoleBindings = make([]access.Binding, 0, len(items))
	for i := range items {
		c.ClusterRoleBindings = append(c.ClusterRoleBindings, fromClusterRole(&items[i]).binding())
	}
	sortBindings(c.ClusterRoleBindings)
	return err
}

func sortBindings(bs []access.Binding) {
	slices.SortFunc(bs, func(a, b access.Binding) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}
