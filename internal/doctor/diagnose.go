package doctor

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// Diagnose judges the facts. A hop is broken where a fact says so, suspect where it is one of several that may be, and unknown
// where it could not be looked at; hops without a word to say about them are left out.
func Diagnose(f Facts) Report {
	d := diagnosis{Facts: f}
	d.report = Report{APIVersion: APIVersion, Kind: "Diagnosis", Taken: f.Taken, Hops: []Hop{}, Findings: []Finding{}}
	if f.Request != nil {
		d.report.Request = rbac.Phrase(*f.Request)
	}
	d.person = d.whoStarts()
	d.caller = d.whoCalls()
	d.report.You, d.report.Cluster = d.you(), d.target()
	if d.files() {
		d.credential()
		d.login()
		d.clock()
		d.token()
		d.network()
		d.cluster()
		d.mapping()
		d.rights()
	}
	d.report.Answer = d.answer()
	d.conclude()
	if !d.report.inHand() {
		d.report.Letter = letter(d.report)
	}
	return d.report
}

// inHand tells whether there is nothing for an administrator to do: it works, or the person can mend it.
func (r Report) inHand() bool {
	return r.Verdict == Works || r.Verdict == Found && slices.Contains([]Hop{HopKubeconfig, HopPlugin, HopLogin, HopClock}, r.Hops[0])
}

// diagnosis is a report while it is made.
type diagnosis struct {
	Facts

	// person is whose credentials they are, caller the identity in the token; they differ where a role is taken on. Either may be empty.
	person, caller who
	report         Report
}

func (d *diagnosis) add(f Finding) { d.report.Findings = append(d.report.Findings, f) }

func (d *diagnosis) whoStarts() who {
	if d.Own != nil {
		return whoIs(d.Own.ARN)
	}
	return who{}
}

func (d *diagnosis) whoCalls() who {
	switch {
	case d.Proof != nil:
		return whoIs(d.Proof.Caller.ARN)
	case d.Plugin.RoleARN != "":
		return who{ARN: d.Plugin.RoleARN, Account: d.Plugin.RoleARN.Account(), Session: sharedSession}.inRole()
	}
	return d.whoStarts()
}

// inRole fills in the role of a role's ARN.
func (w who) inRole() who {
	w.Role, _ = w.ARN.RoleName()
	return w
}

func (d *diagnosis) you() You {
	out := You{ARN: d.caller.ARN, Account: d.caller.Account, PermissionSet: d.caller.Set, SessionName: d.caller.Session}
	if d.person.ARN != "" && d.person.ARN != d.caller.ARN {
		out.Person, out.PermissionSet, out.SessionName = d.person.ARN, d.person.Set, d.person.Session
	}
	if self := d.Answer.Self; self != nil && d.Authenticated {
		out.Username, out.Groups = self.Username, self.Groups
	}
	return out
}

func (d *diagnosis) target() Target {
	if d.Context == nil {
		return Target{Context: cmp.Or(d.Asked, d.Kubeconfig.Current)}
	}
	label := named(d.Context)
	out := Target{
		Context: d.Context.Name, Server: d.Context.Server, Name: cmp.Or(label.Name(), d.Plugin.ClusterName),
		ARN: label, Account: label.Account(), Region: cmp.Or(regionOf(d.Context.Server), label.Region(), d.Plugin.Region),
	}
	if d.Described != nil && d.same() == OK {
		out.ARN, out.Account, out.Region, out.Mode = d.Described.ARN, d.Described.Account, d.Described.Region, d.Described.Mode
	}
	return out
}

// bound is the name of the cluster that the token is for.
func (d *diagnosis) bound() string { return cmp.Or(d.Plugin.ClusterName, named(d.Context).Name()) }

// aws tells whether the person comes in by AWS at all, as far as it is known.
func (d *diagnosis) aws() bool {
	return d.Token != nil || d.Plugin.Kind != "" && d.Plugin.Kind != PluginOther
}

// answer says what the API server said, in a sentence.
func (d *diagnosis) answer() Reply {
	out := Reply{Kind: d.Answer.Kind, Status: d.Answer.Status, Message: d.Answer.Message}
	out.Text = d.answerText()
	return out
}

func (d *diagnosis) answerText() string {
	switch d.Answer.Kind {
	case access.AnswerIn:
		return d.insideText()
	case access.AnswerUnauthorized:
		if !d.Authenticated {
			return "401 Unauthorized: it was asked without a credential, since there is none."
		}
		return "401 Unauthorized from the API server: it does not know you."
	case access.AnswerUntrusted:
		return "A server answers whose certificate your context does not trust. Nothing was asked of it."
	case access.AnswerUnresolved:
		return "None: the name of the server does not resolve."
	case access.AnswerRefused:
		return "None: the connection is refused."
	case access.AnswerTimeout:
		return "None in time: the server does not answer from here."
	case access.AnswerProxy:
		return "None: a proxy on the way refuses."
	case access.AnswerStray:
		return "Something answers that is not an API server."
	case access.AnswerFailing:
		return fmt.Sprintf("%d from the API server: it cannot answer now.", d.Answer.Status)
	case access.AnswerBroken:
		return "None that could be read."
	}
	return "The API server was not asked."
}

func (d *diagnosis) insideText() string {
	self := d.Answer.Self
	switch {
	case !d.Authenticated:
		return "The API server is there; it was asked without a credential, since there is none."
	case d.Request != nil && d.Review != nil && d.Review.Allowed:
		return "Yes: you can " + rbac.Sentence(*d.Request) + "."
	case d.Request != nil && d.Review != nil:
		return "403 Forbidden: the API server knows you, and you cannot " + rbac.Sentence(*d.Request) + "."
	case self == nil:
		return "The API server knows you, and does not say as whom."
	}
	return fmt.Sprintf("The API server knows you as %q.", self.Username)
}

// refused tells whether the API server, asked properly, said no.
func (d *diagnosis) refused() bool {
	return d.Authenticated && (d.Answer.Kind == access.AnswerUnauthorized || d.Review != nil && !d.Review.Allowed)
}

// unauthorized tells whether the API server, shown a credential, did not take it.
func (d *diagnosis) unauthorized() bool {
	return d.Authenticated && d.Answer.Kind == access.AnswerUnauthorized
}

// works tells whether all that was asked is given.
func (d *diagnosis) works() bool {
	if !d.Authenticated || d.Answer.Kind != access.AnswerIn || d.anonymous() {
		return false
	}
	if d.Request != nil {
		return d.Review != nil && d.Review.Allowed
	}
	return d.Rules == nil || d.Rules.Count > 0 || !d.Rules.Complete
}

// conclude draws the verdict: what works is told by the server and by nothing else; a hop that a fact calls broken is the
// answer; a suspect that stands alone is it too.
func (d *diagnosis) conclude() {
	r := &d.report
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(place(a.Hop), place(b.Hop)) })
	if d.works() {
		r.Verdict = Works
		return
	}
	var open []int
	for i, f := range r.Findings {
		switch f.Status {
		case Broken:
			r.Verdict, r.Hops = Found, []Hop{f.Hop}
			return
		case Suspect, Unknown:
			open = append(open, i)
		case OK:
		}
	}
	for _, i := range open {
		r.Hops = append(r.Hops, r.Findings[i].Hop)
	}
	r.Hops = slices.Compact(r.Hops)
	switch {
	case len(open) == 1 && r.Findings[open[0]].Status == Suspect:
		r.Findings[open[0]].Status, r.Verdict = Broken, Found
	case slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Status == Suspect }):
		r.Verdict = Narrowed
	default:
		r.Verdict = Undecided
	}
}

// place is where a hop stands on the way of a request.
func place(h Hop) int {
	return slices.Index([]Hop{HopKubeconfig, HopPlugin, HopLogin, HopClock, HopToken, HopNetwork, HopCluster, HopMapping, HopBinding}, h)
}
