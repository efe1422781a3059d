package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientauthentication "k8s.io/client-go/pkg/apis/clientauthentication/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rolecall-dev/rolecall/lab/internal/control"
	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// platform is the shell of the platform engineer, who runs rolecall.
const platform = "platform"

// run runs rolecall as the platform engineer.
func (s *story) run(ctx context.Context, args ...string) (product.Output, error) {
	s.command(platform, "rolecall "+strings.Join(args, " "))
	return s.rolecall.Run(ctx, product.Command{Args: args, Env: s.environment(s.state.Caller), Dir: s.example()})
}

// remove takes somebody out of a group by calling the identity store.
func (s *story) remove(ctx context.Context, group, user string) error {
	args := []string{"group", "remove", "--group", group, "--user", user}
	s.command(platform, "rolecall-lab "+strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, s.options.Lab, args...)
	cmd.Env = append(os.Environ(), "ROLECALL_LAB_DIR="+s.labDir())
	out, err := cmd.CombinedOutput()
	s.show(string(out))
	if err != nil {
		return fmt.Errorf("taking %s out of %s: %w", user, group, err)
	}
	return nil
}

// environment is what a process gets to act as somebody.
func (s *story) environment(c laboratory.Credentials) []string {
	var out []string
	for _, v := range laboratory.Environment(s.state.Endpoint, s.state.Region, c) {
		out = append(out, v.Name+"="+v.Value)
	}
	return append(out, "NO_COLOR=1")
}

// person is somebody in a shell of their own, with the credentials of a session.
type person struct {
	shell       string
	credentials laboratory.Credentials
}

// signIn does what the access portal does. The error is Identity Center's
// refusal, which is shown.
func (s *story) signIn(ctx context.Context, session laboratory.Session) (person, error) {
	shell, _, _ := strings.Cut(session.User, "@")
	s.command(shell, fmt.Sprintf(`eval "$(rolecall-lab session --user %s --account %s --permission-set %s)"`,
		session.User, session.Account, session.PermissionSet))
	credentials, err := s.state.SignIn(ctx, session)
	if err != nil {
		s.show(err.Error())
	}
	return person{shell: shell, credentials: credentials}, err
}

// mustSignIn signs somebody in without whom the story cannot go on.
func (s *story) mustSignIn(ctx context.Context, session laboratory.Session) (person, error) {
	p, err := s.signIn(ctx, session)
	if err != nil {
		return p, fmt.Errorf("signing in %s: %w", session.User, err)
	}
	return p, nil
}

// listPods asks a cluster's API server as kubectl with the person's kubeconfig
// would, with a token signed for this very question: the API server remembers
// for some seconds what it was told of a token.
func (s *story) listPods(ctx context.Context, p person, where place) error {
	s.command(p.shell, fmt.Sprintf("kubectl get pods --context %s --namespace %s", where.cluster, where.namespace))
	config, err := s.as(ctx, p, where.cluster)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for %s: %w", where.cluster, err)
	}
	pods, err := client.CoreV1().Pods(where.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		s.show(kubectlError(err))
		return fmt.Errorf("listing the pods of %s at %s: %w", where.namespace, where.cluster, err)
	}
	for _, pod := range pods.Items {
		s.show("pod/" + pod.Name)
	}
	return nil
}

// place is where a question is asked.
type place struct{ cluster, namespace string }

// as reaches a cluster with a token of the person's session and nothing else.
func (s *story) as(ctx context.Context, p person, cluster string) (*rest.Config, error) {
	c, err := s.cluster(cluster)
	if err != nil {
		return nil, err
	}
	out, err := s.rolecall.Run(ctx, product.Command{
		Args: []string{"token", "--cluster", c.Name, "--region", c.Region}, Env: s.environment(p.credentials), Dir: s.dir,
	})
	if err != nil {
		return nil, err
	}
	var credential clientauthentication.ExecCredential
	if err := json.Unmarshal([]byte(out.Stdout), &credential); err != nil || credential.Status == nil {
		return nil, fmt.Errorf("rolecall token ended with %d and no token: %s", out.Code, out.All())
	}
	return &rest.Config{
		Host: c.Endpoint, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(c.CA)}, BearerToken: credential.Status.Token,
	}, nil
}

func (s *story) cluster(name string) (control.Cluster, error) {
	for _, c := range s.state.Clusters {
		if c.Context == name {
			return c, nil
		}
	}
	return control.Cluster{}, fmt.Errorf("there is no cluster %s in the laboratory", name)
}

// kubectlError words an answer of an API server as kubectl does.
func kubectlError(err error) string {
	status := apierrors.APIStatus(nil)
	switch {
	case apierrors.IsUnauthorized(err):
		return "error: You must be logged in to the server (Unauthorized)"
	case errors.As(err, &status):
		return fmt.Sprintf("Error from server (%s): %s", status.Status().Reason, status.Status().Message)
	}
	return err.Error()
}

// awsAuth reads the data of a cluster's aws-auth with the laboratory's own rights.
func (s *story) awsAuth(ctx context.Context, cluster string) (map[string]string, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: s.state.Kubeconfig}, &clientcmd.ConfigOverrides{CurrentContext: cluster}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the laboratory's kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", cluster, err)
	}
	cm, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "aws-auth", metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading aws-auth of %s: %w", cluster, err)
	}
	return cm.Data, nil
}

// allAWSAuth is the data of aws-auth by cluster.
func (s *story) allAWSAuth(ctx context.Context) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for _, c := range s.state.Clusters {
		data, err := s.awsAuth(ctx, c.Context)
		if err != nil {
			return nil, err
		}
		out[c.Context] = data
	}
	return out, nil
}
