package graph

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

const (
	whereAwsAuth = "configmap kube-system/aws-auth"
	unmapped     = "no mapping"
	notKnown     = "not known"
)

// mapped is a row or an access entry that is, or is not, what turns a role into a user.
type mapped struct {
	hop   Hop
	entry *awsauth.Entry
	// source is the access entry, where it is one; hiddenBy the one that counts in the row's place.
	source, hiddenBy *access.AccessEntry
	// undecided says that something which was not read may count in its place.
	undecided bool
}

// mappings finds what counts for the role, and after it what would if it did not: an access entry counts before a row, and a dead one not at all. There is
// always one result; when nothing counts, it says which mapping was meant to, if one looks so.
//
// Source of the order: EKS User Guide, "Access entries"; what a dead entry and one with a reserved username do to the row was observed of the authenticator.
func (c *Cluster) mappings(k doorKey, arn access.ARN, role access.Role) []mapped {
	live, dead := c.entriesFor(arn, role)
	unread := c.unreadEntry(role, dead)
	var out []mapped
	for _, e := range live {
		out = append(out, c.entryMapping(e))
	}
	switch {
	case len(live) > 0 && role.ARN != "":
		out = append(out, c.hiddenRows(arn, live[0])...)
	case c.Mode.Rows():
		out = append(out, c.rowMappings(arn, unread)...)
	case len(live) == 0 && unread != nil:
		out = append(out, c.unknownMapping(unread, access.ViaEntry))
	}
	for _, e := range dead {
		out = append(out, c.deadMapping(e, role))
	}
	if len(out) == 0 {
		out = c.ignoredRows(arn)
	}
	if len(out) == 0 {
		out = append(out, c.nothingMaps(k, arn))
	}
	return out
}

// rowMappings are the rows of a role that has no access entry, or may have one that was not read.
func (c *Cluster) rowMappings(arn access.ARN, unread *doubt) []mapped {
	if c.auth != nil {
		return []mapped{c.unknownMapping(c.auth, access.ViaRow)}
	}
	out := c.rowsFor(arn)
	if unread == nil {
		return out
	}
	if len(out) == 0 {
		return []mapped{c.unknownMapping(unread, access.ViaEntry)}
	}
	m := out[0]
	m.undecided, m.hop.Status, m.hop.Code = true, Unknown, unread.code
	m.hop.Evidence = c.g.found(m.hop.Evidence.Object, m.hop.Evidence.Where, "an access entry of the role would count instead, and they are not known: "+unread.why)
	return []mapped{m}
}

// nothingMaps says that nothing maps the role, and why, if it looks as if something was meant to.
func (c *Cluster) nothingMaps(k doorKey, role access.ARN) mapped {
	hop := Hop{Kind: HopMapping, Via: access.ViaRow, Name: unmapped, Status: Broken}
	if !c.Mode.Rows() {
		hop.Via = access.ViaEntry
	}
	if hop.Code, hop.Evidence = c.nearMissEntry(k, role); hop.Code != "" {
		hop.Via = access.ViaEntry
		return mapped{hop: hop}
	}
	if c.Mode.Rows() {
		hop.Code, hop.Evidence = c.nearMiss(k, role)
		return mapped{hop: hop}
	}
	name, known := role.RoleName()
	if !known {
		name = "the role of " + k.set
	}
	hop.Evidence = c.g.found("access entries", "eks ListAccessEntries", fmt.Sprintf("there is no access entry of the %s, so the authenticator refuses whoever comes with it", name))
	return mapped{hop: hop}
}

// rowsFor returns the row that the authenticator applies to the ARN, then those of the same ARN that it passes over.
func (c *Cluster) rowsFor(role access.ARN) []mapped {
	winner, ok := c.doc.Lookup(role)
	if role == "" || !ok {
		return nil
	}
	out := []mapped{{entry: &winner, hop: Hop{
		Kind: HopMapping, Via: access.ViaRow, Name: rowName(winner), Status: OK, Code: c.flaw(winner), Evidence: c.g.found(rowText(winner), rowPlace(winner), c.flawDetail(winner)),
	}}}
	rows := c.rows[fold(string(role))]
	for i := range rows {
		e := rows[i]
		if e.Key == winner.Key && e.Index == winner.Index {
			continue
		}
		out = append(out, mapped{entry: &e, hop: Hop{
			Kind: HopMapping, Via: access.ViaRow, Name: rowName(e), Status: Broken, Code: diag.RC2006,
			Evidence: c.g.found(rowText(e), rowPlace(e), fmt.Sprintf("the authenticator takes %s for this ARN and passes this row over: groups are not merged", rowPlace(winner))),
		}})
	}
	return out
}

func rowName(e awsauth.Entry) string {
	if e.Key == awsauth.KeyAccounts {
		return "every principal of account " + string(access.ARN(e.ARN).Account())
	}
	name := e.Username
	if name == "" {
		name = "no user name"
	}
	if len(e.Groups) > 0 {
		name += " in " + strings.Join(e.Groups, ", ")
	}
	return name
}

func rowText(e awsauth.Entry) string {
	if e.SSO != nil {
		return "sso " + e.SSO.PermissionSetName + " in " + e.SSO.AccountID
	}
	return e.ARN
}

func rowPlace(e awsauth.Entry) string {
	return fmt.Sprintf("%s, %s, row %d", whereAwsAuth, e.Key, e.Index+1)
}

// nearMiss says why no row counts for the role.
func (c *Cluster) nearMiss(k doorKey, role access.ARN) (diag.Code, *Evidence) {
	if c.AwsAuth == nil {
		why := "the ConfigMap does not exist: nobody but the cluster's creator gets in"
		if c.Mode.Entries() {
			why = "the ConfigMap does not exist, and the role has no access entry"
		}
		return "", c.g.found("aws-auth", whereAwsAuth, why)
	}
	name, _ := role.RoleName()
	for _, rows := range [][]awsauth.Entry{c.doc.Roles, c.doc.Users} {
		for _, e := range rows {
			if code, why := miss(e, k, role, name); code != "" {
				return code, c.g.found(rowText(e), rowPlace(e), why)
			}
		}
	}
	if code, key, why := c.lostText(name, k.set); code != "" {
		return code, c.g.found(string(role), whereAwsAuth+", "+key, why)
	}
	if name == "" {
		name = "role of " + k.set
	}
	return "", c.g.found(whereAwsAuth, whereAwsAuth, fmt.Sprintf("no row names %s, so the authenticator refuses whoever comes with it", name))
}

// miss tells why a row that seems to be meant for the role never matches it.
func miss(e awsauth.Entry, k doorKey, role access.ARN, name string) (diag.Code, string) {
	arn := access.ARN(e.ARN)
	parts, err := access.ParseARN(arn)
	if err != nil {
		if e.SSO != nil && e.SSO.PermissionSetName == k.set && e.SSO.AccountID == string(k.account) {
			return diag.RC2019, "sso matchers are switched off on EKS: this row never matches anybody"
		}
		return "", ""
	}
	if code, why := misnamed(e, arn, k, role); code != "" {
		return code, why
	}
	rowRole, _ := arn.RoleName()
	if name == "" || !strings.EqualFold(rowRole, name) {
		return "", ""
	}
	switch {
	case !access.AccountIDPattern.MatchString(parts.Account):
		return diag.RC2024, "the account id of the row is not 12 digits"
	case parts.Partition != role.Partition():
		return diag.RC2026, "the row names another partition than the role is in"
	case access.AccountID(parts.Account) != role.Account():
		return diag.RC3001, "the row names a role in account " + parts.Account + ", and the role is in " + string(role.Account())
	}
	return "", ""
}

// misnamed tells why a row names the role in another form than the authenticator compares with.
func misnamed(e awsauth.Entry, arn access.ARN, k doorKey, role access.ARN) (diag.Code, string) {
	name, known := role.RoleName()
	rowRole, _ := arn.RoleName()
	set, reserved := access.PermissionSetOfRole(rowRole)
	switch {
	case strings.EqualFold(rowRole, "AWSReservedSSO_"+k.set):
		return diag.RC2025, "the role's name ends in 16 hexadecimal digits, and the row leaves them out"
	case !known:
	case arn != arn.WithoutPath() && strings.EqualFold(string(arn.WithoutPath()), string(role)):
		return diag.RC2002, "the authenticator compares with the ARN without a path, so this row never matches: 401"
	case strings.Contains(e.ARN, ":assumed-role/"+name+"/"):
		return diag.RC2004, "this is the ARN of a session; the authenticator compares with the ARN of the role"
	case strings.Contains(e.ARN, "*") && access.MatchGlob(e.ARN, string(role)):
		return diag.RC2023, "the authenticator knows no wildcards: this row matches nobody"
	case reserved && set == k.set && arn.Account() == k.account && !strings.EqualFold(rowRole, name):
		return diag.RC3002, "the row names a role that Identity Center does not have: it made that of the permission set under another suffix, anew perhaps"
	}
	return "", ""
}

// lostText looks for the role in what the authenticator does not get to see as rows.
func (c *Cluster) lostText(name, set string) (code diag.Code, key, why string) {
	mentions := func(text string) bool { return name != "" && strings.Contains(fold(text), fold(name)) }
	roles, users := c.AwsAuth.Data[string(awsauth.KeyRoles)], c.AwsAuth.Data[string(awsauth.KeyUsers)]
	if p, fatal := c.doc.Fatal(awsauth.KeyRoles); fatal {
		return diag.RC2001, string(awsauth.KeyRoles), "every row of mapRoles is dropped, those of the nodes too: " + p.Message
	}
	for _, p := range c.g.setsNamed[set] {
		if strings.Contains(roles+users, string(p.ARN)) {
			return diag.RC2003, c.placeOf(p.ARN), "the row names the permission set; the authenticator only ever sees the role"
		}
	}
	for _, k := range sortedKeys(c.AwsAuth.Data) {
		if mentions(c.AwsAuth.Data[k]) && k != string(awsauth.KeyRoles) && k != string(awsauth.KeyUsers) && isKey(k) {
			return diag.RC2018, k, "keys are case-sensitive, and the authenticator does not read this one"
		}
	}
	switch {
	case mentions(users):
		return diag.RC2005, string(awsauth.KeyUsers), "the row stands under mapUsers, where a rolearn is not read and the row is dropped"
	case mentions(roles) && strings.Contains("\n"+roles, "\n---"):
		return diag.RC2020, string(awsauth.KeyRoles), "only the first YAML document is read, and the row stands after it"
	case mentions(roles):
		return diag.RC2009, string(awsauth.KeyRoles), "the text mentions the role, and no row has it as its rolearn"
	}
	return "", "", ""
}

func isKey(k string) bool {
	return strings.EqualFold(k, string(awsauth.KeyRoles)) || strings.EqualFold(k, string(awsauth.KeyUsers)) || strings.EqualFold(k, string(awsauth.KeyAccounts))
}
