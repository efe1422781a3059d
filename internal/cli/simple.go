package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/aws"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
	"github.com/rolecall-dev/rolecall/schema"
)

func (a *app) validateCommand() *cobra.Command {
	var src sources
	var file, failOn string
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the files: syntax, schema and meaning",
		Long: `Checks the installation and its policies. Without a snapshot it checks what the files alone can
show and needs no network; with one it also checks names, selectors and roles.`,
		Example: example(a.name, "validate --config examples/acme/rolecall.yaml",
			"validate --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json",
			"validate --config examples/acme/rolecall.yaml -f examples/acme/access/shop.yaml --fail-on warning"),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.validate(src, file, failOn) },
	}
	src.register(cmd)
	a.outputFlag(cmd)
	cmd.Flags().StringVar(&file, "snapshot", "", "check names and selectors against this snapshot")
	cmd.Flags().StringVar(&failOn, "fail-on", "error", "the least severity that ends with exit code 3: error, warning or note")
	return cmd
}

func (a *app) validate(src sources, file, failOn string) error {
	threshold, err := diag.ParseSeverity(failOn)
	if err != nil {
		return usage("--fail-on: %w", err)
	}
	in, err := a.load(src)
	if err != nil {
		return err
	}
	ds := in.diagnostics
	if file != "" && in.installation != nil {
		s, err := readSnapshot(file)
		if err != nil {
			return err
		}
		r := desired.Build(desired.Input{Installation: in.installation, Policies: in.policies, Index: snapshot.NewIndex(s), Coverage: in.coverage})
		ds = append(ds, r.Diagnostics...)
		ds.Sort()
	}
	if a.flags.output != "table" {
		err = a.document(diag.NewFindings(ds))
	} else {
		if err = a.diagnostics(ds); err == nil {
			policies := count(len(in.policies.Policies), "policy")
			err = a.print("%s with %s: %s\n", policies, count(len(in.policies.Grants()), "grant"), ds.Count())
		}
	}
	if err != nil {
		return err
	}
	if ds.Max().AtLeast(threshold) {
		return told(exitFindings)
	}
	return nil
}

func (a *app) snapshotCommand() *cobra.Command {
	var src sources
	var out string
	var complete, showStats bool
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Collect the observed state of the installation's estate",
		Long: `Reads everything the installation looks after and saves it: accounts, Identity Center, roles,
clusters, aws-auth and RBAC. The file names people and is written for you alone (0600).`,
		Example: example(a.name, "snapshot --out today.json", "snapshot --require-complete --out today.json", "snapshot --stats --out today.json"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := a.load(src)
			if err != nil {
				return err
			}
			if in.diagnostics.HasErrors() {
				return a.refuseFiles(in.diagnostics)
			}
			in.tags = true // whoever asks the file later may ask by them
			w, err := a.connect(cmd.Context(), in.installation)
			if err != nil {
				return err
			}
			if showStats {
				defer a.printStats(w.stats)
			}
			s, err := a.observe(cmd.Context(), in, "", w)
			if err != nil {
				return err
			}
			return a.saveSnapshot(s, out, complete)
		},
	}
	src.register(cmd)
	cmd.AddCommand(a.snapshotDiffCommand())
	cmd.Flags().StringVar(&out, "out", "", "the file to write (default: stdout)")
	cmd.Flags().BoolVar(&complete, "require-complete", false, "end with exit code 6 when something could not be read")
	cmd.Flags().BoolVar(&showStats, "stats", false, "print the calls made, by operation")
	return cmd
}

func (a *app) saveSnapshot(s *snapshot.Snapshot, out string, complete bool) error {
	for _, g := range s.Gaps {
		a.say("not read: %s", gapLine(snapshot.NewIndex(s), g))
	}
	write := s.Encode
	var err error
	if out == "" {
		var b bytes.Buffer
		if err = write(&b); err == nil {
			_, err = a.host.Stdout.Write(diag.EscapeJSON(b.Bytes()))
		}
	} else {
		err = writeFile(out, func(w io.Writer) error { return write(w) })
		a.say("Saved %s, %s, %s to %s", count(len(s.Estate), "account"), count(len(s.Clusters), "cluster"), count(len(s.Gaps), "gap"), out)
	}
	if err != nil {
		return err
	}
	if complete && !s.Complete() {
		return told(exitIncomplete)
	}
	return nil
}

// refuseFiles prints the mistakes in the files and fails.
func (a *app) refuseFiles(ds diag.List) error {
	if err := a.diagnostics(ds); err != nil {
		return err
	}
	a.say("%s. Nothing was read or changed.", ds.Count())
	return told(exitFailed)
}

func (a *app) tokenCommand() *cobra.Command {
	var cluster string
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a token for a cluster, as a kubectl credential plugin",
		Long: `Signs a token with your own credentials and prints it as an ExecCredential. It calls no API beyond
what your credentials take. The token names the partition's regional STS host, whatever endpoints are configured:
the authenticator accepts nothing else.`,
		Example: example(a.name, "token --cluster payments-eu --region eu-central-1",
			"token --cluster arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu",
			"token --cluster payments-eu --region eu-central-1 --profile payments"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, region := cluster, a.flags.region
			if arn := access.ClusterARN(cluster); arn.Name() != "" {
				name, region = arn.Name(), arn.Region()
			}
			if name == "" {
				return usage("--cluster is missing: name a cluster, or give its ARN")
			}
			client, err := aws.New(cmd.Context(), aws.Options{Profile: a.flags.profile, Region: region, Clock: a.host.Now, Log: a.logger()})
			if err != nil {
				return fmt.Errorf("preparing the AWS client: %w", err)
			}
			token, expires, err := client.OwnToken(cmd.Context(), name, region)
			if err != nil {
				return fmt.Errorf("signing a token for %s: %w", name, err)
			}
			return a.execCredential(token, expires)
		},
	}
	cmd.Flags().StringVar(&cluster, "cluster", "", "name or ARN of the cluster")
	return cmd
}

// execCredential answers in the version that kubectl asks for.
func (a *app) execCredential(token string, expires time.Time) error {
	version := "client.authentication.k8s.io/v1beta1"
	if info := a.host.Getenv("KUBERNETES_EXEC_INFO"); info != "" {
		var asked struct {
			APIVersion string `json:"apiVersion"`
		}
		if err := json.Unmarshal([]byte(info), &asked); err != nil {
			return fmt.Errorf("reading KUBERNETES_EXEC_INFO: %w", err)
		}
		switch asked.APIVersion {
		case version, "client.authentication.k8s.io/v1":
			version = asked.APIVersion
		default:
			return fmt.Errorf("kubectl asks for a credential in version %q; this program answers in client.authentication.k8s.io/v1beta1 and v1", asked.APIVersion)
		}
	}
	return a.document(map[string]any{
		"apiVersion": version, "kind": "ExecCredential",
		"spec":   map[string]any{"interactive": false},
		"status": map[string]any{"token": token, "expirationTimestamp": expires.UTC().Format(time.RFC3339)},
	})
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of a file or of what a command prints",
		Long: "Prints the JSON Schema of the files that people write (" + strings.Join(schema.Written(), ", ") + ") and of the documents that commands\n" +
			"print with -o json or -o yaml, or save; without a kind it lists them. To a printed document more members may be added.",
		Example:   example(a.name, "schema", "schema ClusterAccess", "schema Plan"),
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: schema.Kinds(),
		RunE: func(_ *cobra.Command, args []string) error {
			text := []byte(strings.Join(schema.Kinds(), "\n") + "\n")
			if len(args) == 1 {
				var ok bool
				for _, k := range schema.Kinds() {
					if strings.EqualFold(k, args[0]) {
						text, ok = schema.Of(k)
					}
				}
				if !ok {
					return usage("there is no kind %q; it may be %s", args[0], strings.Join(schema.Kinds(), ", "))
				}
			}
			if _, err := a.host.Stdout.Write(text); err != nil {
				return fmt.Errorf("writing the schema: %w", err)
			}
			return nil
		},
	}
}

func (a *app) codesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "codes [CODE]",
		Short:   "Explain a diagnostic code, or list them all",
		Example: example(a.name, "codes RC2002", "codes", "codes -o json"),
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			codes := diag.Codes()
			if len(args) == 1 {
				e, ok := diag.Lookup(diag.Code(strings.ToUpper(args[0])))
				if !ok {
					return usage("there is no code %q; %q lists them", args[0], a.name+" codes")
				}
				if a.flags.output == "table" {
					if err := diag.Explain(a.host.Stdout, e); err != nil {
						return fmt.Errorf("writing the explanation: %w", err)
					}
					return nil
				}
				codes = []diag.Code{e.Code}
			}
			return a.listCodes(codes)
		},
	}
	a.outputFlag(cmd)
	return cmd
}

// codesDocument is the registry of codes for scripts.
type codesDocument struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Codes      []codeLine `json:"codes"`
}

type codeLine struct {
	Code     diag.Code     `json:"code"`
	Severity diag.Severity `json:"severity"`
	Title    string        `json:"title"`
	// Flag passes the guard that the code is of; empty where none does.
	Flag string `json:"flag,omitempty"`
}

// versionDocument says what is running, for scripts.
type versionDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Version    string `json:"version"`
	Revision   string `json:"revision"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

func (a *app) listCodes(codes []diag.Code) error {
	var out []codeLine
	t := newTable()
	for _, c := range codes {
		e, _ := diag.Lookup(c)
		out = append(out, codeLine{c, e.Severity, e.Title, e.Flag})
		t.row(string(c), e.Severity.String(), e.Title)
	}
	if a.flags.output != "table" {
		return a.document(codesDocument{apiVersion, "Codes", out})
	}
	if _, err := fmt.Fprint(a.host.Stdout, t); err != nil {
		return fmt.Errorf("writing the codes: %w", err)
	}
	return nil
}

const apiVersion = "rolecall.dev/v1alpha1"

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print the completion script of a shell",
		Example:   example(a.name, "completion bash", "completion zsh", "completion fish"),
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), a.host.Stdout
			var err error
			switch args[0] {
			case "bash":
				err = root.GenBashCompletionV2(out, true)
			case "zsh":
				err = root.GenZshCompletion(out)
			case "fish":
				err = root.GenFishCompletion(out, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(out)
			default:
				return usage("there is no completion for %q; it may be bash, zsh, fish or powershell", args[0])
			}
			if err != nil {
				return fmt.Errorf("writing the completion script: %w", err)
			}
			return nil
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: example(a.name, "version", "version -o json"),
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version, revision := "(devel)", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				if info.Main.Version != "" {
					version = info.Main.Version
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = s.Value
					}
				}
			}
			if a.flags.output != "table" {
				return a.document(versionDocument{apiVersion, "Version", version, revision, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintln(a.host.Stdout, strings.TrimSpace("rolecall "+version+" "+revision), runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
			if err != nil {
				return fmt.Errorf("writing the version: %w", err)
			}
			return nil
		},
	}
	a.outputFlag(cmd)
	return cmd
}
