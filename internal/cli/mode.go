package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

// modeFlags are the flags of the verb.
type modeFlags struct {
	migrating
	to string
}

func (a *app) modeCommand() *cobra.Command {
	var m modeFlags
	cmd := &cobra.Command{
		Use:   "mode CLUSTER --to MODE",
		Short: "Move a cluster to the next authentication mode, which is one-way",
		Long: `Moves a cluster from CONFIG_MAP to API_AND_CONFIG_MAP, in which access entries count beside aws-auth, or from there to API, in
which aws-auth is ignored. EKS never goes back. For API every row that works today needs an access entry that is there and
wins; otherwise it is refused.`,
		Example: example(a.name, "mode payments-eu --to API_AND_CONFIG_MAP", "mode payments-eu --to API --auto-approve"),
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.mode(cmd.Context(), args, m) },
	}
	a.outputFlag(cmd)
	cmd.Flags().StringVar(&m.to, "to", "", "API_AND_CONFIG_MAP or API")
	cmd.Flags().BoolVar(&m.options.AllowNodeRows, "allow-node-rows", false, "pass guard RC4003: rows of nodes without an entry are ignored from then on")
	cmd.Flags().BoolVar(&m.approve, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&m.dry, "dry-run", false, "only say whether it may")
	return cmd
}

// modeView is a change of mode for scripts.
type modeView struct {
	APIVersion string                    `json:"apiVersion"`
	Kind       string                    `json:"kind"`
	Cluster    access.ClusterARN         `json:"cluster"`
	From       access.AuthenticationMode `json:"from"`
	To         access.AuthenticationMode `json:"to"`
	Refusals   diag.List                 `json:"refusals"`
	Outcomes   []migrate.Outcome         `json:"outcomes"`
}

func (a *app) mode(ctx context.Context, refs []string, m modeFlags) error {
	to := access.AuthenticationMode(m.to)
	if m.to == "" {
		return usage("--to is missing: %s or %s", access.ModeAPIAndConfigMap, access.ModeAPI)
	}
	if to != access.ModeAPIAndConfigMap && to != access.ModeAPI {
		return usage("--to is %q; it may be %s or %s", m.to, access.ModeAPIAndConfigMap, access.ModeAPI)
	}
	all, err := a.movings(ctx, refs, m.migrating)
	if err != nil {
		return err
	}
	v := all[0]
	view := modeView{
		APIVersion: apiVersion, Kind: "ModeChange", Cluster: v.cluster.ARN, From: v.cluster.Mode, To: to,
		Refusals: append(diag.List{}, v.modeRefusals(m.migrating, to)...), Outcomes: []migrate.Outcome{},
	}
	switch {
	case len(view.Refusals) > 0:
		if a.flags.output != "table" {
			if err := a.document(view); err != nil {
				return err
			}
		}
		if err := a.diagnostics(v.named(view.Refusals)); err != nil {
			return err
		}
		a.say("Refused. Nothing was changed.")
		return told(exitRefused)
	case v.cluster.Mode == to:
		return a.endMode(ctx, v, view, "is in mode "+m.to+" already")
	}
	if a.flags.output == "table" {
		if err := a.print("%s", modeNotice(v, to)); err != nil {
			return err
		}
	}
	if m.dry {
		return a.endMode(ctx, v, view, "may go to "+m.to+"; nothing was changed")
	}
	if !m.approve {
		if err := a.confirm(ctx, fmt.Sprintf("Move %s to %s for good, as %s?", v.cluster.Name, to, v.e.index.Caller.ARN)); err != nil {
			return err
		}
	}
	a.switchMode(ctx, v, m.migrating, to)
	view.Outcomes, view.Refusals = append(view.Outcomes, v.result...), append(view.Refusals, v.refusals...)
	return a.endMode(ctx, v, view, "is in mode "+m.to+beyondMode(a, v, to))
}

// beyondMode says what comes after a mode.
func beyondMode(a *app, v *moving, to access.AuthenticationMode) string {
	if to == access.ModeAPI || len(v.proof.Rows) == 0 {
		return ""
	}
	return "; next: " + v.command(a, migrating{})
}

// modeNotice says what the mode means.
func modeNotice(v *moving, to access.AuthenticationMode) string {
	var l lines
	l.line("%s   %s → %s", v.e.index.ClusterName(v.cluster.ARN), v.cluster.Mode, to)
	l.line("  This is one-way: EKS never goes back.")
	if to == access.ModeAPI {
		l.line("  aws-auth is ignored from then on. Every row that works today has its access entry.")
		return l.b.String()
	}
	l.line("  Rows go on counting. EKS makes entries for the cluster's creator, if it had that right, and for the roles of")
	l.line("  its managed nodes and Fargate profiles; for those principals the entry wins over a row.")
	return l.b.String()
}

func (a *app) endMode(ctx context.Context, v *moving, view modeView, what string) error {
	failed := len(v.trouble) > 0 || !migrate.Complete(v.result)
	if a.flags.output != "table" {
		if err := a.document(view); err != nil {
			return err
		}
	} else if !failed && ctx.Err() == nil {
		if err := a.print("%s %s.\n", diag.Escape(v.cluster.Name), what); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return told(exitInterrupted)
	case len(v.refusals) > 0:
		return told(exitRefused)
	case failed:
		return told(exitFailed)
	}
	return nil
}
