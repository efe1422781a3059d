// The program rolecall adds rows as "rolecall apply" does when it comes to a cluster: by internal/kube, in one write.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/kube"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run adds the rows of a JSON file.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("rolecall", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how the cluster is reached")
	file := flags.String("rows", "", "a JSON list of rows")
	owner := flags.String("owner", "platform", "whose rows they are")
	backup := flags.Bool("backup", false, "keep a copy of aws-auth in the cluster before it changes, as apply does")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading arguments: %w", err)
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return fmt.Errorf("reading rows: %w", err)
	}
	var rows []access.Row
	if err := json.Unmarshal(text, &rows); err != nil {
		return fmt.Errorf("reading rows: %w", err)
	}
	write := access.RowWrite{Owner: *owner}
	for i := range rows {
		write.Edits = append(write.Edits, access.RowEdit{After: &rows[i]})
	}
	if *backup {
		write.Backup = &access.Backup{Owner: *owner, Run: fmt.Sprintf("bench-%d", os.Getpid()), Command: "bench", Taken: time.Now()}
	}
	cluster := access.Cluster{ARN: "arn:aws:eks:eu-central-1:111122223333:cluster/bench"}
	client := kube.New(kube.Options{Overrides: map[access.ClusterARN]kube.Override{cluster.ARN: {Kubeconfig: *kubeconfig}}})
	if _, err := client.EditRows(ctx, cluster, write); err != nil {
		return fmt.Errorf("adding rows: %w", err)
	}
	return nil
}
