package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/lab/internal/proc"
)

// authenticatorUser is who the authenticator is in its cluster.
const authenticatorUser = "aws-iam-authenticator"

// initAuthenticator writes the authenticator's configuration and has it make
// its certificate and the kubeconfig with which the API server finds it.
func (c *Cluster) initAuthenticator(ctx context.Context) error {
	pair, err := c.authority.Client(authenticatorUser)
	if err != nil {
		return err
	}
	if err := clientcmd.WriteToFile(Kubeconfig(map[string]*rest.Config{c.spec.Name: c.config(pair)}, c.spec.Name), c.path("authenticator.kubeconfig")); err != nil {
		return fmt.Errorf("writing its kubeconfig: %w", err)
	}
	if err := c.configureAuthenticator(); err != nil {
		return err
	}
	if err := c.write("sts-ca.crt", c.env.ProxyCA); err != nil {
		return err
	}
	return c.runInit(ctx)
}

// configureAuthenticator writes its configuration for the cluster's access.
func (c *Cluster) configureAuthenticator() error {
	server := map[string]any{
		"port": c.ports.webhook, "hostname": "127.0.0.1", "address": "127.0.0.1",
		"stateDir":           c.path("authenticator"),
		"generateKubeconfig": c.path("authenticator/webhook.kubeconfig"),
		"kubeconfig":         c.path("authenticator.kubeconfig"),
		"backendMode":        c.access.backends(),
	}
	switch {
	case c.access.readsEntries():
		// An entry is for the role or user it was made for: one made again
		// under the same name has another id.
		server["dynamicfilepath"], server["dynamicfileUserIDStrict"] = c.path(entriesName), true
		server["reservedPrefixConfig"] = []any{map[string]any{"backendMode": "DynamicFile", "usernamePrefixReserveList": reserved()}}
	case c.access.Creator != "":
		maps.Copy(server, creatorRows(c.access.Creator))
	}
	config, err := yaml.Marshal(map[string]any{"clusterID": c.spec.Name, "server": server})
	if err != nil {
		return fmt.Errorf("writing its configuration: %w", err)
	}
	if err := c.write("authenticator.yaml", config); err != nil {
		return err
	}
	text, err := c.entriesText()
	if err != nil {
		return err
	}
	return c.write(entriesName, text)
}

func (c *Cluster) runInit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.env.Binaries.Authenticator,
		"init", "-c", c.path("authenticator.yaml"), "--feature-gates=ConfiguredInitDirectories=true")
	cmd.Env = c.authenticatorEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running aws-iam-authenticator init: %w\n%s", err, out)
	}
	return nil
}

// startAuthenticator returns when the authenticator listens and has read what
// it goes by: aws-auth, if there is one, and access entries.
func (c *Cluster) startAuthenticator(ctx context.Context) error {
	signs := [][]byte{[]byte("listening on")}
	if c.access.readsConfigMap() {
		exists, err := c.hasAWSAuth(ctx)
		if err != nil {
			return err
		}
		if exists {
			signs = append(signs, []byte("Received aws-auth watch event"))
		}
	}
	p, err := c.env.Processes.Start(proc.Command{
		Name: "aws-iam-authenticator of " + c.spec.ID, Path: c.env.Binaries.Authenticator, Log: c.path("authenticator.log"),
		Args: []string{"server", "-c", c.path("authenticator.yaml")}, Env: c.authenticatorEnv(),
	})
	if err != nil {
		return err
	}
	c.authenticator = p
	err = await(ctx, p, func() error {
		out := p.Output()
		for _, sign := range signs {
			if !bytes.Contains(out, sign) {
				return errors.New("it has not said " + string(sign))
			}
		}
		return nil
	})
	if err != nil || !c.access.readsEntries() {
		return err
	}
	return c.loadEntries(ctx)
}

func (c *Cluster) hasAWSAuth(ctx context.Context) (bool, error) {
	client, err := c.Client()
	if err != nil {
		return false, err
	}
	_, err = client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "aws-auth", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading aws-auth: %w", err)
	}
	return true, nil
}

// authenticatorEnv leads the unmodified authenticator to the simulator and
// keeps it from asking anything else.
func (c *Cluster) authenticatorEnv() []string {
	return []string{
		"HOME=" + c.dir,
		"HTTPS_PROXY=" + c.env.Proxy,
		"SSL_CERT_FILE=" + c.path("sts-ca.crt"),
		"SSL_CERT_DIR=" + c.path("no-certificates"),
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_REGION=" + c.spec.Region,
	}
}

// Kubeconfig returns a kubeconfig with a context for each configuration, by
// name.
func Kubeconfig(configs map[string]*rest.Config, current string) clientcmdapi.Config {
	k := clientcmdapi.NewConfig()
	for name, c := range configs {
		k.Clusters[name] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthorityData: c.CAData}
		k.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: c.CertData, ClientKeyData: c.KeyData}
		k.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	k.CurrentContext = current
	return *k
}
