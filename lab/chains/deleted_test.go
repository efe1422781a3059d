package chains_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
)

// deleted is the case that is no chain: of somebody who is not in Identity Center, explain says that there is nobody of the name. A session that
// they have from before goes on until it ends.
func (w *world) deleted(t *testing.T) {
	w.heal(t, w.Member(t, shop))
	const name = "deleted@example.com"
	c := chain{person: name}.with()
	before := w.arrive(t, c, w.Member(t, shop))
	w.answers(t, c, before, allowed)

	ctx, client := t.Context(), identitystore.NewFromConfig(w.Administrator(t))
	instances, err := ssoadmin.NewFromConfig(w.Administrator(t)).ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	store, attribute := instances.Instances[0].IdentityStoreId, "userName"
	id, err := client.GetUserId(ctx, &identitystore.GetUserIdInput{IdentityStoreId: store, AlternateIdentifier: &types.AlternateIdentifierMemberUniqueAttribute{
		Value: types.UniqueAttribute{AttributePath: &attribute, AttributeValue: document.NewLazyDocument(name)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: store, UserId: id.UserId}); err != nil {
		t.Fatal(err)
	}
	w.answers(t, c, before, allowed)
	if after := w.arrive(t, c, w.Member(t, shop)); after.signedIn {
		t.Errorf("Identity Center gives %s a session after all", name)
	}
	out := w.run(t, w.Caller(t), 1, "explain", name, "--cluster", shop, c.asked)
	if want := "there is no user \"deleted@example.com\" in Identity Center: deleted, renamed or misspelled"; !strings.Contains(out.Stderr, want) {
		t.Errorf("explain does not say %q:\n%s", want, out.All())
	}
}
