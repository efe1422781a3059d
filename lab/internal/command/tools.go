package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// tools fills the directory that leads the environment's PATH: this program, and
// the rolecall that is named or that of the checkout one is in. Outside a
// checkout the rolecall that is installed is used, if any.
func (p Process) tools(ctx context.Context, s *site, rolecall string) error {
	// What a laboratory left that was killed is in the way.
	if err := os.RemoveAll(s.bin()); err != nil {
		return fmt.Errorf("emptying the tools' directory: %w", err)
	}
	if err := os.MkdirAll(s.bin(), 0o700); err != nil {
		return fmt.Errorf("making the tools' directory: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if err := link(self, s.bin(), "rolecall-lab"); err != nil {
		return err
	}
	if rolecall != "" {
		if rolecall, err = exec.LookPath(rolecall); err != nil {
			return fmt.Errorf("finding --rolecall: %w", err)
		}
		return link(rolecall, s.bin(), "rolecall")
	}
	if root, err := product.Root(p.Dir); err == nil {
		fmt.Fprintln(p.Stderr, "building rolecall")
		_, err := product.Build(ctx, root, s.bin())
		return err
	}
	if installed, err := exec.LookPath("rolecall"); err == nil {
		return link(installed, s.bin(), "rolecall")
	}
	return nil
}

func link(target, dir, name string) error {
	target, err := filepath.Abs(target)
	if err == nil {
		err = os.Symlink(target, filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("putting %s on the PATH: %w", name, err)
	}
	return nil
}
