package lint

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// principal is what an ARN is of.
type principal int

const (
	// other is nothing that has a section of its own.
	other principal = iota
	role
	user
)

// verdict is what there is to say of an ARN by itself.
type verdict struct {
	// code is empty for an ARN that can match.
	code                  diag.Code
	severity              diag.Severity
	summary, detail, hint string
	of                    principal
	// mended is what the ARN should be, where that is certain.
	mended access.ARN
}

// matches tells whether somebody can sign in with the ARN.
func (v verdict) matches() bool { return v.code == "" || v.severity == diag.Warning }

const matchesNobody = "The authenticator compares it as it is with the ARN of the caller, so this row matches nobody."

var (
	roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	// reservedName is the name of a role of Identity Center. Whether a row matches does not depend on letter case.
	reservedName = regexp.MustCompile(`(?i)^AWSReservedSSO_[\w+=,.@-]{1,32}_[0-9a-f]{16}$`)
)

// reservedPrefix begins the names of Identity Center's roles.
const reservedPrefix = "AWSReservedSSO_"

func isReserved(name string) bool {
	return len(name) >= len(reservedPrefix) && strings.EqualFold(name[:len(reservedPrefix)], reservedPrefix)
}

// parseARN takes an ARN apart without regard to case, as the authenticator compares.
func parseARN(arn string) (access.ARNParts, error) {
	if head, rest, found := strings.Cut(arn, ":"); found && strings.EqualFold(head, "arn") {
		arn = "arn:" + rest
	}
	p, err := access.ParseARN(access.ARN(arn))
	p.Partition, p.Service = strings.ToLower(p.Partition), strings.ToLower(p.Service)
	return p, err
}

// kind is what stands before the first slash of a resource, in small letters, and name what follows.
func kind(p access.ARNParts) (kind, name string) {
	kind, name, _ = strings.Cut(p.Resource, "/")
	return strings.ToLower(kind), name
}

// judgeARN finds the one thing that is most wrong with an ARN.
func judgeARN(arn string) verdict {
	p, err := parseARN(arn)
	switch {
	case strings.IndexFunc(arn, unicode.IsSpace) >= 0:
		return verdict{code: diag.RC2009, summary: "the ARN has a blank in it", detail: matchesNobody, hint: "write " + strings.Join(strings.Fields(arn), "")}
	case strings.ContainsAny(arn, "*?"):
		return verdict{
			code: diag.RC2023, summary: "aws-auth knows no wildcards", of: kindOf(p),
			detail: "The authenticator compares ARNs as text: * and ? stand for themselves, so this row matches nobody.", hint: "write one row for each role",
		}
	case err != nil:
		return verdict{code: diag.RC2009, summary: fmt.Sprintf("%q is not an ARN", arn), detail: matchesNobody, hint: missingColon(arn)}
	case p.Service == "sso" && strings.HasPrefix(p.Resource, "permissionSet/"):
		return verdict{
			code: diag.RC2003, summary: "this is the ARN of a permission set, not of a role",
			detail: "A permission set does not sign in; the role that Identity Center makes of it in each account does. The row matches nobody.",
			hint:   "write arn:" + p.Partition + ":iam::<account>:role/" + reservedPrefix + "<permission set>_<16 hexadecimal digits>, without a path",
		}
	case p.Service == "sts":
		return judgeSession(p)
	case p.Service != "iam" || p.Region != "":
		return verdict{code: diag.RC2009, summary: "this is not the ARN of a role or a user", detail: matchesNobody, hint: "write " + form(p.Partition)}
	case !access.AccountIDPattern.MatchString(p.Account):
		return judgeAccount(p)
	}
	return judgePrincipal(p)
}

func form(partition string) string {
	return "arn:" + partition + ":iam::<12-digit account>:role/<name>"
}

func kindOf(p access.ARNParts) principal {
	switch kind, _ := kind(p); kind {
	case "role", "assumed-role":
		return role
	case "user":
		return user
	}
	return other
}

// oneColon is an IAM ARN in which one of the two colons before the account is missing.
var oneColon = regexp.MustCompile(`^(arn:[\w-]+:iam):(\d{12}:(?:role|user)/\S+)$`)

func missingColon(arn string) string {
	if m := oneColon.FindStringSubmatch(arn); m != nil {
		return "write " + m[1] + "::" + m[2] + ": two colons stand before the account"
	}
	return "write " + form("aws")
}

func judgeAccount(p access.ARNParts) verdict {
	v := verdict{code: diag.RC2024, summary: fmt.Sprintf("account %q has not 12 digits", p.Account), detail: matchesNobody, of: kindOf(p), hint: accountHint(p.Account)}
	if p.Account == "" {
		v.summary = "the ARN has no account"
	}
	return v
}

// digits is an account id that lost its leading zeros.
var digits = regexp.MustCompile(`^[0-9]{8,11}$`)

func accountHint(id string) string {
	if digits.MatchString(id) {
		return fmt.Sprintf("a leading zero got lost? Write %012s", id)
	}
	return "write the 12 digits of the account"
}

// judgeSession judges what STS calls a principal.
func judgeSession(p access.ARNParts) verdict {
	kind, rest := kind(p)
	switch kind {
	case "federated-user":
		return verdict{
			code: diag.RC2010, severity: diag.Warning, summary: "a federated user is mapped",
			detail: "The row matches whoever gets federation credentials under that name, which any user who may call GetFederationToken chooses.", hint: "map a role instead",
		}
	case "assumed-role":
		v := verdict{
			code: diag.RC2004, summary: "this is the ARN of a session, not of its role", of: role,
			detail: "The authenticator turns the caller's session into the ARN of its role before it compares, so this row matches nobody.",
		}
		name, _, _ := strings.Cut(rest, "/")
		v.hint = "write arn:" + p.Partition + ":iam::" + p.Account + ":role/" + name
		if strings.Count(rest, "/") <= 1 {
			v.mended = sound(access.ARNParts{Partition: p.Partition, Service: "iam", Account: p.Account, Resource: "role/" + name})
		}
		return v
	}
	return verdict{code: diag.RC2009, summary: "this is not the ARN of a role or a user", detail: matchesNobody, hint: "write " + form(p.Partition)}
}

// sound is the ARN when nothing is wrong with it, else empty.
func sound(p access.ARNParts) access.ARN {
	arn := p.String()
	if judgeARN(arn).code != "" {
		return ""
	}
	return access.ARN(arn)
}

// judgePrincipal judges a well-formed ARN of IAM.
func judgePrincipal(p access.ARNParts) verdict {
	kind, name := kind(p)
	switch {
	case strings.EqualFold(p.Resource, "root"):
		return verdict{
			code: diag.RC2010, severity: diag.Warning, summary: "the root user is mapped",
			detail: "The row matches the root user of the account, who should never work in a cluster. It does not match everybody of the account.", hint: "map a role instead",
		}
	case kind == "group":
		return verdict{
			code: diag.RC2010, summary: "an IAM group cannot be mapped",
			detail: "IAM groups do not sign in, their members do. The row matches nobody.", hint: "map a role that the members may assume",
		}
	case kind == "user" && name != "":
		return verdict{of: user}
	case kind != "role" || name == "":
		return verdict{code: diag.RC2009, summary: fmt.Sprintf("%q is not a role or a user", p.Resource), detail: matchesNobody, hint: "write " + form(p.Partition)}
	}
	return judgeRole(p, name)
}

func judgeRole(p access.ARNParts, name string) verdict {
	v := verdict{of: role}
	bare := name[strings.LastIndexByte(name, '/')+1:]
	switch {
	case bare != name && bare != "":
		p.Resource = p.Resource[:len("role/")] + bare
		v.code, v.summary, v.mended = diag.RC2002, "role ARN keeps its path", sound(p)
		v.detail = "The authenticator compares with the ARN that it rebuilds from the session, and that has no path: this row never matches anybody."
		v.hint = "write " + p.String()
		if judgeARN(p.String()).code == diag.RC2025 {
			v.hint += "_<16 hexadecimal digits>"
		}
	case !roleName.MatchString(bare):
		v.code, v.summary, v.detail, v.hint = diag.RC2009, fmt.Sprintf("%q cannot be the name of a role", bare), matchesNobody, "write "+form(p.Partition)
	case isReserved(bare):
		if !reservedName.MatchString(bare) {
			v.code, v.summary = diag.RC2025, "the role of Identity Center lacks its suffix"
			v.detail = "Such a role's name ends in an underscore and 16 hexadecimal digits, other ones in every account. Without them the row matches nobody."
			v.hint = "aws iam list-roles --path-prefix " + access.ReservedRolePath + " lists the names"
		}
	}
	return v
}

// arns judges the row's ARN and whether it stands where it belongs.
func (d *document) arns(r *row) {
	if !d.hasARN(r) || r.arn.Value.Kind != awsauth.KindString {
		return // types says what is wrong with one that is no text
	}
	r.verdict = judgeARN(r.arn.Value.Text)
	misplaced := r.key == awsauth.KeyUsers && r.verdict.of == role || r.key == awsauth.KeyRoles && r.verdict.of == user
	if r.misnamed && !misplaced {
		d.noARN(r, fmt.Sprintf("the row has %s where %s reads %s", r.arn.Name, r.key, r.ownName()), "rename "+r.arn.Name+" to "+r.ownName())
		return
	}
	r.broken = !r.verdict.matches() || r.misnamed
	if misplaced {
		d.misplaced(r)
	}
	v := r.verdict
	if v.code == "" {
		return
	}
	f := d.say(v.code, r.place(r.arn), v.summary)
	because(f, v.detail, v.hint)
	if v.severity != 0 {
		f.Severity = v.severity
	}
	if v.mended != "" {
		d.mendable(r)
	}
}

// hasARN tells whether the row matches by ARN, and says so if it does not.
func (d *document) hasARN(r *row) bool {
	sso := r.member("sso")
	switch {
	case r.Kind != awsauth.KindMap:
		d.noARN(r, "this is not a row", "write rolearn, username and groups")
	case sso != nil && r.key == awsauth.KeyRoles && sso.Value.Kind != awsauth.KindNull:
		r.broken = true
		because(d.say(diag.RC2019, r.at(sso.NameAt), "sso: does not work on EKS"),
			"This way of matching is behind a feature that EKS does not switch on. The row matches nobody.", "write rolearn: with the full name of the role, which rolecall finds")
	case r.arn == nil || r.arn.Value.Kind == awsauth.KindNull || r.arn.Value.Kind == awsauth.KindString && r.arn.Value.Text == "":
		d.noARN(r, "the row has no "+r.ownName(), "add "+r.ownName()+", or delete the row")
	default:
		return true
	}
	return false
}

func (r *row) ownName() string {
	if r.key == awsauth.KeyUsers {
		return "userarn"
	}
	return "rolearn"
}

func (d *document) noARN(r *row, summary, hint string) {
	r.broken = true
	at := r.start()
	if r.arn != nil && !r.misnamed {
		at = r.place(r.arn)
	}
	because(d.say(diag.RC2009, at, summary), "The authenticator drops this row.", hint)
}

// misplaced reports a role among users or a user among roles. Whoever signs in is compared with the rows of both, so only the name decides.
func (d *document) misplaced(r *row) {
	code, summary := diag.RC2005, "a role stands under mapUsers"
	to, name := awsauth.KeyRoles, "rolearn"
	if r.key == awsauth.KeyRoles {
		code, summary, to, name = diag.RC2022, "a user stands under mapRoles", awsauth.KeyUsers, "userarn"
	}
	f := d.say(code, r.place(r.arn), summary)
	f.Detail = fmt.Sprintf("%s reads %s and not %s: the row is dropped.", r.key, r.ownName(), r.arn.Name)
	if !r.misnamed {
		f.Severity = diag.Warning
		f.Detail = "The authenticator happens to compare everybody with the rows of both keys, so this row matches; no document promises that."
	}
	f.Hint = fmt.Sprintf("move the row to %s and name its ARN %s", to, name)
	d.mendable(r)
}
