// Package cli is the command line: it reads arguments and files, composes the
// pipeline with its adapters, and renders what comes out. It is the composition root.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// The exit codes; "rolecall --help" lists them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2
	exitFindings    = 3
	exitStale       = 4
	exitRefused     = 5
	exitIncomplete  = 6
	exitUsage       = 64
	exitInterrupted = 130
)

// Host is what a process gives the program: streams, environment, clock and working directory.
type Host struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal tells whether a stream is a terminal; Width is how wide stdout is.
	StdinTerminal, StdoutTerminal, StderrTerminal bool
	Getenv                                        func(string) string
	Now                                           func() time.Time
	// Pace multiplies the rates below which AWS is called; zero means one. Only a simulator takes more.
	Pace float64
}

// System is the host of a real process.
func System() Host {
	return Host{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		StdinTerminal: term.IsTerminal(int(os.Stdin.Fd())), StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())), StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
}

// failure is an error that knows its exit code. A silent one has been told already.
type failure struct {
	code   int
	err    error
	silent bool
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(format string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// told ends a command with a code after everything has been said.
func told(code int) error {
	return &failure{code: code, err: fmt.Errorf("exit %d", code), silent: true}
}

// app is one run of the program.
type app struct {
	host Host
	// name is how the program was called: rolecall, or kubectl rolecall.
	name  string
	flags struct {
		config, profile, region, kubeconfig, context, color, progress, logLevel, output, backupDir string
	}
}

// Main runs the command line and returns the exit code. argv[0] is the program's name.
func Main(ctx context.Context, host Host, argv []string) int {
	a := &app{host: host, name: "rolecall"}
	if filepath.Base(argv[0]) == "kubectl-rolecall" {
		a.name = "kubectl rolecall"
	}
	root := a.root() //nolint:contextcheck // cobra hands it to the commands
	root.SetArgs(argv[1:])
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(host.Stderr, "interrupted")
		return exitInterrupted
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{code: exitFailed, err: err}
	}
	if !f.silent {
		a.printError(f.err)
	}
	return f.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   a.name,
		Short: "Identity Center users and groups into EKS clusters, from one reviewed set of files",
		Long: `rolecall gives IAM Identity Center users and groups access to EKS clusters across every
account of an AWS organization, from one reviewed set of files.

  user ─ group ─ account assignment ─ permission set ─ IAM role ─ aws-auth row ─ RBAC binding

Exit codes: 0 done · 1 failed · 2 the plan has changes (--detailed-exitcode) · 3 findings ·
4 the saved plan is stale · 5 a guard refused · 6 data is incomplete (--require-complete) ·
64 usage · 130 interrupted`,
		Example: example(a.name,
			"validate --config examples/acme/rolecall.yaml",
			"plan --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json",
			"codes RC2002"),
		SilenceUsage: true, SilenceErrors: true,
		Args:              cobra.NoArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
	}
	root.SetOut(a.host.Stdout)
	root.SetErr(a.host.Stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see %q", err, cmd.CommandPath()+" --help")
	})
	root.AddCommand(a.migrateCommand(), a.modeCommand(), a.explainCommand(), a.doctorCommand(), a.whoCanCommand(), a.reportCommand(), a.testCommand(), a.exportCommand())
	f := root.PersistentFlags()
	f.StringVar(&a.flags.config, "config", "", "the installation file (default: rolecall.yaml, looked for upward from here)")
	f.StringVar(&a.flags.profile, "profile", "", "AWS profile")
	f.StringVar(&a.flags.region, "region", "", "AWS Region to call from")
	f.StringVar(&a.flags.kubeconfig, "kubeconfig", "", "kubeconfig that holds the contexts named in access.clusters")
	f.StringVar(&a.flags.context, "context", "", "kubeconfig context that leads into the estate's only cluster")
	f.StringVar(&a.flags.color, "color", "auto", "auto, always or never")
	f.StringVar(&a.flags.progress, "progress", "auto", "auto, plain or none")
	f.StringVar(&a.flags.logLevel, "log-level", "warn", "debug, info, warn or error")
	root.AddCommand(a.validateCommand(), a.lintCommand(), a.planCommand(), a.applyCommand(), a.backupCommand(), a.rollbackCommand(), a.snapshotCommand(), a.tokenCommand(),
		a.schemaCommand(), a.codesCommand(), a.completionCommand(), a.versionCommand())
	for _, c := range root.Commands() {
		c.Args = usageArgs(c.Args)
	}
	root.SetHelpCommand(a.helpCommand())
	root.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("there is no command %q; see %q", args[0], a.name+" --help")
		}
		return nil
	}
	return root
}

// helpCommand shows the help of a command; one that does not exist is misuse.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show the help of a command",
		Example: example(a.name, "help plan", "help validate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, _, err := cmd.Root().Find(args)
			if found == nil || err != nil || (found == cmd.Root() && len(args) > 0) {
				return usage("there is no command %q; see %q", strings.Join(args, " "), a.name+" --help")
			}
			return found.Help()
		},
	}
}

// usageArgs gives a wrong number of arguments the exit code of misuse.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage("%s is used so: %s; see %q", cmd.CommandPath(), strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd.CommandPath()+" --help")
		}
		return nil
	}
}

// example writes the lines of a command's examples.
func example(name string, lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("  " + name + " " + l + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// prepare takes ROLECALL_* for the flags that were not given, and checks the closed sets of values.
func (a *app) prepare(cmd *cobra.Command) error {
	var err error
	from := map[string]string{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		env := "ROLECALL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := a.host.Getenv(env); v != "" && !f.Changed && err == nil {
			from[f.Name] = env
			if e := cmd.Flags().Set(f.Name, v); e != nil {
				err = usage("%s: %w", env, e)
			}
		}
	})
	if err != nil {
		return err
	}
	return checkChoices(cmd, from)
}

// checkChoices refuses values outside the closed sets; from names the variables that values were taken from.
func checkChoices(cmd *cobra.Command, from map[string]string) error {
	for _, c := range []struct {
		flag   string
		values []string
	}{
		{"color", []string{"auto", "always", "never"}},
		{"log-level", []string{"debug", "info", "warn", "error"}},
		{"output", outputs(cmd)},
		{"progress", []string{"auto", "plain", "none"}},
	} {
		f := cmd.Flags().Lookup(c.flag)
		if f == nil || slices.Contains(c.values, f.Value.String()) {
			continue
		}
		given := "--" + c.flag
		if env, ok := from[c.flag]; ok {
			given = env
		}
		return usage("%s is %q; it may be %s", given, f.Value, strings.Join(c.values, ", "))
	}
	return nil
}

// outputFlag adds -o to a command, with the forms that every command has and further ones.
func (a *app) outputFlag(cmd *cobra.Command, further ...string) {
	forms := append([]string{"table", "json", "yaml"}, further...)
	last := len(forms) - 1
	f := cmd.Flags()
	f.StringVarP(&a.flags.output, "output", "o", "table", strings.Join(forms[:last], ", ")+" or "+forms[last])
	f.Lookup("output").Annotations = map[string][]string{outputForms: forms}
}

// outputForms annotates the flag -o with its values.
const outputForms = "rolecall_output_forms"

func outputs(cmd *cobra.Command) []string {
	if f := cmd.Flags().Lookup("output"); f != nil {
		return f.Annotations[outputForms]
	}
	return nil
}

// color tells whether stdout or stderr gets colour.
func (a *app) color(terminal bool) bool {
	switch a.flags.color {
	case "always":
		return true
	case "never":
		return false
	}
	return terminal && a.host.Getenv("NO_COLOR") == "" && a.host.Getenv("TERM") != "dumb"
}
