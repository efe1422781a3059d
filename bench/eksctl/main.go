// The program eksctl lets eksctl's library add rows, as "eksctl create iamidentitymapping" does without the calls to AWS before it, plan the
// migration of a cluster, and read a configuration file.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/weaveworks/eksctl/pkg/authconfigmap"
	"github.com/weaveworks/eksctl/pkg/iam"
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
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 1 && args[0] == "migrate":
		err = migrate(os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == "load":
		err = load(args[1], os.Stdout)
	default:
		err = run(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run adds the rows of a JSON file, one by one or under one save.
func run(args []string) error {
	flags := flag.NewFlagSet("eksctl", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how the cluster is reached")
	file := flags.String("rows", "", "a JSON list of rows")
	each := flags.Bool("each", false, "read and save for every row")
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
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if !*each {
		return add(client, rows)
	}
	for _, r := range rows {
		if err := add(client, []row{r}); err != nil {
			return err
		}
	}
	return nil
}

func add(client kubernetes.Interface, rows []row) error {
	acm, err := authconfigmap.NewFromClientSet(client)
	if err != nil {
		return fmt.Errorf("reading aws-auth: %w", err)
	}
	for _, r := range rows {
		id, err := iam.NewIdentity(r.RoleARN, r.Username, r.Groups)
		if err == nil {
			err = acm.AddIdentityIfNotPresent(id, func(i iam.Identity) bool { return iam.CompareIdentity(id, i) })
		}
		if err != nil {
			return fmt.Errorf("adding %s: %w", r.RoleARN, err)
		}
	}
	if err := acm.Save(); err != nil {
		return errors.Join(errors.New("saving aws-auth"), err)
	}
	return nil
}
