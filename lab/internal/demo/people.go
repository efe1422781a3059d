package demo

import (
	"context"
	"fmt"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
)

// peopleKubeconfig writes a kubeconfig without any credentials: kubectl asks rolecall for a token, which signs with
// whatever AWS credentials the person has.
func (s *story) peopleKubeconfig() error {
	k := clientcmdapi.NewConfig()
	for _, c := range s.state.Clusters {
		k.Clusters[c.Context] = &clientcmdapi.Cluster{Server: c.Endpoint, CertificateAuthorityData: []byte(c.CA)}
		k.AuthInfos[c.Context] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
			APIVersion: "client.authentication.k8s.io/v1", Command: s.rolecall.Path, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
			Args: []string{"token", "--cluster", c.Name, "--region", c.Region},
		}}
		k.Contexts[c.Context] = &clientcmdapi.Context{Cluster: c.Context, AuthInfo: c.Context}
	}
	if err := clientcmd.WriteToFile(*k, s.kubeconfig()); err != nil {
		return fmt.Errorf("writing the people's kubeconfig: %w", err)
	}
	return nil
}

func (s *story) kubeconfig() string { return filepath.Join(s.dir, "people.kubeconfig") }

// person is somebody with the credentials of a session.
type person struct {
	session laboratory.Session
	creds   laboratory.Credentials
}

// signIn does what the access portal does. The error is Identity Center's refusal.
func (s *story) signIn(ctx context.Context, user, account, set string) (person, error) {
	p := person{session: laboratory.Session{User: user, Account: account, PermissionSet: set}}
	s.command(fmt.Sprintf(`eval "$(rolecall-lab session --user %s --account %s --permission-set %s)"`, user, account, set))
	var err error
	p.creds, err = s.state.SignIn(ctx, p.session)
	return p, err //nolint:wrapcheck // the refusal is what is shown
}

// ask puts a request to a cluster's API server with a fresh token of the person's, through the credential plugin.
func (s *story) ask(ctx context.Context, p person, cluster string, r laboratory.Request) error {
	s.command(fmt.Sprintf("%s --context %s   # as %s", r.Kubectl(), cluster, p.session.User))
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: s.kubeconfig()}, &clientcmd.ConfigOverrides{CurrentContext: cluster}).ClientConfig()
	if err != nil {
		return fmt.Errorf("reading the people's kubeconfig: %w", err)
	}
	config = rest.CopyConfig(config)
	for _, v := range laboratory.Environment(s.state.Endpoint, s.state.Region, p.creds) {
		config.ExecProvider.Env = append(config.ExecProvider.Env, clientcmdapi.ExecEnvVar{Name: v.Name, Value: v.Value})
	}
	names, err := r.Names(ctx, config)
	if err != nil {
		s.show(err.Error())
		return err //nolint:wrapcheck // the API server's answer is what counts
	}
	for _, n := range names {
		s.show(n)
	}
	return nil
}

// expectAllowed and expectForbidden judge an answer of the API server; a 401 is not a 403.
func (s *story) expectAllowed(err error, what string) { s.expect(err == nil, what) }

func (s *story) expectForbidden(err error, what string) { s.expect(apierrors.IsForbidden(err), what) }

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
