package cluster

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
)

// aggregate gives every ClusterRole with an aggregation rule the rules of the
// ClusterRoles it selects, as a controller does in a complete cluster. Without
// it view, edit and admin are empty.
func aggregate(ctx context.Context, client kubernetes.Interface) error {
	for {
		list, err := client.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("listing ClusterRoles: %w", err)
		}
		changed := false
		for i := range list.Items {
			role := &list.Items[i]
			rules, err := union(role, list.Items)
			if err != nil {
				return err
			}
			if role.AggregationRule == nil || equality.Semantic.DeepEqual(role.Rules, rules) {
				continue
			}
			role.Rules = rules
			if _, err := client.RbacV1().ClusterRoles().Update(ctx, role, metav1.UpdateOptions{FieldManager: manager}); err != nil {
				return fmt.Errorf("filling ClusterRole %q: %w", role.Name, err)
			}
			changed = true
		}
		if !changed {
			return nil
		}
	}
}

// union returns the rules of the other ClusterRoles a role selects, each once,
// in the order of their roles' names, which is the API server's.
func union(role *rbacv1.ClusterRole, all []rbacv1.ClusterRole) ([]rbacv1.PolicyRule, error) {
	if role.AggregationRule == nil {
		return nil, nil
	}
	var out []rbacv1.PolicyRule
	for i := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			return nil, fmt.Errorf("reading the aggregation rule of %q: %w", role.Name, err)
		}
		for j := range all {
			if all[j].Name != role.Name && selector.Matches(labels.Set(all[j].Labels)) {
				out = addRules(out, all[j].Rules)
			}
		}
	}
	return out, nil
}

func addRules(to, rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	for _, rule := range rules {
		if !contains(to, rule) {
			to = append(to, rule)
		}
	}
	return to
}

func contains(rules []rbacv1.PolicyRule, rule rbacv1.PolicyRule) bool {
	for i := range rules {
		if equality.Semantic.DeepEqual(rules[i], rule) {
			return true
		}
	}
	return false
}
