package laboratory

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Request is one request to an API server, in kubectl's words.
type Request struct {
	Verb string // list, get, create or delete
	// Resource is a plural such as "pods", or with version and group such as
	// "deployments.v1.apps".
	Resource  string
	Namespace string // empty: the whole cluster
	Name      string // for get and delete
	Object    *unstructured.Unstructured
}

// Kubectl is the command that makes the same request.
func (r Request) Kubectl() string {
	verb := r.Verb
	if verb == "list" {
		verb = "get"
	}
	words := []string{"kubectl", verb, r.Resource}
	if r.Name != "" {
		words = append(words, r.Name)
	}
	if r.Namespace != "" {
		words = append(words, "--namespace", r.Namespace)
	}
	return strings.Join(words, " ")
}

// Do makes the request. Its error is the API server's.
func (r Request) Do(ctx context.Context, config *rest.Config) error {
	_, err := r.Names(ctx, config)
	return err
}

// Names makes the request and returns the names of the objects it yields,
// sorted as the API server sorts them.
func (r Request) Names(ctx context.Context, config *rest.Config) ([]string, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	objects, err := perform(ctx, target(client, r), r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Kubectl(), err)
	}
	var names []string
	for i := range objects {
		names = append(names, objects[i].GetName())
	}
	return names, nil
}

func target(client dynamic.Interface, r Request) dynamic.ResourceInterface {
	resource := schema.GroupVersionResource{Version: "v1", Resource: r.Resource}
	if full, _ := schema.ParseResourceArg(r.Resource); full != nil {
		resource = *full
	}
	if r.Namespace == "" {
		return client.Resource(resource)
	}
	return client.Resource(resource).Namespace(r.Namespace)
}

func perform(ctx context.Context, on dynamic.ResourceInterface, r Request) ([]unstructured.Unstructured, error) {
	switch r.Verb {
	case "list":
		list, err := on.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err //nolint:wrapcheck // the caller says what was asked
		}
		return list.Items, nil
	case "get":
		return one(on.Get(ctx, r.Name, metav1.GetOptions{}))
	case "create":
		return one(on.Create(ctx, r.Object, metav1.CreateOptions{}))
	case "delete":
		return nil, on.Delete(ctx, r.Name, metav1.DeleteOptions{}) //nolint:wrapcheck // as above
	}
	return nil, fmt.Errorf("verb %q is not one of list, get, create, delete", r.Verb)
}

func one(o *unstructured.Unstructured, err error) ([]unstructured.Unstructured, error) {
	if err != nil {
		return nil, err
	}
	return []unstructured.Unstructured{*o}, nil
}

// AWSAuth reads the cluster's aws-auth ConfigMap with all rights.
func (c *Cluster) AWSAuth(ctx context.Context) (*corev1.ConfigMap, error) {
	client, err := c.Client()
	if err != nil {
		return nil, err
	}
	cm, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "aws-auth", metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading aws-auth of %s: %w", c.Context, err)
	}
	return cm, nil
}
