package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p Process) build() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build the programs of a control plane, unless they are there",
		Long: `build makes kube-apiserver, etcd and aws-iam-authenticator from the Go modules
that lab/controlplane pins, once: about 5 minutes on two cores. Programs in
$KUBEBUILDER_ASSETS are used instead when all three are there.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := p.binaries(c.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Stdout, "%s\n%s\n%s\n", set.APIServer, set.Etcd, set.Authenticator)
			return nil
		},
	}
}
