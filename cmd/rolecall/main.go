// Command rolecall gives IAM Identity Center users and groups access to EKS clusters.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rolecall-dev/rolecall/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.System(), os.Args)
	stop()
	os.Exit(code)
}
