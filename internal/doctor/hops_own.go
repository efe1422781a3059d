package doctor

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// files judges the kubeconfig, and tells whether there is a context to go on with.
func (d *diagnosis) files() bool {
	f := Finding{Hop: HopKubeconfig, Status: Broken}
	files := strings.Join(d.Kubeconfig.Files, ", ")
	contexts := names(d.Kubeconfig.Contexts)
	known := listed(contexts)
	name := cmp.Or(d.Asked, d.Kubeconfig.Current)
	switch {
	case d.KubeconfigFault != nil && d.KubeconfigFault.Kind == FaultNotFound:
		f.Cause, f.Summary = CauseNoKubeconfig, "there is no kubeconfig at "+files
		f.Hint = update("")
	case d.KubeconfigFault != nil:
		f.Cause, f.Summary, f.Detail = CauseBadKubeconfig, "the kubeconfig cannot be used", d.KubeconfigFault.Message
	case len(d.Kubeconfig.Contexts) == 0:
		f.Cause, f.Summary = CauseNoKubeconfig, "there is no context in "+files
		f.Hint = update("")
	case name == "":
		f.Cause, f.Summary, f.Detail = CauseNoCurrent, "no context is current", "kubectl asks a server on this machine then. Contexts: "+known
		f.Hint = "kubectl config use-context " + word(d.Kubeconfig.Contexts[0].Name)
	case d.Context == nil:
		f.Cause, f.Summary, f.Detail = CauseNoContext, fmt.Sprintf("there is no context %q", name), "Contexts: "+known
		if near := diag.Suggest(name, contexts); near != "" {
			f.Hint = "rolecall doctor --context " + word(near)
		}
	case d.Context.Broken != "":
		f.Cause, f.Summary, f.Detail = CauseBrokenContext, fmt.Sprintf("context %q is incomplete", name), d.Context.Broken
		f.Hint = update(d.Context.Name)
	default:
		return true
	}
	d.add(f)
	return false
}

// update writes the command that makes a context anew.
func update(context string) string {
	s := "aws eks update-kubeconfig --name CLUSTER --region REGION --profile PROFILE"
	if context != "" {
		s += " --alias " + word(context)
	}
	return s
}

// credential judges the plugin: what it is, and whether it gave a credential.
func (d *diagnosis) credential() {
	f := Finding{Hop: HopPlugin, Status: Broken}
	switch {
	case d.Context.Means == access.MeansNone:
		f.Cause, f.Summary = CauseNoCredential, fmt.Sprintf("context %q has no credential: user %q is empty", d.Context.Name, d.Context.User)
		f.Hint = update(d.Context.Name)
	case d.Plugin.Missing && d.PluginFault != nil:
		f.Cause, f.Summary = CausePluginMissing, fmt.Sprintf("the credential plugin %q is not installed, or not in PATH", d.Plugin.Command)
		f.Hint = "rolecall token does the same: " + d.rolecallToken()
	case d.PluginFault != nil && d.expired() == nil:
		f.Cause, f.Summary, f.Detail = CausePluginFailed, fmt.Sprintf("the credential plugin %q gave no credential", d.Plugin.Command), d.PluginFault.Message
	case d.PluginFault == nil && d.Plugin.RoleARN != "":
		d.takesRole()
		return
	case d.PluginFault == nil && !d.aws() && d.unauthorized():
		f.Status, f.Cause = Suspect, CauseOtherCredential
		f.Summary = fmt.Sprintf("context %q shows a %s, which has no part in AWS; the server does not take it", d.Context.Name, meansWord(d.Context.Means))
		f.Detail = "IAM Identity Center has no part in it: neither an aws-auth row nor an access entry can help."
		f.Hint = update(d.Context.Name)
	default:
		return
	}
	d.add(f)
}

// rolecallToken says how a kubeconfig names rolecall as its plugin.
func (d *diagnosis) rolecallToken() string {
	return "set the user's exec command to rolecall and its args to [token, --cluster, " + cmp.Or(d.report.Cluster.Name, "CLUSTER") + "]"
}

// takesRole tells of --role-arn: everybody who comes in by it is one user.
func (d *diagnosis) takesRole() {
	name, _ := d.Plugin.RoleARN.RoleName()
	f := Finding{
		Hop: HopPlugin, Status: OK, Summary: "your context takes on role " + name + " before it goes to the cluster",
		Detail: "Everybody who does so is one and the same user there: " + cmp.Or(d.caller.Session, sharedSession) + ". What is given to your permission set or to you by name does not count.",
	}
	if d.refused() {
		f.Status, f.Cause = Suspect, CauseTakesRole
		f.Hint = "take --role-arn out of user " + word(d.Context.User) + " in your kubeconfig, and name your profile there: env AWS_PROFILE"
	}
	d.add(f)
}

// expired is the fault that says that the login is over, nil when none does.
func (d *diagnosis) expired() *Fault {
	if f := d.OwnFault; f != nil && f.Kind == FaultExpired && !clockTrouble(f) {
		return f
	}
	if f := d.ProofFault; f != nil && f.Kind == FaultExpired && !strings.HasPrefix(f.Message, "SignatureDoesNotMatch") {
		return f
	}
	return nil
}

// clockTrouble tells a signature that STS finds too old or too new.
func clockTrouble(f *Fault) bool {
	return strings.Contains(f.Message, "Signature expired") || strings.Contains(f.Message, "Signature not yet current")
}

// login judges the AWS session.
func (d *diagnosis) login() {
	if d.Plugin.Kind == "" && d.Token == nil {
		return
	}
	if f := d.expired(); f != nil && !d.works() {
		d.add(Finding{
			Hop: HopLogin, Status: Broken, Cause: CauseLoginExpired, Code: diag.RC5006, Summary: "your AWS login has expired, or there is none",
			Detail: f.Message, Hint: cmp.Or(d.Renewal, "sign in again, or set AWS_PROFILE to a profile that has credentials"),
		})
		return
	}
	if d.caller.ARN == "" {
		return
	}
	f := Finding{Hop: HopLogin, Status: OK, Summary: "your session is " + d.who().phrase() + " in account " + string(d.who().Account)}
	if !d.OwnEnds.IsZero() {
		f.Summary += ", valid until " + d.OwnEnds.UTC().Format("15:04 UTC")
	}
	if d.unauthorized() && d.Plugin.RoleARN == "" && d.caller.Set == "" {
		f.Status, f.Cause = Suspect, CauseNotIdentityUser
		f.Summary = "your session is " + d.caller.phrase() + ", and not one of IAM Identity Center"
		f.Detail = "Access that was given to you through a permission set does not count for it."
		f.Hint = "aws sts get-caller-identity --profile PROFILE shows what a profile is; name the right one in AWS_PROFILE"
	}
	d.add(f)
}

// who is the person, or whoever calls in their place.
func (d *diagnosis) who() who {
	if d.person.ARN != "" {
		return d.person
	}
	return d.caller
}

// noticed is the difference of clocks from which on it may matter; the authenticator and STS allow up to 15 minutes and less.
const noticed = 5 * time.Minute

// clock judges the own clock by those of STS and of the API server.
func (d *diagnosis) clock() {
	ahead := d.STS
	if ahead == nil {
		ahead = d.API
	}
	blamed := d.unauthorized() || d.ProofFault != nil && clockTrouble(d.ProofFault) || d.OwnFault != nil && clockTrouble(d.OwnFault)
	if ahead == nil || ahead.Abs() < noticed || !blamed {
		return
	}
	f := Finding{Hop: HopClock, Status: Suspect, Cause: CauseClockBehind, Hint: "set the clock, or let the system keep it (NTP), then try again"}
	f.Summary = fmt.Sprintf("your clock is %s behind", ahead.Abs())
	f.Detail = "A token carries the time of its signature and is good for 15 minutes from then."
	if *ahead < 0 {
		f.Cause, f.Summary = CauseClockAhead, fmt.Sprintf("your clock is %s ahead", ahead.Abs())
		f.Detail = "AWS refuses a signature that was made in the future."
	}
	if ahead.Abs() >= tokenLife || d.ProofFault != nil && clockTrouble(d.ProofFault) {
		f.Status = Broken
	}
	d.add(f)
}

// token judges what the API server was shown.
func (d *diagnosis) token() {
	if d.Token == nil {
		return
	}
	f, broken := d.badToken()
	if !broken {
		f = d.goodToken()
	}
	f.Hop = HopToken
	d.add(f)
}

// badToken says what is wrong with the token, where something is.
func (d *diagnosis) badToken() (Finding, bool) {
	f := Finding{Status: Broken}
	age := d.age()
	switch {
	case d.Token.Bytes > tokenMost:
		f.Cause, f.Summary = CauseTokenLong, fmt.Sprintf("your token is %s bytes long; the limit is %s", thousands(d.Token.Bytes), thousands(tokenMost))
		f.Detail = "The authenticator refuses a longer token unread. Session tags and session policies make the session, and with it the token, longer."
		f.Hint = "sign in to the permission set directly, without taking on roles in between; fewer attributes for access control make it shorter too"
	case age > tokenLife && d.unauthorized() && !d.has(CauseClockBehind):
		f.Cause, f.Summary = CauseTokenOld, fmt.Sprintf("your token was signed %s ago and is good for 15 minutes", age.Round(time.Minute))
		f.Detail = "Something keeps tokens longer than they hold: the plugin, or a wrapper around it."
		f.Hint = "rolecall token makes a new one each time: " + d.rolecallToken()
	case d.tokenRefused():
		f.Cause, f.Summary, f.Detail = CauseTokenRefused, "STS refuses your token", d.ProofFault.Message
		f.Hint = "aws sts get-caller-identity, with the same profile, shows whether the credentials themselves are good"
	default:
		return f, false
	}
	return f, true
}

// tokenRefused tells whether STS said no to the token itself, and not to a login that is over or to a clock.
func (d *diagnosis) tokenRefused() bool {
	f := d.ProofFault
	return f != nil && !unasked(f) && !d.works() && d.expired() == nil && !clockTrouble(f)
}

// goodToken says how far the token is known to be good.
func (d *diagnosis) goodToken() Finding {
	size := fmt.Sprintf("%s bytes long (limit %s)", thousands(d.Token.Bytes), thousands(tokenMost))
	switch {
	case d.Proof != nil:
		return Finding{Status: OK, Summary: "STS accepts your token for " + d.bound() + "; it is " + size}
	case d.ProofFault != nil && unasked(d.ProofFault) && d.unauthorized():
		return Finding{Status: Unknown, Cause: CauseTokenUnproven, Summary: "STS could not be asked whether the token is good", Detail: d.ProofFault.Message}
	case d.ProofFault == nil && d.unauthorized():
		return Finding{Status: Unknown, Cause: CauseTokenUnproven, Summary: "which cluster the token is for is not known, so STS was not asked about it"}
	}
	return Finding{Status: OK, Summary: "your token is " + size}
}

// unasked tells a fault that is no word of STS about the token: nobody answered, or not now.
func unasked(f *Fault) bool { return f.Kind == FaultUnreachable || f.Kind == FaultOther }

// age is how old the token is by the clock of the other side.
func (d *diagnosis) age() time.Duration {
	if d.Token.Signed.IsZero() {
		return 0
	}
	now := d.Taken
	if d.API != nil {
		now = now.Add(*d.API)
	}
	return now.Sub(d.Token.Signed)
}

// has tells whether a cause was found.
func (d *diagnosis) has(c Cause) bool {
	for _, f := range d.report.Findings {
		if f.Cause == c {
			return true
		}
	}
	return false
}
