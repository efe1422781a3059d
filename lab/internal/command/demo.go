package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/lab/internal/demo"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

func (p Process) demo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Tell the whole story: plan, apply, people at the cluster's door, revocation",
		Long: `demo starts a laboratory, runs the rolecall of this checkout against it, and acts
as the people concerned. Every step prints the commands that did it, and whether
it went as told; when anything did not, the exit code is 1. Nothing is left.`,
		Example: `  rolecall-lab demo`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			root, err := product.Root(p.Dir)
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("finding this program: %w", err)
			}
			// Here, where what it says is seen: the laboratory finds them built.
			if _, err := p.binaries(c.Context()); err != nil {
				return err
			}
			if err := demo.Run(c.Context(), demo.Options{Root: root, Lab: self, Out: p.Stdout, Progress: p.Stderr}); err != nil {
				return fmt.Errorf("the demo: %w", err)
			}
			return nil
		},
	}
}
