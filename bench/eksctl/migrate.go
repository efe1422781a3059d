package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/kris-nova/logger"
	"github.com/weaveworks/eksctl/pkg/actions/accessentry"
	api "github.com/weaveworks/eksctl/pkg/apis/eksctl.io/v1alpha5"
	"github.com/weaveworks/eksctl/pkg/awsapi"
	"github.com/weaveworks/eksctl/pkg/utils/tasks"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// question is a cluster in mode API_AND_CONFIG_MAP, and the account that eksctl is run in.
type question struct {
	AwsAuth map[string]string `json:"awsAuth"`
	// Principals are the roles and users of the account.
	Principals []string `json:"principals"`
	// Entries are the principals that have an access entry already.
	Entries []string `json:"entries"`
}

// answer is what eksctl's migrator would do to bring the cluster to mode API, and what it says meanwhile.
type answer struct {
	Entries []api.AccessEntry `json:"entries"`
	Log     string            `json:"log"`
	Error   string            `json:"error,omitempty"`
}

// migrate lets eksctl's migrator make its plan.
func migrate(in io.Reader, out io.Writer) error {
	var q question
	if err := json.NewDecoder(in).Decode(&q); err != nil {
		return fmt.Errorf("reading the question: %w", err)
	}
	var log logged
	logger.Writer, logger.Color, logger.Timestamps = &log, false, false
	creator := &recorder{}
	m := accessentry.NewMigrator("bench", nil, account{principals: q.Principals}, fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "aws-auth"}, Data: q.AwsAuth,
	}), creator, present(q.Entries), ekstypes.AuthenticationModeApiAndConfigMap, ekstypes.AuthenticationModeApi)
	a := answer{}
	if err := m.MigrateToAccessEntry(context.Background(), accessentry.MigrationOptions{TargetAuthMode: string(ekstypes.AuthenticationModeApi)}); err != nil {
		a.Error = err.Error()
	}
	a.Entries, a.Log = creator.entries, string(log)
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

type logged []byte

func (l *logged) Write(p []byte) (int, error) {
	*l = append(*l, p...)
	return len(p), nil
}

// account is the IAM of the account that eksctl is run in. It answers by name, as IAM does.
type account struct {
	awsapi.IAM
	principals []string
}

func (a account) find(kind, name string) *string {
	for _, p := range a.principals {
		if resource := api.MustParseARN(p).Resource; strings.HasPrefix(resource, kind) && path.Base(resource) == name {
			return aws.String(p)
		}
	}
	return nil
}

func (a account) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	arn := a.find("role/", *in.RoleName)
	if arn == nil {
		return nil, &iamtypes.NoSuchEntityException{}
	}
	return &iam.GetRoleOutput{Role: &iamtypes.Role{Arn: arn}}, nil
}

func (a account) GetUser(_ context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	arn := a.find("user/", *in.UserName)
	if arn == nil {
		return nil, &iamtypes.NoSuchEntityException{}
	}
	return &iam.GetUserOutput{User: &iamtypes.User{Arn: arn}}, nil
}

// present are the access entries that the cluster has.
type present []string

func (p present) Get(context.Context, api.ARN) ([]accessentry.Summary, error) {
	var out []accessentry.Summary
	for _, arn := range p {
		out = append(out, accessentry.Summary{PrincipalARN: arn})
	}
	return out, nil
}

// recorder is the creator of entries: it writes down what it is asked for.
type recorder struct{ entries []api.AccessEntry }

func (r *recorder) Create(context.Context, []api.AccessEntry) error {
	return errors.New("nothing is created here")
}

func (r *recorder) CreateTasks(_ context.Context, entries []api.AccessEntry) *tasks.TaskTree {
	r.entries = append(r.entries, entries...)
	return &tasks.TaskTree{}
}
