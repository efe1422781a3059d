package kube

import (
	"context"
	"maps"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// stored is a RoleBinding (with a namespace) or a ClusterRoleBinding as the API server
// keeps it. Whatever we do not know of stays in meta when it is written back.
type stored struct {
	meta     metav1.ObjectMeta
	ref      rbacv1.RoleRef
	subjects []rbacv1.Subject
}

func fromRole(b *rbacv1.RoleBinding) stored { return stored{b.ObjectMeta, b.RoleRef, b.Subjects} }

func fromClusterRole(b *rbacv1.ClusterRoleBinding) stored {
	return stored{b.ObjectMeta, b.RoleRef, b.Subjects}
}

func (s stored) role() *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{ObjectMeta: s.meta, RoleRef: s.ref, Subjects: s.subjects}
}

func (s stored) clusterRole() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{ObjectMeta: s.meta, RoleRef: s.ref, Subjects: s.subjects}
}

// binding is the object in our terms.
func (s stored) binding() access.Binding {
	subjects := make([]access.Subject, 0, len(s.subjects))
	for _, x := range s.subjects {
		subjects = append(subjects, access.Subject{Kind: access.SubjectKind(x.Kind), Name: x.Name, Namespace: x.Namespace})
	}
	return access.Binding{
		Namespace: s.meta.Namespace, Name: s.meta.Name, Labels: maps.Clone(s.meta.Labels),
		Ref:      access.RoleRef{Kind: access.RoleKind(s.ref.Kind), Name: s.ref.Name},
		Subjects: access.SortSubjects(subjects), ResourceVersion: s.meta.ResourceVersion,
	}
}

// with returns the object with b's subjects and labels; labels of others stay.
func (s stored) with(b access.Binding) stored {
	s.meta.Labels = maps.Clone(s.meta.Labels)
	if s.meta.Labels == nil {
		s.meta.Labels = map[string]string{}
	}
	maps.DeleteFunc(s.meta.Labels, func(k, _ string) bool { return ownLabel(k) })
	maps.Copy(s.meta.Labels, b.Labels)
	s.ref = rbacv1.RoleRef{APIGroup: rbacGroup, Kind: string(b.Ref.Kind), Name: b.Ref.Name}
	s.subjects = make([]rbacv1.Subject, 0, len(b.Subjects))
	for _, x := range access.SortSubjects(b.Subjects) {
		subject := rbacv1.Subject{Kind: string(x.Kind), Name: x.Name, Namespace: x.Namespace}
		if x.Kind != access.SubjectServiceAccount {
			subject.APIGroup = rbacGroup
		}
		s.subjects = append(s.subjects, subject)
	}
	return s
}

// ownLabel tells the labels that rolecall decides.
func ownLabel(key string) bool {
	return key == access.LabelManagedBy || strings.HasPrefix(key, "rolecall.dev/")
}

// same compares what rolecall decides of two bindings: role, subjects and its own labels.
func same(a, b access.Binding) bool {
	if a.Ref != b.Ref || !maps.Equal(ownLabels(a.Labels), ownLabels(b.Labels)) {
		return false
	}
	x, y := access.SortSubjects(a.Subjects), access.SortSubjects(b.Subjects)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

func ownLabels(labels map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range labels {
		if ownLabel(k) {
			out[k] = v
		}
	}
	return out
}

// about is the target of a request on a binding.
func about(verb string, b access.Binding) target {
	t := target{verb: verb, resource: "rolebindings." + rbacGroup, namespace: b.Namespace}
	if b.Namespace == "" {
		t.resource = "clusterrolebindings." + rbacGroup
	}
	kind := map[access.RoleKind]string{access.KindRole: "roles.", access.KindClusterRole: "clusterroles."}[b.Ref.Kind]
	t.role = kind + rbacGroup + " " + b.Ref.Name
	return t
}

func (a *api) getBinding(ctx context.Context, b access.Binding) (s stored, err error) {
	if b.Namespace == "" {
		var o *rbacv1.ClusterRoleBinding
		if o, err = a.rbac.ClusterRoleBindings().Get(ctx, b.Name, metav1.GetOptions{}); err == nil {
			s = fromClusterRole(o)
		}
	} else {
		var o *rbacv1.RoleBinding
		if o, err = a.rbac.RoleBindings(b.Namespace).Get(ctx, b.Name, metav1.GetOptions{}); err == nil {
			s = fromRole(o)
		}
	}
	return s, a.did(ctx, about("get", b), err)
}

func (a *api) createBinding(ctx context.Context, b access.Binding) (err error) {
	s := stored{meta: metav1.ObjectMeta{Name: b.Name, Namespace: b.Namespace}}.with(b)
	if b.Namespace == "" {
		_, err = a.rbac.ClusterRoleBindings().Create(ctx, s.clusterRole(), metav1.CreateOptions{})
	} else {
		_, err = a.rbac.RoleBindings(b.Namespace).Create(ctx, s.role(), metav1.CreateOptions{})
	}
	return a.did(ctx, about("create", b), err)
}

func (a *api) updateBinding(ctx context.Context, s stored, b access.Binding) (err error) {
	if b.Namespace == "" {
		_, err = a.rbac.ClusterRoleBindings().Update(ctx, s.clusterRole(), metav1.UpdateOptions{})
	} else {
		_, err = a.rbac.RoleBindings(b.Namespace).Update(ctx, s.role(), metav1.UpdateOptions{})
	}
	return a.did(ctx, about("update", b), err)
}

func (a *api) deleteBinding(ctx context.Context, s stored, b access.Binding) (err error) {
	o := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &s.meta.UID, ResourceVersion: &s.meta.ResourceVersion}}
	if b.Namespace == "" {
		err = a.rbac.ClusterRoleBindings().Delete(ctx, b.Name, o)
	} else {
		err = a.rbac.RoleBindings(b.Namespace).Delete(ctx, b.Name, o)
	}
	return a.did(ctx, about("delete", b), err)
}
