package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// network judges the way to the API server.
func (d *diagnosis) network() {
	f := Finding{Hop: HopNetwork, Status: Broken, Code: diag.RC5003, Detail: d.Answer.Message}
	switch d.Answer.Kind {
	case "", access.AnswerIn, access.AnswerUnauthorized:
		return
	case access.AnswerUntrusted:
		d.certificate()
		return
	case access.AnswerUnresolved:
		f.Cause, f.Summary = CauseNotResolved, "the name of the API server does not resolve: "+d.Context.Server
		f.Hint = "if the cluster still exists, it is private: connect to the VPN; if it was made again, " + d.update()
	case access.AnswerRefused:
		f.Cause, f.Summary = CauseConnection, "nothing listens at the API server's address: "+d.Context.Server
		f.Hint = "check the tunnel or the proxy that leads there; " + d.update() + " writes the cluster's own address"
	case access.AnswerTimeout:
		f.Cause, f.Summary = CauseTimeout, "the API server does not answer from this network: "+d.Context.Server
		f.Hint = "its endpoint is private, or does not let your address in: connect to the VPN, or ask which networks it lets in"
	case access.AnswerProxy:
		f.Cause, f.Summary = CauseProxy, "a proxy on the way to the API server refuses"
		f.Hint = "check HTTPS_PROXY, NO_PROXY and proxy-url of cluster " + word(d.Context.Cluster) + " in your kubeconfig"
	case access.AnswerStray:
		f.Cause, f.Summary = CauseStray, "what answers at "+d.Context.Server+" is not an API server"
		f.Hint = "a proxy or a sign-in page of your network stands in between; check HTTPS_PROXY and NO_PROXY"
	case access.AnswerFailing:
		f.Cause, f.Summary = CauseFailing, fmt.Sprintf("the API server answers %d: it cannot judge anybody now", d.Answer.Status)
		f.Hint = "try again in a minute; an administrator sees the cluster's health in EKS"
	case access.AnswerBroken:
		f.Cause, f.Summary = CauseNoAnswer, "the API server gave no answer that can be read"
	}
	d.add(f)
}

// certificate judges a server that the context does not trust.
func (d *diagnosis) certificate() {
	f := Finding{Hop: HopCluster, Status: Broken, Cause: CauseCertificate, Detail: d.Answer.Message, Hint: d.update()}
	f.Summary = "the server's certificate is not the one your context was made for"
	if d.same() == Broken && named(d.Context) == d.Described.ARN {
		f.Cause, f.Summary = CauseClusterRecreated, "cluster "+d.Described.Name+" has another certificate authority than your context: it was made again since"
	}
	d.add(f)
}

// update is the command that writes the context anew, as far as its arguments are known.
func (d *diagnosis) update() string {
	t := d.report.Cluster
	s := "aws eks update-kubeconfig --name " + word(cmp.Or(t.Name, "CLUSTER")) + " --region " + cmp.Or(t.Region, "REGION")
	if d.Plugin.Profile != "" {
		s += " --profile " + word(d.Plugin.Profile)
	}
	return s + " --alias " + word(d.Context.Name)
}

// same tells whether the cluster that EKS described is the one behind the context's address. Its certificate authority is
// its own; an address can lead through a tunnel.
func (d *diagnosis) same() Status {
	switch {
	case d.Described == nil || d.Context == nil:
		return Unknown
	case d.Described.CA != "" && d.Context.CA != "" && !d.Context.Insecure:
		if pem(d.Described.CA) == pem(d.Context.CA) {
			return OK
		}
		return Broken
	case host(d.Described.Endpoint) != "" && host(d.Described.Endpoint) == host(d.Context.Server):
		return OK
	}
	return Unknown
}

func pem(s string) string { return strings.Join(strings.Fields(s), "") }

// host is the host of an address, in lower case.
func host(server string) string {
	_, rest, _ := strings.Cut(server, "://")
	rest, _, _ = strings.Cut(rest, "/")
	return strings.ToLower(strings.TrimSuffix(rest, ":443"))
}

// cluster judges whether the context leads to the cluster that the token is for, in the account of the session.
func (d *diagnosis) cluster() {
	name := d.bound()
	if name == "" || !d.aws() || d.has(CauseCertificate) || d.has(CauseClusterRecreated) {
		return
	}
	if d.same() == OK {
		d.add(Finding{Hop: HopCluster, Status: OK, Summary: "your context leads to " + string(d.Described.ARN) + ", in the account of your session"})
		return
	}
	if d.unauthorized() {
		d.add(d.elsewhere(named(d.Context), name))
	}
}

// elsewhere says how the context does not lead to the cluster that the token is for, or that this is not known.
func (d *diagnosis) elsewhere(label access.ClusterARN, name string) Finding {
	f := Finding{Hop: HopCluster, Status: Broken, Hint: d.update()}
	switch {
	case label != "" && label.Name() != name:
		f.Cause, f.Summary = CauseOtherName, fmt.Sprintf("your context is called after cluster %s, and its plugin makes tokens for %s", label.Name(), name)
		f.Detail = "A token is bound to the name of one cluster; another refuses it."
	case d.same() == Broken && label != "" && label.Account() != d.Described.Account && d.Plugin.RoleARN == "":
		f = d.otherAccount(label)
		f.Status = Broken
	case d.same() == Broken && label != "" && label == d.Described.ARN:
		f.Cause, f.Summary = CauseClusterRecreated, "cluster "+name+" is not the one your context was made for: it was made again since"
		f.Detail = "EKS gives its address as " + d.Described.Endpoint + "; your context has " + d.Context.Server + "."
	case d.same() == Broken:
		f.Cause, f.Summary = CauseOtherCluster, fmt.Sprintf("your context leads to another cluster than %s of account %s in %s", name, d.Described.Account, d.Described.Region)
		f.Detail = "A token is bound to the cluster's name only, so it looks right to a cluster of that name in any account. EKS gives the address " + d.Described.Endpoint + "; your context has " + d.Context.Server + "."
		f.Hint = "to reach the one in the account of your session: " + d.update() + "; to reach the other, use a profile of its account"
	default:
		f = d.unproven(label)
	}
	return f
}

// unproven says what is not known of the cluster, and what speaks for another account.
func (d *diagnosis) unproven(label access.ClusterARN) Finding {
	f := Finding{Hop: HopCluster, Status: Unknown, Cause: CauseClusterUnknown}
	name, account := d.bound(), d.who().Account
	switch {
	case label != "" && account != "" && label.Account() != account && d.Plugin.RoleARN == "":
		f = d.otherAccount(label)
	case d.DescribedFault != nil && d.DescribedFault.Kind == FaultNotFound && d.Plugin.RoleARN == "":
		f.Status, f.Cause = Suspect, CauseNoCluster
		f.Summary = fmt.Sprintf("account %s, which your session is in, has no cluster %s in %s", account, name, d.DescribedIn)
		f.Detail = "A token is bound to the cluster's name only. The role of a permission set is another in every account; a cluster elsewhere knows yours only if somebody mapped it there on purpose."
		f.Hint = "use a profile of the cluster's account"
	case d.DescribedFault != nil && d.DescribedFault.Kind == FaultDenied:
		f.Summary = "whether your context leads to the cluster " + name + " of your account is not known"
		f.Detail = "You may not call " + cmp.Or(d.DescribedFault.Needs, "eks:DescribeCluster") + ", which would show it."
	case d.DescribedFault != nil:
		f.Summary, f.Detail = "whether your context leads to the cluster "+name+" of your account is not known", d.DescribedFault.Message
	default:
		f.Summary = "whether your context leads to the cluster " + name + " is not known"
	}
	return f
}

// otherAccount is a session that the context was not made for.
func (d *diagnosis) otherAccount(label access.ClusterARN) Finding {
	return Finding{
		Hop: HopCluster, Status: Suspect, Cause: CauseOtherAccount,
		Summary: fmt.Sprintf("your session is in account %s, and your context was made for cluster %s of account %s", d.who().Account, label.Name(), label.Account()),
		Detail:  "The role of a permission set is another in every account; the cluster knows one of your account only if somebody mapped it there on purpose.",
		Hint:    "name a profile of account " + string(label.Account()) + " in AWS_PROFILE, or write the context anew with it",
	}
}

// mapping judges what makes a Kubernetes user of the AWS identity.
func (d *diagnosis) mapping() {
	switch {
	case d.unauthorized() && d.aws():
		d.notMapped()
	case d.refused() && d.Entry != nil:
		d.byEntry()
	case d.refused() && d.AwsAuth != nil && d.caller.ARN != "":
		d.row()
	}
}

// byEntry says what the access entry gives of somebody who may read it.
func (d *diagnosis) byEntry() {
	gives := "no EKS access policy"
	if len(d.Entry.Associations) > 0 {
		var all []string
		for _, a := range d.Entry.Associations {
			all = append(all, a.String())
		}
		gives = "EKS access policies: " + strings.Join(all, "; ")
	}
	d.add(Finding{Hop: HopMapping, Status: OK, Summary: fmt.Sprintf("your access entry lets you in as %q in %s, with %s", d.Entry.Username, groupsText(d.Entry.Groups), gives)})
}

// entry says what is wrong with the access entry of somebody who is not let in, where they may see it; false where that says nothing.
func (d *diagnosis) entry(f *Finding, what string) bool {
	prefix, reserved := "", false
	if d.Entry != nil {
		prefix, reserved = access.ReservedEntryPrefix(d.Entry.Username)
	}
	switch {
	case !d.EntriesListed || d.Entry == nil && d.report.Cluster.Mode.Rows():
		return false
	case d.Entry == nil:
		f.Cause, f.Summary = CauseNoEntry, what+" has no access entry in the cluster. An administrator can make one."
		f.Detail = "The cluster's authentication mode is API: aws-auth is not read."
	case reserved:
		f.Cause, f.Code, f.Summary = CauseRefusedEntry, diag.RC3012, what+" has an access entry whose user name begins with "+prefix+", which is reserved: it lets nobody in. An administrator can change it."
	default:
		f.Cause, f.Code, f.Summary = CauseDeadEntry, diag.RC3003, what+" has an access entry, and is not let in by it: most likely it is dead, since the role was made again. An administrator can delete it and make it anew."
		f.Detail = "EKS ties an entry to the unique id of the role that there was when it was made, on " + d.Entry.Created.UTC().Format("2006-01-02 15:04") + "."
	}
	return true
}

// notMapped is what is left when the API server does not know who shows it a good token.
func (d *diagnosis) notMapped() {
	f := Finding{Hop: HopMapping, Status: Suspect, Cause: CauseNotMapped}
	what := "your role"
	if d.caller.Role == "" {
		what = "your identity"
	} else if d.Plugin.RoleARN != "" {
		what = "role " + d.caller.Role
	}
	if d.entry(&f, what) {
		d.add(f)
		return
	}
	switch d.report.Cluster.Mode {
	case access.ModeAPI:
		f.Summary = what + " has no access entry in the cluster, or one that is dead since the role was made again. You cannot see which; an administrator can."
		f.Detail = "The cluster's authentication mode is API: aws-auth is not read."
	case access.ModeAPIAndConfigMap:
		f.Summary = what + " has neither an access entry nor an aws-auth row in the cluster, or one that never matches. You cannot see which; an administrator can."
		f.Detail = "The cluster's authentication mode is API_AND_CONFIG_MAP: an access entry counts before a row; one that is dead, since its role was made again, lets nobody in."
	case access.ModeConfigMap, "":
		f.Summary = what + " is not mapped in the cluster, or mapped in a way that never matches. You cannot see which; an administrator can."
	}
	d.add(f)
}

// row judges the aws-auth row of somebody who may read it.
func (d *diagnosis) row() {
	self := d.Answer.Self
	entry, ok := awsauth.Parse(d.AwsAuth.Data).Lookup(d.caller.ARN.Canonical())
	if !ok || self == nil {
		return
	}
	would := entry.Identity(awsauth.Session{AccountID: string(d.caller.Account), Name: d.caller.Session})
	f := Finding{Hop: HopMapping, Status: OK}
	place := fmt.Sprintf("row %d of %s in aws-auth", entry.Index+1, entry.Key)
	switch {
	case strings.Contains(entry.Username, awsauth.TemplateAccessKeyID) || strings.Contains(entry.Username, awsauth.TemplateEC2Name):
		return
	case would.Username != self.Username:
		f.Status, f.Cause, f.Code = Suspect, CauseRowHidden, diag.RC3004
		f.Summary = fmt.Sprintf("%s makes you %q, and the API server knows you as %q: something else maps you", place, would.Username, self.Username)
		f.Detail = "Where a role has an access entry, the entry alone counts and the row gives nothing."
	case entry.Username == "":
		f.Status, f.Cause, f.Code = Suspect, CauseNameless, diag.RC2015
		f.Summary = place + " gives you no user name, so nothing can be bound to you"
		f.Detail = "A username like y, no or 123 without quotes is read as empty too (RC2007)."
	default:
		f.Summary = fmt.Sprintf("%s makes you %q in %s", place, would.Username, groupsText(would.Groups))
	}
	d.add(f)
}

func groupsText(groups []string) string {
	if len(groups) == 0 {
		return "no group"
	}
	return "group " + strings.Join(groups, ", ")
}

// anonymous tells whether the API server took nobody's word.
func (d *diagnosis) anonymous() bool {
	return d.Answer.Self != nil && d.Answer.Self.Username == "system:anonymous"
}

// rights judges what the API server allows.
func (d *diagnosis) rights() {
	if !d.Authenticated || d.Answer.Kind != access.AnswerIn {
		return
	}
	self := d.Answer.Self
	f := Finding{Hop: HopBinding, Status: Suspect}
	switch {
	case d.anonymous():
		f.Hop, f.Status, f.Cause = HopPlugin, Broken, CauseNoCredential
		f.Summary = "the API server was shown no credential and takes you for anybody"
	case d.Request != nil && d.Review == nil:
		f.Status, f.Cause, f.Summary = Unknown, CauseNotReviewed, "the API server did not say whether you can "+rbac.Sentence(*d.Request)
		if d.ReviewFault != nil {
			f.Detail = d.ReviewFault.Message
		}
	case d.Request != nil && d.Review.Allowed:
		f.Status, f.Summary, f.Detail = OK, "you can "+rbac.Sentence(*d.Request), d.Review.Reason
	case d.Request != nil:
		f.Cause, f.Summary = CauseNotAllowed, "nothing allows "+subject(self)+" to "+rbac.Sentence(*d.Request)
		f.Detail = d.Review.Reason
	case d.Rules == nil:
		return
	case d.Rules.Count == 0 && d.Rules.Complete:
		f.Cause, f.Summary = CauseNothingAllowed, subject(self)+" may do nothing in namespace "+d.Rules.Namespace
		f.Detail = "The mapping lets you in; no binding there names you or a group of yours."
		f.Hint = "ask about what is refused: rolecall doctor \"get pods -n NAMESPACE\""
	default:
		f.Status, f.Summary = OK, fmt.Sprintf("you have %d rules in namespace %s", d.Rules.Count, d.Rules.Namespace)
		if !d.Rules.Complete {
			f.Summary = fmt.Sprintf("you have at least %d rules in namespace %s; EKS access policies do not show theirs", d.Rules.Count, d.Rules.Namespace)
		}
		f.Hint = "say what is refused: rolecall doctor \"get pods -n " + d.Rules.Namespace + "\""
	}
	d.add(f)
}

// subject names the Kubernetes identity.
func subject(s *access.Self) string {
	if s == nil {
		return "you"
	}
	groups := slices.DeleteFunc(slices.Clone(s.Groups), func(g string) bool { return g == "system:authenticated" })
	return fmt.Sprintf("%q in %s", s.Username, groupsText(groups))
}
