package command

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/lab/internal/control"
	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
)

// Formats in which session prints credentials.
const (
	formatEnv     = "env"
	formatJSON    = "json"
	formatProcess = "process"
)

func (p Process) session() *cobra.Command {
	var dir, format string
	var s laboratory.Session
	c := &cobra.Command{
		Use:   "session",
		Short: "Sign a person in and print the credentials",
		Long: `session does what signing in to Identity Center's access portal and choosing an
account and a permission set does: it prints the credentials the person gets, or
exits 1 with the reason why there are none. The environment also names a
kubeconfig, so that kubectl asks as that person.

-o process prints what the AWS SDKs expect of a credential_process.`,
		Example: `  eval "$(rolecall-lab session --user dana@example.com --account prod-payments --permission-set EKSDeveloper)"`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			values := map[string]string{"user": s.User, "account": s.Account, "permission-set": s.PermissionSet}
			if err := required(values, "user", "account", "permission-set"); err != nil {
				return err
			}
			write, err := credentialWriter(format)
			if err != nil {
				return err
			}
			st, err := p.running(dir)
			if err != nil {
				return err
			}
			creds, err := st.SignIn(c.Context(), s)
			if err != nil {
				return err
			}
			return write(p.Stdout, st, creds)
		},
	}
	p.dirFlag(c, &dir)
	c.Flags().StringVar(&s.User, "user", "", "Identity Center user name")
	c.Flags().StringVar(&s.Account, "account", "", "account name or id")
	c.Flags().StringVar(&s.PermissionSet, "permission-set", "", "permission set name")
	c.Flags().DurationVar(&s.Duration, "duration", 0, "how long the session lasts (default: as long as the permission set allows)")
	c.Flags().StringVarP(&format, "output", "o", formatEnv, "env, json or process")
	return c
}

// running reads where the laboratory is.
func (p Process) running(flag string) (control.State, error) {
	dir, err := p.labDir(flag)
	if err != nil {
		return control.State{}, err
	}
	return control.Read(dir)
}

type writer func(io.Writer, control.State, laboratory.Credentials) error

func credentialWriter(format string) (writer, error) {
	switch format {
	case formatEnv:
		return func(w io.Writer, st control.State, c laboratory.Credentials) error {
			return laboratory.WriteExports(w, append(laboratory.Environment(st.Endpoint, st.Region, c),
				laboratory.Variable{Name: "KUBECONFIG", Value: st.PeopleKubeconfig}))
		}, nil
	case formatJSON:
		return func(w io.Writer, _ control.State, c laboratory.Credentials) error { return writeJSON(w, c) }, nil
	case formatProcess:
		return writeProcess, nil
	}
	return nil, usageError{fmt.Errorf("--output %q is not one of env, json, process", format)}
}

// writeProcess writes the JSON of the AWS SDK reference guide's "Process
// credential provider".
func writeProcess(w io.Writer, _ control.State, c laboratory.Credentials) error {
	return writeJSON(w, struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}{1, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Expires.UTC().Format(time.RFC3339)})
}

func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("writing the credentials: %w", err)
	}
	return nil
}
