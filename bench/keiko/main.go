// The program keiko lets keikoproj/aws-auth add rows: by its own command line as it is, or by its library, which the command line does
// not reach.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/keikoproj/aws-auth/cmd/cli"
	"github.com/keikoproj/aws-auth/pkg/mapper"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// row is a row of mapRoles.
type row struct {
	RoleARN  string   `json:"roleArn"`
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "library" {
		if err := library(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	cli.Execute()
}

// library adds the rows of a JSON file, in one call or one by one.
func library(args []string) error {
	flags := flag.NewFlagSet("library", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how the cluster is reached")
	file := flags.String("rows", "", "a JSON list of rows")
	each := flags.Bool("each", false, "one Upsert per row instead of one UpsertMultiple")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading arguments: %w", err)
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return fmt.Errorf("reading rows: %w", err)
	}
	var rows []row
	if err := json.Unmarshal(text, &rows); err != nil {
		return fmt.Errorf("reading rows: %w", err)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	// Its own command line keeps client-go's default of five requests a second; a batch should not be measured by that.
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if *each {
		return one(client, rows)
	}
	var maps []*mapper.RolesAuthMap
	for _, r := range rows {
		maps = append(maps, mapper.NewRolesAuthMap(r.RoleARN, r.Username, r.Groups))
	}
	if err := mapper.New(client, false).UpsertMultiple(maps, nil); err != nil {
		return fmt.Errorf("adding rows: %w", err)
	}
	return nil
}

func one(client kubernetes.Interface, rows []row) error {
	keiko := mapper.New(client, false)
	for _, r := range rows {
		err := keiko.Upsert(&mapper.MapperArguments{
			OperationType: mapper.OperationUpsert, MapRoles: true, RoleARN: r.RoleARN, Username: r.Username, Groups: r.Groups,
		})
		if err != nil {
			return fmt.Errorf("adding %s: %w", r.RoleARN, err)
		}
	}
	return nil
}
