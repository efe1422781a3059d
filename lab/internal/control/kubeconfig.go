package control

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// WritePeopleKubeconfig writes the kubeconfig that s.PeopleKubeconfig names. It
// holds no credentials: kubectl asks rolecall for a token, which signs with
// whatever AWS credentials there are. The first cluster is the current one.
func (s State) WritePeopleKubeconfig(rolecall string) error {
	k := clientcmdapi.NewConfig()
	for _, c := range s.Clusters {
		k.Clusters[c.Context] = &clientcmdapi.Cluster{Server: c.Endpoint, CertificateAuthorityData: []byte(c.CA)}
		k.AuthInfos[c.Context] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
			APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
			Command: rolecall, Args: []string{"token", "--cluster", c.Name, "--region", c.Region},
			InstallHint: "start the laboratory from a checkout of rolecall, or install rolecall",
		}}
		k.Contexts[c.Context] = &clientcmdapi.Context{Cluster: c.Context, AuthInfo: c.Context}
	}
	if len(s.Clusters) > 0 {
		k.CurrentContext = s.Clusters[0].Context
	}
	if err := clientcmd.WriteToFile(*k, s.PeopleKubeconfig); err != nil {
		return fmt.Errorf("writing the people's kubeconfig: %w", err)
	}
	return nil
}
