package demo

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
)

const (
	paymentsEU = "prod-payments/payments-eu"
	paymentsUS = "prod-payments/payments-us"
	shopEU     = "prod-shop/shop-eu"
)

const preface = `What follows is one story, told by the commands that do it. To repeat it by hand: "make lab", and
for every name before a $ a shell that has loaded the environment it prints. The platform
engineer's shell stands in a copy of examples/acme.
`

const epilogue = `
To try it yourself: "make lab" keeps the laboratory up and says how to use it by hand. Edit
examples/acme/access/payments.yaml and plan again, or take somebody out of a group.
`

// tell is the story: chapter after chapter, each on what the one before it left.
func (s *story) tell(ctx context.Context) error {
	fmt.Fprint(s.out, "\n"+preface)
	before, err := s.allAWSAuth(ctx)
	if err != nil {
		return err
	}
	chapters := []func(context.Context) error{
		s.first,
		func(ctx context.Context) error { return s.written(ctx, before[paymentsEU]) },
		s.members, s.strangers, s.neighbours, s.byUser, s.byGroup, s.guard, s.undo,
		func(ctx context.Context) error { return s.untouched(ctx, before) },
	}
	for _, chapter := range chapters {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	fmt.Fprint(s.out, epilogue)
	return nil
}

func session(user, account, set string) laboratory.Session {
	return laboratory.Session{User: user + "@example.com", Account: account, PermissionSet: set}
}

// first validates, plans, applies, and plans again.
func (s *story) first(ctx context.Context) error {
	s.say("The files are checked on their own: syntax, schema, meaning.")
	out, err := s.run(ctx, "validate")
	if err != nil {
		return err
	}
	s.show(out.All())
	s.expect(that{"no mistakes", out.Code == 0})

	s.say("The plan. EKSDeveloper is not provisioned anywhere yet, so its role's ARN is known after apply only.")
	if out, err = s.run(ctx, "plan"); err != nil {
		return err
	}
	s.plan, s.planStep = out.Stdout, s.step
	s.show(out.All())
	s.expect(that{"exit code 0", out.Code == 0})
	s.expect(that{"the role is symbolic", says(s.plan, "known after apply")})
	s.expect(that{
		"it says why payments/developers binds by user",
		says(s.plan, "payments/developers binds by user (payments-operators holds the role too)"),
	})
	s.expect(that{"and that shop/leads binds by group", says(s.plan, "shop/leads binds by group (nobody else holds the role)")})

	s.say("It is carried out, and every part is verified.")
	if out, err = s.run(ctx, "apply", "--auto-approve"); err != nil {
		return err
	}
	s.showApply(out.All())
	s.expect(that{"done", out.Code == 0})
	return s.nothingLeft(ctx)
}

// showApply shows what was done without the plan, which comes first.
func (s *story) showApply(output string, words ...string) {
	s.show(output, append(words, " ✔ ", " ✘ ", "Done:", "Not all done", "error", "Plan:")...)
}

func (s *story) nothingLeft(ctx context.Context) error {
	s.say("Planned again, there is nothing to do.")
	out, err := s.run(ctx, "plan", "--detailed-exitcode")
	if err != nil {
		return err
	}
	s.show(out.All(), "Plan:")
	s.expect(that{"exit code 0, which with --detailed-exitcode means no changes", out.Code == 0})
	return nil
}

// written shows the row and that what else is in the ConfigMap stayed.
func (s *story) written(ctx context.Context, before map[string]string) error {
	s.say("In aws-auth of payments-eu these lines are new. All that was there stays as it was, comments and quoting included.")
	s.command(platform, fmt.Sprintf("kubectl get configmap aws-auth --context %s --namespace kube-system -o jsonpath='{.data.mapRoles}'", paymentsEU))
	after, err := s.awsAuth(ctx, paymentsEU)
	if err != nil {
		return err
	}
	lines, kept := added(before["mapRoles"], after["mapRoles"])
	for _, line := range lines {
		s.show("+ " + line)
	}
	s.expect(that{"every line that was in mapRoles is there, in its order", kept && len(lines) > 0})
	rest := maps.Clone(after)
	rest["mapRoles"] = before["mapRoles"]
	s.expect(that{"the other keys (" + strings.Join(keysBut(before, "mapRoles"), ", ") + ") are byte for byte the same", maps.Equal(before, rest)})
	return nil
}

func keysBut(data map[string]string, but string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(data)), func(k string) bool { return k == but })
}

// members let those in who are granted.
func (s *story) members(ctx context.Context) (err error) {
	s.say("Dana is in payments-developers. She signs in through Identity Center and asks the API server with a signed token.")
	if s.dana, err = s.mustSignIn(ctx, session("dana", "prod-payments", "EKSDeveloper")); err != nil {
		return err
	}
	s.expect(that{"she lists the pods of payments", s.listPods(ctx, s.dana, place{paymentsEU, "payments"}) == nil})
	err = s.listPods(ctx, s.dana, place{paymentsEU, "kube-system"})
	s.expect(that{"she is refused in kube-system (403)", apierrors.IsForbidden(err)})
	return nil
}

// strangers have no session.
func (s *story) strangers(ctx context.Context) error {
	s.say("Lee is in none of the groups, so Lee has no assignment, and there is no session to ask with.")
	_, err := s.signIn(ctx, session("lee", "prod-payments", "EKSDeveloper"))
	s.expect(that{"Identity Center gives no credentials", err != nil})
	return nil
}

// neighbours hold the role and not the grant.
func (s *story) neighbours(ctx context.Context) error {
	s.say("Kim is granted EKSDeveloper at payments-us only. The set has one IAM role in the account, so Kim gets in at payments-eu's door too, and can do nothing there.")
	kim, err := s.mustSignIn(ctx, session("kim", "prod-payments", "EKSDeveloper"))
	if err != nil {
		return err
	}
	err = s.listPods(ctx, kim, place{paymentsEU, "payments"})
	s.expect(that{"403, not 401: known there, and nothing more", apierrors.IsForbidden(err)})
	s.expect(that{"at payments-us Kim lists the pods", s.listPods(ctx, kim, place{paymentsUS, "payments"}) == nil})
	s.recall("payments/developers binds by user")
	s.expect(that{"so the grant binds by user, and the plan had said why", says(s.plan, "1 more get in at the door and can do nothing by it")})
	return nil
}

// recall shows again what the first plan said.
func (s *story) recall(phrase string) {
	fmt.Fprintf(s.out, "   The plan of step %d had said:\n", s.planStep)
	s.show(passage(s.plan, phrase))
}

// byUser takes Dana out of the group while her session runs.
func (s *story) byUser(ctx context.Context) error {
	s.say("Dana leaves the group while her session runs. The grant binds by user, so the next run cuts her off at once.")
	s.expect(that{"before it, her session works", s.listPods(ctx, s.dana, place{paymentsEU, "payments"}) == nil})
	if err := s.remove(ctx, "payments-developers", "dana@example.com"); err != nil {
		return err
	}
	out, err := s.run(ctx, "apply", "--auto-approve", "--people")
	if err != nil {
		return err
	}
	s.showApply(out.All(), "loses")
	s.expect(that{"done, and the plan named her as the one who loses", out.Code == 0 && says(out.All(), "loses dana@example.com")})
	err = s.listPods(ctx, s.dana, place{paymentsEU, "payments"})
	s.expect(that{"her running session is refused (403)", apierrors.IsForbidden(err)})
	_, err = s.signIn(ctx, session("dana", "prod-payments", "EKSDeveloper"))
	s.expect(that{"and there is no new one", err != nil})
	sam, err := s.mustSignIn(ctx, session("sam", "prod-payments", "EKSDeveloper"))
	if err != nil {
		return err
	}
	s.expect(that{"Sam, who stays in the group, goes on working", s.listPods(ctx, sam, place{paymentsEU, "payments"}) == nil})
	return nil
}

// byGroup shows the other way of binding.
func (s *story) byGroup(ctx context.Context) (err error) {
	s.say("Rui leads the shop, by a grant that binds by group. He leaves the group: his running session lasts until it ends.")
	if s.rui, err = s.mustSignIn(ctx, session("rui", "prod-shop", "EKSOperator")); err != nil {
		return err
	}
	s.expect(that{"he lists the pods of shop", s.listPods(ctx, s.rui, place{shopEU, "shop"}) == nil})
	if err := s.remove(ctx, "shop-leads", "rui@example.com"); err != nil {
		return err
	}
	out, err := s.run(ctx, "apply", "--auto-approve")
	if err != nil {
		return err
	}
	s.showApply(out.All())
	s.expect(that{"there was nothing to do: the group is bound, and Identity Center knows who is in it", out.Code == 0 && says(out.All(), "nothing to do")})
	s.expect(that{"his running session still works", s.listPods(ctx, s.rui, place{shopEU, "shop"}) == nil})
	s.recall("shop/leads binds by group")
	s.expect(that{"as the plan had said", says(s.plan, "who leaves keeps it until the session ends")})
	_, err = s.signIn(ctx, session("rui", "prod-shop", "EKSOperator"))
	s.expect(that{"and there is no new one", err != nil})
	return nil
}

// guard takes the policies away and is stopped.
func (s *story) guard(ctx context.Context) error {
	s.say("The policies go. That would take the last assignments away, and with them the IAM roles: a guard wants that said in so many words.")
	before, err := s.allAWSAuth(ctx)
	if err != nil {
		return err
	}
	s.command(platform, "rm access/payments.yaml access/shop.yaml")
	for _, name := range []string{"payments.yaml", "shop.yaml"} {
		if err := os.Remove(filepath.Join(s.example(), "access", name)); err != nil {
			return fmt.Errorf("removing a policy: %w", err)
		}
	}
	out, err := s.run(ctx, "apply", "--auto-approve")
	if err != nil {
		return err
	}
	s.show(out.Stderr, "RC4009", "Refused")
	s.expect(that{"refused by RC4009, exit code 5", out.Code == 5 && says(out.Stderr, "RC4009")})
	after, err := s.allAWSAuth(ctx)
	if err != nil {
		return err
	}
	s.expect(that{"nothing was changed: Rui's session still works", same(before, after) && s.listPods(ctx, s.rui, place{shopEU, "shop"}) == nil})
	return nil
}

// undo takes away all that rolecall made.
func (s *story) undo(ctx context.Context) error {
	s.say("With the flags that say so, everything rolecall made goes.")
	out, err := s.run(ctx, "apply", "--auto-approve", "--allow-role-deletion", "--max-removals", "100%")
	if err != nil {
		return err
	}
	s.showApply(out.All())
	s.expect(that{"done", out.Code == 0})
	err = s.listPods(ctx, s.rui, place{shopEU, "shop"})
	s.expect(that{"that ends Rui's running session too", apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)})
	return s.nothingLeft(ctx)
}

// untouched compares what was there before the story with what is there after it.
func (s *story) untouched(ctx context.Context, before map[string]map[string]string) error {
	s.say("What others wrote is as it was: node rows, foreign rows with their comments, mapUsers, mapAccounts, keys nobody knows.")
	after, err := s.allAWSAuth(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		size := 0
		for _, text := range before[name] {
			size += len(text)
		}
		s.show(fmt.Sprintf("%s: compared %d bytes under %s", name, size, strings.Join(slices.Sorted(maps.Keys(before[name])), ", ")))
	}
	s.expect(that{"the data of aws-auth is byte for byte what it was at the start, in every cluster", same(before, after)})
	return nil
}

func same(a, b map[string]map[string]string) bool { return maps.EqualFunc(a, b, maps.Equal) }
