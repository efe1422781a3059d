package iam_test

import (
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

func TestListUsersFindsTheUsersOfTheAccountInPages(t *testing.T) {
	server, client := start(t)
	for _, u := range []*state.IAMUser{
		{Account: account, Name: "ann", Path: "/", ID: "AIDAANN0000000000000", CreatedAt: noon},
		{Account: account, Name: "bob", Path: "/staff/", ID: "AIDABOB0000000000000", CreatedAt: noon},
		{Account: "444455556666", Name: "eve", Path: "/", ID: "AIDAEVE0000000000000", CreatedAt: noon},
	} {
		server.State.IAMUsers[u.ARN("aws")] = u
	}
	var got []string
	pages := iamsdk.NewListUsersPaginator(client, &iamsdk.ListUsersInput{MaxItems: awssdk.Int32(1)})
	for pages.HasMorePages() {
		for _, u := range simtest.Must[*iamsdk.ListUsersOutput](t)(pages.NextPage(t.Context())).Users {
			got = append(got, *u.Arn+" "+*u.UserId+" "+u.CreateDate.Format("15:04"))
		}
	}
	want := []string{"arn:aws:iam::111122223333:user/ann AIDAANN0000000000000 12:00", "arn:aws:iam::111122223333:user/staff/bob AIDABOB0000000000000 12:00"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("users (-want +got):\n%s", d)
	}
	simtest.Must[*iamsdk.ListUsersOutput](t)(client.ListUsers(t.Context(), &iamsdk.ListUsersInput{PathPrefix: awssdk.String("/staff/")}))
	needs := []service.Need{{Action: "iam:ListUsers", Resources: []string{"arn:aws:iam::111122223333:user/staff/"}}}
	if d := cmp.Diff(needs, server.Needs[len(server.Needs)-1:]); d != "" {
		t.Errorf("needs (-want +got):\n%s", d)
	}
}
