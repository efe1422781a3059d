package kube

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// ReadKubeconfig reads a file, or else the files that kubectl would read. Files that are not there are none; it is an error when
// one cannot be read, and when the file that was named is not there. What it returns holds no secret.
func ReadKubeconfig(file string) (access.Kubeconfig, error) {
	rules := loadingRules(file)
	out := access.Kubeconfig{Files: rules.GetLoadingPrecedence()}
	if file != "" {
		out.Files = []string{file}
	}
	raw, err := rules.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("reading the kubeconfig: %w", &access.CallError{Service: "kubeconfig", Operation: "read", Message: err.Error(), Condition: access.ErrNotFound})
	}
	if err != nil {
		return out, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	out.Current = raw.CurrentContext
	for name := range raw.Contexts {
		out.Contexts = append(out.Contexts, kubeContext(raw, name))
	}
	slices.SortFunc(out.Contexts, func(a, b access.KubeContext) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func loadingRules(file string) *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = file
	rules.WarnIfAllMissing = false
	return rules
}

func kubeContext(raw *clientcmdapi.Config, name string) access.KubeContext {
	in := raw.Contexts[name]
	out := access.KubeContext{Name: name, Cluster: in.Cluster, User: in.AuthInfo, Namespace: in.Namespace, Means: access.MeansNone}
	if err := clientcmd.ConfirmUsable(*raw, name); err != nil {
		out.Broken = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if c := raw.Clusters[in.Cluster]; c != nil {
		out.Server, out.ServerName, out.ProxyURL, out.Insecure = c.Server, c.TLSServerName, c.ProxyURL, c.InsecureSkipTLSVerify
		out.CA = string(c.CertificateAuthorityData)
		if out.CA == "" && c.CertificateAuthority != "" {
			pem, err := os.ReadFile(c.CertificateAuthority)
			if err == nil {
				out.CA = string(pem)
			}
		}
	}
	if u := raw.AuthInfos[in.AuthInfo]; u != nil {
		out.Means, out.Plugin = means(u)
	}
	return out
}

// means follows client-go: a plugin is asked only where there is no token and no certificate.
func means(u *clientcmdapi.AuthInfo) (access.Means, *access.ExecPlugin) {
	switch {
	case u.Token != "" || u.TokenFile != "":
		return access.MeansToken, nil
	case u.ClientCertificate != "" || len(u.ClientCertificateData) > 0:
		return access.MeansCertificate, nil
	case u.Exec != nil:
		return access.MeansPlugin, plugin(u.Exec)
	case u.Username != "" || u.AuthProvider != nil:
		return access.MeansOther, nil
	}
	return access.MeansNone, nil
}

func plugin(e *clientcmdapi.ExecConfig) *access.ExecPlugin {
	out := &access.ExecPlugin{Command: e.Command, Args: slices.Clone(e.Args), Env: map[string]string{}}
	for _, v := range e.Env {
		out.Env[v.Name] = v.Value
	}
	if path, err := exec.LookPath(e.Command); err == nil {
		out.Path = path
	}
	return out
}
