package policy

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// rule says what is wrong with a text and what to do about it; "" when nothing is.
type rule func(s string) (problem, hint string)

// field applies rules to the text at name in n, or to each item of the list there. An empty list is a mistake: it
// would mean nobody or nothing. What has the wrong type was reported by decoding.
func (r *reader) field(n *node, name string, rules ...rule) {
	v := n.child(name)
	if v == nil {
		return
	}
	if v.shape == shapeList && len(v.items) == 0 {
		r.report(diag.RC1005, v.pos, name+" is empty").Hint = "list something, or remove the line"
	}
	for _, item := range append([]*node{v}, v.items...) {
		if item.isText() {
			r.apply(item, name, rules)
		}
	}
}

// apply reports the first rule a text breaks.
func (r *reader) apply(n *node, name string, rules []rule) {
	if strings.TrimSpace(n.text) == "" {
		r.report(diag.RC1005, n.pos, name+" is an empty text")
		return
	}
	for _, rule := range rules {
		if problem, hint := rule(n.text); problem != "" {
			r.report(diag.RC1005, n.pos, name+" "+quote(n.text)+" "+problem).Hint = hint
			return
		}
	}
}

// Forms of names. Sources: the Kubernetes documentation for object names, the AWS API references of EKS, IAM and SSO Admin.
var (
	labelForm         = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	namespaceForm     = regexp.MustCompile(`^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$`)
	clusterForm       = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	clusterGlobForm   = regexp.MustCompile(`^[0-9A-Za-z*][0-9A-Za-z_*-]*$`)
	regionForm        = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	permissionSetForm = regexp.MustCompile(`^[\w+=,.@-]{1,32}$`)
	permissionSetGlob = regexp.MustCompile(`^[\w+=,.@*-]{1,32}$`)
	permissionSetARN  = regexp.MustCompile(`^permissionSet/(sso)?ins-[0-9a-zA-Z.-]{16}/ps-[0-9a-zA-Z./-]{16}$`)
	roleNameForm      = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	externalIDForm    = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	proxyForm         = regexp.MustCompile(`^(http|https|socks5)://[^\s/?#]+/?$`)
	endpointForm      = regexp.MustCompile(`^https://[^\s/?#]+(/[^\s?#]*)?$`)
	digits            = regexp.MustCompile(`^[0-9]+$`)
)

// matches is the rule that a text has a form.
func matches(form *regexp.Regexp, problem, hint string) rule {
	return func(s string) (string, string) {
		if form.MatchString(s) {
			return "", ""
		}
		return problem, hint
	}
}

// atMost is the rule that a text has no more than n characters.
func atMost(n int, problem string) rule {
	return func(s string) (string, string) {
		if utf8.RuneCountInString(s) <= n {
			return "", ""
		}
		return problem, ""
	}
}

// oneOf is the rule that a text is one of the words.
func oneOf(words ...string) rule {
	return func(s string) (string, string) {
		if slices.Contains(words, s) {
			return "", ""
		}
		hint := diag.DidYouMean(s, words)
		if hint == "" {
			hint = "use " + strings.Join(words, ", ")
		}
		return "is not one of " + strings.Join(words, ", "), hint
	}
}

// label is the rule for the names of policies and grants.
func label(s string) (problem, hint string) {
	const want = "is not a DNS-1123 label"
	if !labelForm.MatchString(s) {
		return want, "use lower-case letters, digits and dashes; begin and end with a letter or digit"
	}
	if len(s) > 63 {
		return "is longer than 63 characters", ""
	}
	return "", ""
}

// clean is the rule for names of AWS directories: no blanks around them, nothing invisible in them.
func clean(s string) (problem, hint string) {
	if s != strings.TrimSpace(s) {
		return "begins or ends with a blank", "remove the blank"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return "has an invisible character in it", "type the name anew"
	}
	return "", ""
}

// account is the rule for accounts, which go by name or id.
func account(s string) (problem, hint string) {
	if digits.MatchString(s) && !access.AccountIDPattern.MatchString(s) {
		return "is not an account id, which has 12 digits", "count the digits; leading zeros belong to the id"
	}
	return clean(s)
}

// unit is the rule for organizational units, which go by path or id.
func unit(s string) (problem, hint string) {
	if slices.Contains(strings.Split(s, "/"), "") {
		return "has an empty part", "write the path below the root, like Workloads/Prod"
	}
	return clean(s)
}

// region is the rule for Regions.
func region(s string) (problem, hint string) {
	return matches(regionForm, "is not a Region", "write it like eu-central-1")(s)
}

// removals is the rule for how much may go in a run.
func removals(s string) (problem, hint string) {
	if _, err := access.ParseRemovals(s); err != nil {
		return "is neither a number nor a share of up to 100%", `write it like "10" or "25%"`
	}
	return "", ""
}

// glob is the rule that a pattern has no wildcard but the star.
func glob(s string) (problem, hint string) {
	if strings.ContainsAny(s, "?[]{}\\") {
		return "is not a pattern", "only * is a wildcard"
	}
	return "", ""
}

// permissionSet is the rule for permission sets, which go by name or ARN.
func permissionSet(s string) (problem, hint string) {
	if !strings.HasPrefix(s, "arn:") {
		if strings.HasPrefix(s, "AWSReservedSSO_") {
			return "is the name of a role, not of a permission set", "leave out AWSReservedSSO_ and the suffix"
		}
		return matches(permissionSetForm, "is not the name of a permission set", "names have at most 32 characters of A-Z a-z 0-9 _ + = , . @ -")(s)
	}
	p, err := access.ParseARN(access.ARN(s))
	if err != nil || p.Service != "sso" || !permissionSetARN.MatchString(p.Resource) {
		return "is not the ARN of a permission set", "it looks like arn:aws:sso:::permissionSet/ssoins-…/ps-…; the name will do as well"
	}
	return "", ""
}

// accessPolicy is the rule for EKS access policies, which go by name or ARN.
func accessPolicy(s string) (problem, hint string) {
	if !strings.HasPrefix(s, "arn:") {
		return matches(regexp.MustCompile(`^[A-Za-z0-9]+$`), "is not the name of an EKS access policy", "write it like AmazonEKSViewPolicy")(s)
	}
	p, err := access.ParseARN(access.ARN(s))
	if err != nil || p.Service != "eks" || p.Account != "aws" || !strings.HasPrefix(p.Resource, "cluster-access-policy/") {
		return "is not the ARN of an EKS access policy", "it looks like arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	}
	return "", ""
}

// cluster is the rule for references to a cluster.
func cluster(s string) (problem, hint string) {
	const how = "write [account/][region/]name or the ARN"
	if strings.HasPrefix(s, "arn:") {
		p, err := access.ParseARN(access.ARN(s))
		name, ok := strings.CutPrefix(p.Resource, "cluster/")
		if err != nil || p.Service != "eks" || !ok || !clusterForm.MatchString(name) || !access.AccountIDPattern.MatchString(p.Account) {
			return "is not the ARN of a cluster", "it looks like arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu"
		}
		return "", ""
	}
	parts := strings.Split(s, "/")
	if len(parts) > 3 || slices.Contains(parts, "") || !clusterForm.MatchString(parts[len(parts)-1]) {
		return "is not a reference to a cluster", how
	}
	if len(parts) == 3 && !regionForm.MatchString(parts[1]) {
		return "has " + quote(parts[1]) + " where a Region belongs", how
	}
	return account(parts[0])
}

// roleARN is the rule for roles of IAM.
func roleARN(s string) (problem, hint string) {
	p, err := access.ParseARN(access.ARN(s))
	_, isRole := access.ARN(s).RoleName()
	if err != nil || !isRole || p.Region != "" || !access.AccountIDPattern.MatchString(p.Account) {
		return "is not the ARN of an IAM role", "it looks like arn:aws:iam::111122223333:role/break-glass"
	}
	if strings.ContainsAny(s, "*?") {
		return "has a wildcard in it", "list each role"
	}
	return "", ""
}

// principalARN is the rule for whatever a mapping may name.
func principalARN(s string) (problem, hint string) {
	if _, err := access.ParseARN(access.ARN(s)); err != nil {
		return "is not an ARN", "copy it as it stands in the cluster"
	}
	return "", ""
}

// objectName is the rule for the names of RBAC roles, which are path segments.
func objectName(s string) (problem, hint string) {
	if s == "." || s == ".." || strings.ContainsAny(s, "/% ") {
		return "cannot be the name of a role in Kubernetes", ""
	}
	return clean(s)
}

// request is the rule for questions, in the words of every command that asks.
func request(s string) (problem, hint string) {
	_, err := rbac.ParseRequest(s)
	if bad, ok := errors.AsType[*rbac.RequestError](err); ok {
		return "is not a request: " + bad.Why, `write it like "get pods -n payments" or "create deployments.apps"`
	}
	return "", ""
}

// externalID is the rule for external ids; {account} is the only placeholder.
func externalID(s string) (problem, hint string) {
	const how = "2 to 1224 characters of A-Z a-z 0-9 _ + = , . @ : / -, and {account}"
	filled := strings.ReplaceAll(s, "{account}", "111122223333")
	if len(filled) > 1224 {
		return "is longer than 1224 characters", how
	}
	return matches(externalIDForm, "is not an external id", how)(filled)
}

// binds and mappings are the words of the two choices.
func binds() rule {
	return oneOf(string(v1alpha1.BindAuto), string(v1alpha1.BindUser), string(v1alpha1.BindGroup))
}

func mappings() rule {
	return oneOf(string(v1alpha1.MappingAuto), string(v1alpha1.MappingConfigMap), string(v1alpha1.MappingAccessEntry))
}
