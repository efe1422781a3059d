package iam

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/iampolicy"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

type evaluationView struct {
	EvalActionName       string
	EvalResourceName     string
	EvalDecision         string
	MatchedStatements    awsquery.Members[string]
	MissingContextValues awsquery.Members[string]
}

type simulateResult struct {
	EvaluationResults awsquery.Members[evaluationView]
	IsTruncated       bool
	Marker            string `xml:",omitempty"`
}

func simulate() []awsquery.Member {
	policies := func(name string) awsquery.Member {
		return awsquery.List(name, awsquery.Text("Policy").Between(1, 131072))
	}
	types := []string{
		"string", "stringList", "numeric", "numericList", "boolean", "booleanList",
		"ip", "ipList", "binary", "binaryList", "date", "dateList",
	}
	return []awsquery.Member{
		awsquery.Text("PolicySourceArn").Required().Between(20, 2048),
		policies("PolicyInputList"),
		policies("PermissionsBoundaryPolicyInputList"),
		awsquery.List("PolicyExclusionList", awsquery.Struct("Exclusion",
			awsquery.Text("PolicyType").Required(), awsquery.Text("PolicyArn"), awsquery.Text("InlinePolicyIdentifier"))),
		awsquery.List("ActionNames", awsquery.Text("Action").Between(3, 128)).Required(),
		awsquery.List("ResourceArns", awsquery.Text("Resource").Between(1, 2048)),
		awsquery.Text("ResourcePolicy").Between(1, 131072),
		awsquery.Text("ResourceOwner").Between(1, 2048),
		awsquery.Text("CallerArn").Between(1, 2048),
		awsquery.List("ContextEntries", awsquery.Struct("Entry",
			awsquery.Text("ContextKeyName").Between(5, 256),
			awsquery.List("ContextKeyValues", awsquery.Text("Value")),
			awsquery.Text("ContextKeyType").OneOf(types...))),
		awsquery.Text("ResourceHandlingOption").Between(1, 64),
		marker(), maxItems(),
	}
}

func needsSimulate(c *service.Call) []service.Need {
	return []service.Need{{Action: "iam:SimulatePrincipalPolicy", Resources: []string{c.Params.Get("PolicySourceArn")}}}
}

// simulate answers from the principal's identity policies. Policies it cannot take into account make it fail rather than answer wrong.
func (i *Service) simulate(c *service.Call) (any, *service.Error) {
	for _, given := range []string{"ResourcePolicy", "PermissionsBoundaryPolicyInputList.member.1", "PolicyExclusionList.member.1.PolicyType"} {
		if c.Params.Has(given) {
			return nil, cannotEvaluate("this simulator does not take " + strings.SplitN(given, ".", 2)[0] + " into account")
		}
	}
	docs, failure := i.identityPolicies(c)
	if failure != nil {
		return nil, failure
	}
	context := map[string][]string{}
	for _, entry := range awsquery.Structures(c.Params, "ContextEntries") {
		context[strings.ToLower(entry.Get("ContextKeyName"))] = awsquery.Strings(entry, "ContextKeyValues")
	}
	resources := awsquery.Strings(c.Params, "ResourceArns")
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	missing := missingKeys(docs, context)
	var all []evaluationView
	for _, action := range awsquery.Strings(c.Params, "ActionNames") {
		for _, resource := range resources {
			decision := iampolicy.Evaluate(docs, iampolicy.Request{
				Principal: c.Params.Get("PolicySourceArn"), Action: action, Resource: resource, Context: context,
			})
			all = append(all, evaluationView{
				EvalActionName: action, EvalResourceName: resource, EvalDecision: decision.String(), MissingContextValues: missing,
			})
		}
	}
	part, next, failure := page(c, all)
	if failure != nil {
		return nil, failure
	}
	return simulateResult{EvaluationResults: part, IsTruncated: next != "", Marker: next}, nil
}

func cannotEvaluate(why string) *service.Error {
	return fail(http.StatusInternalServerError, "PolicyEvaluation", "The request could not be evaluated: "+why)
}

// identityPolicies collects what the principal has attached, and the policies the call adds.
func (i *Service) identityPolicies(c *service.Call) ([]iampolicy.Document, *service.Error) {
	arn := c.Params.Get("PolicySourceArn")
	var texts, attached []string
	role, user := i.state.Roles[arn], i.state.IAMUsers[arn]
	switch {
	case role != nil && role.Account == c.Caller.Account:
		texts, attached = i.state.Documents(role.Policies, role.Managed), role.Managed
	case user != nil && user.Account == c.Caller.Account:
		texts, attached = i.state.Documents(user.Policies, user.Managed), user.Managed
	default:
		return nil, fail(http.StatusNotFound, "NoSuchEntity", "Invalid Entity Arn: "+arn)
	}
	for _, p := range attached {
		if _, known := i.state.ManagedPolicies[p]; !known {
			return nil, cannotEvaluate("this simulator does not know what " + p + " allows")
		}
	}
	var docs []iampolicy.Document
	for _, text := range texts {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			return nil, cannotEvaluate(err.Error())
		}
		docs = append(docs, doc)
	}
	for _, text := range awsquery.Strings(c.Params, "PolicyInputList") {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			return nil, fail(http.StatusBadRequest, "InvalidInput", "PolicyInputList: "+err.Error())
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// missingKeys lists the condition keys that the policies ask for and the call does not give.
func missingKeys(docs []iampolicy.Document, context map[string][]string) []string {
	keys := map[string]bool{}
	for _, doc := range docs {
		for _, statement := range doc.Statements {
			for _, condition := range statement.Conditions {
				if _, given := context[condition.Key]; !given {
					keys[condition.Key] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
