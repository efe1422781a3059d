package doctor_test

import (
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/doctor"
)

func ofFiles() []situation {
	broken := hops{doctor.HopKubeconfig}
	return []situation{
		{
			name: "there is no kubeconfig",
			make: func(f *doctor.Facts) {
				noContext(f)
				f.Kubeconfig.Contexts, f.Kubeconfig.Current = nil, ""
				f.KubeconfigFault = &doctor.Fault{Kind: doctor.FaultNotFound, Message: "no such file"}
			},
			verdict: doctor.Found, hops: broken, causes: causes{doctor.CauseNoKubeconfig}, says: []string{"/home/dana/.kube/config", "aws eks update-kubeconfig"},
		},
		{
			name:    "the kubeconfig holds no context",
			make:    func(f *doctor.Facts) { noContext(f); f.Kubeconfig.Contexts, f.Kubeconfig.Current = nil, "" },
			verdict: doctor.Found, hops: broken, causes: causes{doctor.CauseNoKubeconfig},
		},
		{
			name:    "the kubeconfig is no YAML",
			make:    func(f *doctor.Facts) { noContext(f); f.KubeconfigFault = other("line 3: found a tab") },
			verdict: doctor.Found, hops: broken, causes: causes{doctor.CauseBadKubeconfig}, says: []string{"line 3"},
		},
		{
			name:    "no context is current",
			make:    func(f *doctor.Facts) { noContext(f); f.Kubeconfig.Current = "" },
			verdict: doctor.Found, hops: broken, causes: causes{doctor.CauseNoCurrent}, says: []string{"kubectl config use-context payments-eu"},
		},
		{
			name:    "the context is misspelt",
			make:    func(f *doctor.Facts) { noContext(f); f.Asked = "payment-eu" },
			verdict: doctor.Found, hops: broken, causes: causes{doctor.CauseNoContext}, says: []string{`"payment-eu"`, "rolecall doctor --context payments-eu"},
		},
		{
			name:    "the context names a user that is not there",
			make:    func(f *doctor.Facts) { f.Context.Broken = `user "x" does not exist` },
			verdict: doctor.Found, hops: broken, causes: causes{doctor.CauseBrokenContext}, says: []string{`user "x"`},
		},
	}
}

func ofPlugins() []situation {
	plugin := hops{doctor.HopPlugin}
	return []situation{
		{
			name:    "the user entry is empty",
			make:    func(f *doctor.Facts) { byHand(f, access.MeansNone); f.Authenticated = false },
			verdict: doctor.Found, hops: plugin, causes: causes{doctor.CauseNoCredential},
		},
		{
			name: "the plugin is not installed",
			make: func(f *doctor.Facts) {
				f.Plugin.Missing, f.Authenticated, f.Token, f.Proof = true, false, nil, nil
				f.PluginFault = other("executable file not found in $PATH")
			},
			verdict: doctor.Found, hops: plugin, causes: causes{doctor.CausePluginMissing}, says: []string{`"aws" is not installed`, "rolecall token"},
		},
		{
			name: "the plugin fails for a reason of its own",
			make: func(f *doctor.Facts) {
				f.Authenticated, f.Token, f.Proof = false, nil, nil
				f.PluginFault = other("exit status 252: Unknown options: --cluster")
			},
			verdict: doctor.Found, hops: plugin, causes: causes{doctor.CausePluginFailed}, says: []string{"Unknown options"},
		},
		{
			name: "the login has expired", make: noLogin,
			verdict: doctor.Found, hops: hops{doctor.HopLogin}, causes: causes{doctor.CauseLoginExpired}, says: []string{"RC5006", "aws sso login --profile dev"},
		},
		{
			name:    "the login has expired and the profile names no command that renews it",
			make:    func(f *doctor.Facts) { noLogin(f); f.Renewal = "" },
			verdict: doctor.Found, hops: hops{doctor.HopLogin}, causes: causes{doctor.CauseLoginExpired}, says: []string{"AWS_PROFILE"},
		},
		{
			name:    "a fixed token that the server does not take",
			make:    func(f *doctor.Facts) { byHand(f, access.MeansToken) },
			verdict: doctor.Found, hops: plugin, causes: causes{doctor.CauseOtherCredential}, says: []string{"fixed token"},
		},
		{
			name:    "a client certificate that the server does not take",
			make:    func(f *doctor.Facts) { byHand(f, access.MeansCertificate) },
			verdict: doctor.Found, hops: plugin, causes: causes{doctor.CauseOtherCredential}, says: []string{"client certificate"},
		},
		{
			name: "the profile is that of an IAM user",
			make: func(f *doctor.Facts) {
				c := access.Caller{Account: account, ARN: "arn:aws:iam::111122223333:user/ci"}
				f.Own, f.Proof = &c, &access.Proof{Caller: c}
			},
			verdict: doctor.Narrowed, hops: hops{doctor.HopLogin, doctor.HopMapping}, causes: causes{doctor.CauseNotIdentityUser, doctor.CauseNotMapped},
			says: []string{"IAM user ci", "AWS_PROFILE"},
		},
		{
			name: "the context takes on a role, which the cluster does not know", make: takesRole,
			verdict: doctor.Narrowed, hops: hops{doctor.HopPlugin, doctor.HopMapping}, causes: causes{doctor.CauseTakesRole, doctor.CauseNotMapped},
			says: []string{"EKSGetTokenAuth", "take --role-arn out", "role eks-admin is not mapped"},
		},
		{
			name: "a command that is not known makes the token",
			make: func(f *doctor.Facts) {
				unlabelled(f)
				f.Plugin = doctor.ReadPlugin(&access.ExecPlugin{Command: "corp-login", Path: "/usr/bin/corp-login"})
				f.Proof, f.STS, f.Own, f.Described = nil, nil, nil, nil
			},
			verdict: doctor.Narrowed, hops: hops{doctor.HopToken, doctor.HopMapping}, causes: causes{doctor.CauseTokenUnproven, doctor.CauseNotMapped},
		},
	}
}

func ofTokens() []situation {
	found := func(name string, hop doctor.Hop, cause doctor.Cause, change func(f *doctor.Facts), says ...string) situation {
		return situation{name: name, make: change, verdict: doctor.Found, hops: hops{hop}, causes: causes{cause, doctor.CauseNotMapped}, says: says}
	}
	return []situation{
		found("the session ended while a token of it was kept", doctor.HopLogin, doctor.CauseLoginExpired, func(f *doctor.Facts) {
			unproven(f, expired("ExpiredToken: The security token included in the request is expired"))
		}, "aws sso login --profile dev"),
		found("STS refuses the token", doctor.HopToken, doctor.CauseTokenRefused, func(f *doctor.Facts) {
			unproven(f, expired("SignatureDoesNotMatch: The request signature we calculated does not match"))
		}),
		found("the token is too long", doctor.HopToken, doctor.CauseTokenLong, func(f *doctor.Facts) { f.Token.Bytes = 4170 }, "4,170 bytes", "4,096"),
		found("a wrapper keeps tokens for too long", doctor.HopToken, doctor.CauseTokenOld, func(f *doctor.Facts) { f.Token.Signed = now.Add(-40 * time.Minute) }, "40m", "args to [token, --cluster, payments-eu]"),
		found("the clock is twenty minutes behind", doctor.HopClock, doctor.CauseClockBehind, func(f *doctor.Facts) {
			off(f, 20*time.Minute)
			unproven(f, expired("SignatureDoesNotMatch: Signature expired: 20261125T084000Z is now earlier than 20261125T084500Z"))
		}, "20m"),
		found("the clock is an hour ahead", doctor.HopClock, doctor.CauseClockAhead, func(f *doctor.Facts) {
			off(f, -time.Hour)
			unproven(f, expired("SignatureDoesNotMatch: Signature not yet current"))
		}, "1h0m0s ahead"),
		{
			name: "a clock that is six minutes behind is one of two suspects", make: func(f *doctor.Facts) { off(f, 6*time.Minute) },
			verdict: doctor.Narrowed, hops: hops{doctor.HopClock, doctor.HopMapping}, causes: causes{doctor.CauseClockBehind, doctor.CauseNotMapped},
		},
		{
			name: "STS cannot be asked",
			make: func(f *doctor.Facts) {
				unproven(f, &doctor.Fault{Kind: doctor.FaultUnreachable, Message: "connection refused"})
				f.STS = nil
			},
			verdict: doctor.Narrowed, hops: hops{doctor.HopToken, doctor.HopMapping}, causes: causes{doctor.CauseTokenUnproven, doctor.CauseNotMapped},
		},
		{
			name:    "STS is busy, which is no word about the token",
			make:    func(f *doctor.Facts) { unproven(f, other("Throttling: Rate exceeded")) },
			verdict: doctor.Narrowed, hops: hops{doctor.HopToken, doctor.HopMapping}, causes: causes{doctor.CauseTokenUnproven, doctor.CauseNotMapped},
		},
	}
}

func ofTheWay() []situation {
	way := func(name string, kind access.AnswerKind, cause doctor.Cause, says ...string) situation {
		return situation{
			name: name, make: func(f *doctor.Facts) {
				f.Answer = access.Answer{Kind: kind, Status: 503, Message: "as the client has it"}
			},
			verdict: doctor.Found, hops: hops{doctor.HopNetwork}, causes: causes{cause}, says: append(says, "RC5003"),
		}
	}
	untrusted := access.Answer{Kind: access.AnswerUntrusted, Message: "x509: certificate signed by unknown authority"}
	return []situation{
		way("the server's name does not resolve", access.AnswerUnresolved, doctor.CauseNotResolved, "VPN", "aws eks update-kubeconfig --name payments-eu --region eu-central-1 --profile dev"),
		way("the connection is refused", access.AnswerRefused, doctor.CauseConnection, "tunnel"),
		way("the endpoint is private", access.AnswerTimeout, doctor.CauseTimeout, "private"),
		way("a proxy wants to be signed in to", access.AnswerProxy, doctor.CauseProxy, "HTTPS_PROXY"),
		way("a sign-in page answers", access.AnswerStray, doctor.CauseStray, "sign-in page"),
		way("the API server is ill", access.AnswerFailing, doctor.CauseFailing, "503"),
		way("the answer cannot be read", access.AnswerBroken, doctor.CauseNoAnswer),
		{
			name:    "the certificate is another, and EKS cannot be asked",
			make:    func(f *doctor.Facts) { undescribed(f, doctor.FaultDenied); f.Answer = untrusted },
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseCertificate}, says: []string{"unknown authority", "update-kubeconfig"},
		},
		{
			name:    "the cluster was made again under its name",
			make:    func(f *doctor.Facts) { f.Described.CA = "CA of the next"; f.Answer = untrusted },
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseClusterRecreated}, says: []string{"made again"},
		},
		{
			name: "another cluster than the described one is not taken for its successor",
			make: func(f *doctor.Facts) {
				unlabelled(f)
				f.Described.CA, f.Answer = "CA of another", untrusted
			},
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseCertificate},
		},
	}
}

func ofTheCluster() []situation {
	mapping := func(name string, change func(f *doctor.Facts), says ...string) situation {
		return situation{
			name: name, make: change, verdict: doctor.Found, hops: hops{doctor.HopMapping}, causes: causes{doctor.CauseNotMapped},
			says: append(says, "broken", "an administrator can"),
		}
	}
	mode := func(m access.AuthenticationMode) func(f *doctor.Facts) {
		return func(f *doctor.Facts) { f.Described.Mode = m }
	}
	seen := func(name string, cause doctor.Cause, e *access.AccessEntry, says ...string) situation {
		return situation{
			name: name, make: func(f *doctor.Facts) {
				mode(access.ModeAPI)(f)
				f.EntriesListed, f.Entry = true, e
			},
			verdict: doctor.Found, hops: hops{doctor.HopMapping}, causes: causes{cause}, says: says,
		}
	}
	next := "https://FEDCBA.gr7.eu-central-1.eks.amazonaws.com"
	return []situation{
		mapping("nothing is left but the row", mode(access.ModeConfigMap), "mapped in a way that never matches"),
		mapping("nothing is left but the access entry", mode(access.ModeAPI), "dead since the role was made again"),
		mapping("nothing is left but the entry or the row", mode(access.ModeAPIAndConfigMap), "neither an access entry nor an aws-auth row"),
		seen("no access entry, seen by whoever may see it", doctor.CauseNoEntry, nil, "has no access entry"),
		seen("a dead access entry", doctor.CauseDeadEntry, &access.AccessEntry{Username: "sso:EKSDeveloper:{{SessionNameRaw}}", Created: now}, "RC3003", "delete it and make it anew"),
		seen("an access entry with a reserved user name", doctor.CauseRefusedEntry, &access.AccessEntry{Username: "eks:{{SessionNameRaw}}"}, "RC3012", "begins with eks:"),
		mapping("no access entry where a row may let in too", func(f *doctor.Facts) {
			mode(access.ModeAPIAndConfigMap)(f)
			f.EntriesListed = true
		}, "neither an access entry nor an aws-auth row"),
		mapping("a tunnel leads to the right cluster", func(f *doctor.Facts) {
			f.Context.Server, f.Context.ServerName = "https://127.0.0.1:8443", "kubernetes"
		}, "your context leads to "+label),
		{
			name: "EKS does not say which cluster it is", make: func(f *doctor.Facts) { undescribed(f, doctor.FaultDenied) },
			verdict: doctor.Narrowed, hops: hops{doctor.HopCluster, doctor.HopMapping}, causes: causes{doctor.CauseClusterUnknown, doctor.CauseNotMapped},
			says: []string{"eks:DescribeCluster", "suspect"},
		},
		{
			name: "the context leads to a cluster of the same name elsewhere",
			make: func(f *doctor.Facts) {
				unlabelled(f)
				f.Described.CA, f.Described.Endpoint = "CA of another", next
			},
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseOtherCluster, doctor.CauseNotMapped}, says: []string{"another cluster", next},
		},
		{
			name:    "the cluster was made again and another answers at its address",
			make:    func(f *doctor.Facts) { f.Described.CA, f.Described.Endpoint = "CA of the next", next },
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseClusterRecreated, doctor.CauseNotMapped},
		},
		{
			name: "the profile is of another account than the cluster",
			make: func(f *doctor.Facts) {
				c := access.Caller{Account: "444455556666", ARN: access.ARN(strings.ReplaceAll(dana, account, "444455556666"))}
				f.Own, f.Proof = &c, &access.Proof{Caller: c}
				undescribed(f, doctor.FaultNotFound)
			},
			verdict: doctor.Narrowed, hops: hops{doctor.HopCluster, doctor.HopMapping}, causes: causes{doctor.CauseOtherAccount, doctor.CauseNotMapped},
			says: []string{"account 444455556666", "a profile of account 111122223333"},
		},
		{
			name: "the profile is of another account, which has a cluster of the same name",
			make: func(f *doctor.Facts) {
				c := access.Caller{Account: "444455556666", ARN: access.ARN(strings.ReplaceAll(dana, account, "444455556666"))}
				f.Own, f.Proof = &c, &access.Proof{Caller: c}
				f.Described.ARN, f.Described.Account, f.Described.CA, f.Described.Endpoint = access.ClusterARN(strings.ReplaceAll(label, account, "444455556666")), "444455556666", "CA of the other", next
			},
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseOtherAccount, doctor.CauseNotMapped},
			says: []string{"account 444455556666", "a profile of account 111122223333"},
		},
		{
			name:    "the session's account has no cluster of the name",
			make:    func(f *doctor.Facts) { unlabelled(f); undescribed(f, doctor.FaultNotFound) },
			verdict: doctor.Narrowed, hops: hops{doctor.HopCluster, doctor.HopMapping}, causes: causes{doctor.CauseNoCluster, doctor.CauseNotMapped},
			says: []string{"has no cluster payments-eu in eu-central-1"},
		},
		{
			name:    "the plugin makes tokens for another name",
			make:    func(f *doctor.Facts) { f.Plugin.ClusterName = "payments-us"; undescribed(f, doctor.FaultDenied) },
			verdict: doctor.Found, hops: hops{doctor.HopCluster}, causes: causes{doctor.CauseOtherName, doctor.CauseNotMapped},
			says: []string{"makes tokens for payments-us", "aws eks update-kubeconfig --name payments-eu --region eu-central-1"},
		},
	}
}

func ofRights() []situation {
	rules := func(r doctor.Rules) func(f *doctor.Facts) {
		return func(f *doctor.Facts) { inside(f); f.Rules = &r }
	}
	twice := func(name string, hop doctor.Hop, cause doctor.Cause, change func(f *doctor.Facts), says ...string) situation {
		return situation{
			name: name, make: func(f *doctor.Facts) { asks(f, false); change(f) },
			verdict: doctor.Narrowed, hops: hops{hop, doctor.HopBinding}, causes: causes{cause, doctor.CauseNotAllowed}, says: says,
		}
	}
	return []situation{
		{name: "all is well", make: rules(doctor.Rules{Namespace: "payments", Count: 3, Complete: true}), verdict: doctor.Works, says: []string{"3 rules in namespace payments"}},
		{name: "what is asked is allowed", make: func(f *doctor.Facts) { asks(f, true) }, verdict: doctor.Works, says: []string{"you can get pods"}},
		{name: "what works needs no right clock", make: func(f *doctor.Facts) { asks(f, true); off(f, time.Hour); f.Described = nil }, verdict: doctor.Works},
		{name: "what works needs no STS", make: func(f *doctor.Facts) { asks(f, true); unproven(f, expired("ExpiredToken: it is expired")) }, verdict: doctor.Works},
		{name: "rules that are kept back are no proof of nothing", make: rules(doctor.Rules{Namespace: "default"}), verdict: doctor.Works},
		{
			name: "the person gets in and may do nothing", make: rules(doctor.Rules{Namespace: "default", Complete: true}),
			verdict: doctor.Found, hops: hops{doctor.HopBinding}, causes: causes{doctor.CauseNothingAllowed},
		},
		{
			name: "what is asked is not allowed", make: func(f *doctor.Facts) { asks(f, false) },
			verdict: doctor.Found, hops: hops{doctor.HopBinding}, causes: causes{doctor.CauseNotAllowed},
			says: []string{`"sso:EKSDeveloper:dana@example.com" in group rolecall:platform:payments:developers`},
		},
		{
			name: "the access entry is as it should be",
			make: func(f *doctor.Facts) {
				asks(f, false)
				f.Entry = &access.AccessEntry{Username: "sso:EKSDeveloper:{{SessionNameRaw}}", Associations: []access.PolicyAssociation{
					{Policy: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", Scope: access.ScopeNamespace, Namespaces: []string{"payments"}},
				}}
			},
			verdict: doctor.Found, hops: hops{doctor.HopBinding}, causes: causes{doctor.CauseNotAllowed}, says: []string{"EKS access policies: AmazonEKSViewPolicy in payments"},
		},
		{
			name:    "the row is as it should be",
			make:    func(f *doctor.Facts) { asks(f, false); f.AwsAuth = row(`"sso:EKSDeveloper:{{SessionNameRaw}}"`) },
			verdict: doctor.Found, hops: hops{doctor.HopBinding}, causes: causes{doctor.CauseNotAllowed}, says: []string{"row 1 of mapRoles in aws-auth makes you"},
		},
		twice("what is refused is asked by somebody who took on a role", doctor.HopPlugin, doctor.CauseTakesRole, func(f *doctor.Facts) {
			takesRole(f)
			f.Answer.Self.Username = "eks-admin:EKSGetTokenAuth"
		}),
		twice("the row gives no user name", doctor.HopMapping, doctor.CauseNameless, func(f *doctor.Facts) {
			f.Answer.Self.Username, f.AwsAuth = "", row("y")
		}, "RC2015", "row 1 of mapRoles"),
		twice("an access entry hides the row", doctor.HopMapping, doctor.CauseRowHidden, func(f *doctor.Facts) {
			f.AwsAuth = row(`"dev:{{SessionNameRaw}}"`)
		}, "RC3004", `"dev:dana@example.com"`),
		{
			name:    "the API server does not review",
			make:    func(f *doctor.Facts) { asks(f, false); f.Review, f.ReviewFault = nil, other("etcd is slow") },
			verdict: doctor.Undecided, hops: hops{doctor.HopBinding}, causes: causes{doctor.CauseNotReviewed}, says: []string{"etcd is slow"},
		},
		{
			name:    "the server takes them for anybody",
			make:    func(f *doctor.Facts) { asks(f, false); f.Answer.Self.Username = "system:anonymous" },
			verdict: doctor.Found, hops: hops{doctor.HopPlugin}, causes: causes{doctor.CauseNoCredential},
		},
	}
}
