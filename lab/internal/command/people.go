package command

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
)

// group changes memberships, as an administrator does by hand.
func (p Process) group() *cobra.Command {
	c := &cobra.Command{Use: "group", Short: "Change who is in a group of Identity Center"}
	c.AddCommand(
		p.membership("add", "Make a user a member of a group", (*laboratory.Directory).Join),
		p.membership("remove", "End a user's membership of a group", (*laboratory.Directory).Leave),
	)
	return c
}

func (p Process) membership(verb, short string, change func(*laboratory.Directory, context.Context, string, string) error) *cobra.Command {
	var dir, user, group string
	c := &cobra.Command{
		Use: verb, Short: short, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(map[string]string{"user": user, "group": group}, "group", "user"); err != nil {
				return err
			}
			people, err := p.directory(c.Context(), dir)
			if err != nil {
				return err
			}
			if err := change(people, c.Context(), user, group); err != nil {
				return err
			}
			fmt.Fprintf(p.Stderr, "%s: %s %s\n", group, verb, user)
			return nil
		},
	}
	p.dirFlag(c, &dir)
	c.Flags().StringVar(&group, "group", "", "group name")
	c.Flags().StringVar(&user, "user", "", "Identity Center user name")
	return c
}

// user changes people.
func (p Process) user() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Disable or enable a user of Identity Center"}
	c.AddCommand(
		p.status("disable", "Disable a user", types.UserStatusDisabled),
		p.status("enable", "Enable a user", types.UserStatusEnabled),
	)
	return c
}

func (p Process) status(verb, short string, status types.UserStatus) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: verb + " USER", Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s needs one user name", verb)}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			people, err := p.directory(c.Context(), dir)
			if err != nil {
				return err
			}
			if err := people.SetStatus(c.Context(), args[0], status); err != nil {
				return err
			}
			fmt.Fprintf(p.Stderr, "%s: %s\n", args[0], status)
			return nil
		},
	}
	p.dirFlag(c, &dir)
	return c
}

func (p Process) directory(ctx context.Context, flag string) (*laboratory.Directory, error) {
	st, err := p.running(flag)
	if err != nil {
		return nil, err
	}
	return laboratory.OpenDirectory(ctx, laboratory.Config(st.Endpoint, st.Region, st.Administrator))
}
