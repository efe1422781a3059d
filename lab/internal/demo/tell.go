package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
)

const (
	paymentsEU = "prod-payments/payments-eu"
	shopEU     = "prod-shop/shop-eu"
)

// tell is the story: chapter after chapter, each on what the one before it left.
func (s *story) tell(ctx context.Context) error {
	before, err := s.foreign(ctx)
	if err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{s.first, s.people, s.revoke, s.byGroup, s.undo} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	after, err := s.foreign(ctx)
	if err != nil {
		return err
	}
	s.say("What was in aws-auth before is there byte for byte: node rows, foreign rows with their comments, mapUsers, mapAccounts, unknown keys.")
	s.expect(before == after, "compared the data of aws-auth in all three clusters with the start")
	fmt.Fprintf(s.Out, "\nTo try it by hand: make lab, then in another shell load the environment it prints.\n")
	return nil
}

func pods(namespace string) laboratory.Request {
	return laboratory.Request{Verb: "list", Resource: "pods", Namespace: namespace}
}

// first validates, plans, applies, and plans again.
func (s *story) first(ctx context.Context) error {
	s.say("The files are checked on their own: syntax, schema, meaning.")
	out, err := s.run(ctx, "validate")
	if err != nil {
		return err
	}
	s.show(out.All())
	s.expect(out.Code == 0, "no mistakes")

	s.say("The plan: EKSDeveloper is not provisioned anywhere yet, so the row of its role is known only after apply.")
	if out, err = s.run(ctx, "plan"); err != nil {
		return err
	}
	s.show(out.All())
	s.expect(strings.Contains(out.Stdout, "known after apply"), "the role is symbolic")
	s.expect(strings.Contains(out.Stdout, "payments/developers binds by user (payments-operators holds the role too)"), "the plan says why this grant binds by user")
	s.expect(strings.Contains(out.Stdout, "shop/leads binds by group"), "and that the other one binds by group, and what that means")

	s.say("It is carried out, and every part is verified.")
	if out, err = s.run(ctx, "apply", "--auto-approve"); err != nil {
		return err
	}
	s.show(out.All(), " ✔ ", " ✘ ", "Done:", "Not all done")
	s.expect(out.Code == 0, "done")
	return s.nothingLeft(ctx)
}

func (s *story) nothingLeft(ctx context.Context) error {
	s.say("A second plan has nothing to do.")
	out, err := s.run(ctx, "plan", "--detailed-exitcode")
	if err != nil {
		return err
	}
	s.show(out.All(), "Plan:")
	s.expect(out.Code == 0, "exit code 0: no changes")
	return nil
}

// people lets the people concerned try the door.
func (s *story) people(ctx context.Context) error {
	s.say("Dana is in payments-developers. She signs in through Identity Center and asks the API server with a signed token.")
	dana, err := s.signIn(ctx, "dana@example.com", "prod-payments", "EKSDeveloper")
	if err != nil {
		return fmt.Errorf("dana's session: %w", err)
	}
	s.expectAllowed(s.ask(ctx, dana, paymentsEU, pods("payments")), "she lists the pods of payments")
	s.expectForbidden(s.ask(ctx, dana, paymentsEU, pods("kube-system")), "she is refused in kube-system")

	s.say("Lee has no assignment: there is no session to ask with.")
	_, err = s.signIn(ctx, "lee@example.com", "prod-payments", "EKSDeveloper")
	if err != nil {
		s.show(err.Error())
	}
	s.expect(err != nil, "Identity Center gives no credentials")

	s.say("Kim is granted the same permission set for payments-us only, so he holds the same IAM role. He gets in at the door of payments-eu and can do nothing.")
	kim, err := s.signIn(ctx, "kim@example.com", "prod-payments", "EKSDeveloper")
	if err != nil {
		return fmt.Errorf("kim's session: %w", err)
	}
	s.expectForbidden(s.ask(ctx, kim, paymentsEU, pods("payments")), "403, not 401: known, and nothing more")
	s.expectAllowed(s.ask(ctx, kim, "prod-payments/payments-us", pods("payments")), "at his own cluster he sees the pods")
	return nil
}

// revoke takes Dana out of the group while her session runs.
func (s *story) revoke(ctx context.Context) error {
	s.say("Dana leaves the group while her session runs. Binding by user: the next run cuts her off at once.")
	dana, err := s.signIn(ctx, "dana@example.com", "prod-payments", "EKSDeveloper")
	if err != nil {
		return fmt.Errorf("dana's session: %w", err)
	}
	if err := s.admin(ctx, "group", "remove", "--group", "payments-developers", "--user", "dana@example.com"); err != nil {
		return err
	}
	out, err := s.run(ctx, "apply", "--auto-approve", "--people")
	if err != nil {
		return err
	}
	s.show(out.All(), "loses", " ✔ ", " ✘ ", "Done:", "Plan:")
	s.expect(out.Code == 0, "done")
	s.expectForbidden(s.ask(ctx, dana, paymentsEU, pods("payments")), "her running session is refused")
	_, err = s.signIn(ctx, "dana@example.com", "prod-payments", "EKSDeveloper")
	if err != nil {
		s.show(err.Error())
	}
	s.expect(err != nil, "and there is no new one")
	return nil
}

// byGroup shows the other way of binding.
func (s *story) byGroup(ctx context.Context) error {
	s.say("Rui leads the shop; that grant is bound by group. He leaves the group: his running session lasts until it ends, and the plan had said so.")
	rui, err := s.signIn(ctx, "rui@example.com", "prod-shop", "EKSOperator")
	if err != nil {
		return fmt.Errorf("rui's session: %w", err)
	}
	s.expectAllowed(s.ask(ctx, rui, shopEU, pods("shop")), "he lists the pods of shop")
	if err := s.admin(ctx, "group", "remove", "--group", "shop-leads", "--user", "rui@example.com"); err != nil {
		return err
	}
	out, err := s.run(ctx, "apply", "--auto-approve")
	if err != nil {
		return err
	}
	s.show(out.All(), "who leaves keeps it", "Plan:")
	s.expect(out.Code == 0 && strings.Contains(strings.Join(strings.Fields(out.Stdout), " "), "who leaves keeps it until the session ends"), "the plan says what leaving means")
	s.expectAllowed(s.ask(ctx, rui, shopEU, pods("shop")), "his running session still works")
	_, err = s.signIn(ctx, "rui@example.com", "prod-shop", "EKSOperator")
	if err != nil {
		s.show(err.Error())
	}
	s.expect(err != nil, "there is no new one")
	return nil
}

// undo takes the policies away again.
func (s *story) undo(ctx context.Context) error {
	s.say("The policies go. That would take the last assignments away, and with them the roles and their suffixes: a guard asks for that by name.")
	s.command("rm access/payments.yaml access/shop.yaml")
	for _, name := range []string{"payments.yaml", "shop.yaml"} {
		if err := os.Remove(filepath.Join(s.dir, "acme", "access", name)); err != nil {
			return fmt.Errorf("removing a policy: %w", err)
		}
	}
	out, err := s.run(ctx, "apply", "--auto-approve")
	if err != nil {
		return err
	}
	s.show(out.Stderr, "RC4009", "Refused")
	s.expect(out.Code == 5, "refused with exit code 5; nothing was changed")
	if out, err = s.run(ctx, "apply", "--auto-approve", "--allow-role-deletion"); err != nil {
		return err
	}
	s.show(out.All(), " ✔ ", " ✘ ", "Done:")
	s.expect(out.Code == 0, "with the flag that names it, everything of ours goes")
	return s.nothingLeft(ctx)
}

// foreign is the data of aws-auth in every cluster, as the API servers have it.
func (s *story) foreign(ctx context.Context) (string, error) {
	var all []any
	for _, c := range s.state.Clusters {
		data, err := s.awsAuth(ctx, c.Context)
		if err != nil {
			return "", err
		}
		all = append(all, c.Context, data)
	}
	b, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("comparing aws-auth: %w", err)
	}
	return string(b), nil
}
