package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

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
	config, err := yaml.Marshal(map[string]any{
		"clusterID": c.spec.Name,
		"server": map[string]any{
			"port": c.ports.webhook, "hostname": "127.0.0.1", "address": "127.0.0.1",
			"stateDir":           c.path("authenticator"),
			"generateKubeconfig": c.path("authenticator/webhook.kubeconfig"),
			"kubeconfig":         c.path("authenticator.kubeconfig"),
			"backendMode":        []string{"EKSConfigMap"},
		},
	})
	if err != nil {
		return fmt.Errorf("writing its configuration: %w", err)
	}
	if err := c.write("authenticator.yaml", config); err != nil {
		return err
	}
	if err := c.write("sts-ca.crt", c.env.ProxyCA); err != nil {
		return err
	}
	return c.runInit(ctx)
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

// startAuthenticator returns when the authenticator listens and, if there is
// an aws-auth ConfigMap, has read it.
func (c *Cluster) startAuthenticator(ctx context.Context) error {
	p, err := c.env.Processes.Start(proc.Command{
		Name: "aws-iam-authenticator of " + c.spec.ID, Path: c.env.Binaries.Authenticator, Log: c.path("authenticator.log"),
		Args: []string{"server", "-c", c.path("authenticator.yaml")}, Env: c.authenticatorEnv(),
	})
	if err != nil {
		return err
	}
	c.authenticator = p
	signs := [][]byte{[]byte("listening on")}
	if c.spec.Contents.AWSAuth != nil {
		signs = append(signs, []byte("Received aws-auth watch event"))
	}
	return await(ctx, p, func() error {
		out := p.Output()
		for _, sign := range signs {
			if !bytes.Contains(out, sign) {
				return errors.New("it has not said " + string(sign))
			}
		}
		return nil
	})
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
