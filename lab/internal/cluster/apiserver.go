package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rolecall-dev/rolecall/lab/internal/proc"
)

// writeKeys writes what the API server reads: its certificate, the authority
// for client certificates and the key for service account tokens.
func (c *Cluster) writeKeys() error {
	server, err := c.authority.Server("127.0.0.1", "localhost")
	if err != nil {
		return err
	}
	accounts, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making the service account key: %w", err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(accounts)})
	files := []struct {
		name string
		data []byte
	}{
		{"ca.crt", c.authority.PEM}, {"apiserver.crt", server.Cert}, {"apiserver.key", server.Key}, {"service-accounts.key", secret},
	}
	for _, f := range files {
		if err := c.write(f.name, f.data); err != nil {
			return err
		}
	}
	return nil
}

// startAPIServer returns when the API server says it is ready, which includes
// the ClusterRoles every cluster has.
func (c *Cluster) startAPIServer(ctx context.Context, etcd *Etcd) error {
	authorization, err := c.authorization()
	if err != nil {
		return err
	}
	p, err := c.env.Processes.Start(proc.Command{
		Name: "kube-apiserver of " + c.spec.ID, Path: c.env.Binaries.APIServer, Log: c.path("kube-apiserver.log"),
		Args: append(
			authorization,
			"--etcd-servers="+etcd.endpoint, "--etcd-prefix=/"+c.spec.ID,
			"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports.api),
			"--tls-cert-file="+c.path("apiserver.crt"), "--tls-private-key-file="+c.path("apiserver.key"),
			"--client-ca-file="+c.path("ca.crt"), "--cert-dir="+c.dir,
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file="+c.path("service-accounts.key"),
			"--service-account-signing-key-file="+c.path("service-accounts.key"),
			"--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
			// No controller makes service accounts, and pods here never run.
			"--disable-admission-plugins=ServiceAccount", "--allow-privileged=true",
			"--authentication-token-webhook-config-file="+c.path("authenticator/webhook.kubeconfig"),
			"--authentication-token-webhook-cache-ttl=0s",
		),
	})
	if err != nil {
		return err
	}
	c.apiServer = p
	client, err := c.Client()
	if err != nil {
		return err
	}
	return await(ctx, p, func() error {
		body, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("asking whether it is ready: %w: %s", err, body)
		}
		return nil
	})
}

// authorization returns the flags that say who decides what a caller may do.
// What the authorizer says is not remembered, so changes count at once.
func (c *Cluster) authorization() ([]string, error) {
	if c.env.Authorizer == nil {
		return []string{"--authorization-mode=Node,RBAC"}, nil
	}
	k := Kubeconfig(map[string]*rest.Config{"authorizer": {Host: c.env.Authorizer.URL(c.spec.ID)}}, "authorizer")
	if err := clientcmd.WriteToFile(k, c.path("authorizer.kubeconfig")); err != nil {
		return nil, fmt.Errorf("writing the authorizer's kubeconfig: %w", err)
	}
	return []string{
		"--authorization-mode=Node,RBAC,Webhook", "--authorization-webhook-version=v1",
		"--authorization-webhook-config-file=" + c.path("authorizer.kubeconfig"),
		"--authorization-webhook-cache-authorized-ttl=0s", "--authorization-webhook-cache-unauthorized-ttl=0s",
	}, nil
}
