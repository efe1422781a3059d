package cluster

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// manager is the field manager of what the laboratory writes.
const manager = "rolecall-lab"

// fill makes the objects the cluster holds from the start.
func (c *Cluster) fill(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	if err := createNamespaces(ctx, client, c.spec.Contents.Namespaces); err != nil {
		return err
	}
	if err := c.apply(ctx, client); err != nil {
		return err
	}
	if err := aggregate(ctx, client); err != nil {
		return err
	}
	if err := admitAuthenticator(ctx, client); err != nil {
		return err
	}
	return c.createAWSAuth(ctx, client)
}

func createNamespaces(ctx context.Context, client kubernetes.Interface, names []string) error {
	for _, name := range names {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{FieldManager: manager})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating namespace %q: %w", name, err)
		}
	}
	return nil
}

// apply applies the manifests in their order.
func (c *Cluster) apply(ctx context.Context, client kubernetes.Interface) error {
	objects, err := dynamic.NewForConfig(c.Admin)
	if err != nil {
		return fmt.Errorf("making a client for manifests: %w", err)
	}
	kinds := map[schema.GroupVersionKind]metav1.APIResource{}
	for i := range c.spec.Contents.Manifests {
		o := &c.spec.Contents.Manifests[i]
		resource, err := find(client, kinds, o.GroupVersionKind())
		if err != nil {
			return fmt.Errorf("applying %s %q: %w", o.GetKind(), o.GetName(), err)
		}
		if err := applyOne(ctx, objects, resource, o); err != nil {
			return fmt.Errorf("applying %s %q: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

func applyOne(ctx context.Context, objects dynamic.Interface, resource metav1.APIResource, o *unstructured.Unstructured) error {
	var target dynamic.ResourceInterface
	all := objects.Resource(o.GroupVersionKind().GroupVersion().WithResource(resource.Name))
	target = all
	if resource.Namespaced {
		namespace := o.GetNamespace()
		if namespace == "" {
			namespace = metav1.NamespaceDefault
		}
		target = all.Namespace(namespace)
	}
	_, err := target.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: manager, Force: true})
	return err //nolint:wrapcheck // the caller names the object
}

// find asks the API server which resource a kind is, once per kind.
func find(client kubernetes.Interface, known map[schema.GroupVersionKind]metav1.APIResource, kind schema.GroupVersionKind) (metav1.APIResource, error) {
	if r, ok := known[kind]; ok {
		return r, nil
	}
	list, err := client.Discovery().ServerResourcesForGroupVersion(kind.GroupVersion().String())
	if err != nil {
		return metav1.APIResource{}, fmt.Errorf("finding its resource: %w", err)
	}
	for _, r := range list.APIResources {
		if r.Kind == kind.Kind && !strings.Contains(r.Name, "/") {
			known[kind] = r
			return r, nil
		}
	}
	return metav1.APIResource{}, fmt.Errorf("finding its resource: %s has no kind %q", kind.GroupVersion(), kind.Kind)
}

// admitAuthenticator lets the authenticator read aws-auth, which is all it
// needs.
func admitAuthenticator(ctx context.Context, client kubernetes.Interface) error {
	meta := metav1.ObjectMeta{Name: authenticatorUser}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"aws-auth"},
		Verbs: []string{"get", "list", "watch"},
	}}}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: authenticatorUser},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: authenticatorUser}},
	}
	rbac := client.RbacV1()
	if _, err := rbac.Roles(metav1.NamespaceSystem).Create(ctx, role, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("creating the authenticator's role: %w", err)
	}
	if _, err := rbac.RoleBindings(metav1.NamespaceSystem).Create(ctx, binding, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("binding the authenticator's role: %w", err)
	}
	return nil
}

func (c *Cluster) createAWSAuth(ctx context.Context, client kubernetes.Interface) error {
	auth := c.spec.Contents.AWSAuth
	if auth == nil {
		return nil
	}
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "aws-auth", Annotations: auth.Annotations, Labels: auth.Labels},
		Data:       auth.Data,
	}
	if _, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Create(ctx, cm, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("creating aws-auth: %w", err)
	}
	return nil
}
