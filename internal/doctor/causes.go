package doctor

// Cause names what is wrong with a hop. The names are stable; more may follow.
type Cause string

// What is wrong with the person's own files.
const (
	CauseNoKubeconfig    Cause = "kubeconfig-missing"
	CauseBadKubeconfig   Cause = "kubeconfig-unreadable"
	CauseNoCurrent       Cause = "context-not-set"
	CauseNoContext       Cause = "context-unknown"
	CauseBrokenContext   Cause = "context-incomplete"
	CauseNoCredential    Cause = "credential-missing"
	CausePluginMissing   Cause = "plugin-missing"
	CausePluginFailed    Cause = "plugin-failed"
	CauseTakesRole       Cause = "plugin-takes-role"
	CauseOtherCredential Cause = "credential-not-aws"
)

// What is wrong with the AWS session and its token.
const (
	CauseLoginExpired    Cause = "login-expired"
	CauseNotIdentityUser Cause = "session-not-identity-center"
	CauseOtherAccount    Cause = "session-other-account"
	CauseTokenLong       Cause = "token-too-long"
	CauseTokenOld        Cause = "token-stale"
	CauseTokenRefused    Cause = "token-refused"
	CauseTokenUnproven   Cause = "token-unproven"
	CauseClockBehind     Cause = "clock-behind"
	CauseClockAhead      Cause = "clock-ahead"
)

// What is wrong with the way to the cluster, or with which cluster it is.
const (
	CauseNotResolved      Cause = "server-not-resolved"
	CauseConnection       Cause = "connection-refused"
	CauseTimeout          Cause = "connection-timeout"
	CauseProxy            Cause = "proxy-refused"
	CauseStray            Cause = "not-an-api-server"
	CauseFailing          Cause = "server-failing"
	CauseNoAnswer         Cause = "no-answer"
	CauseCertificate      Cause = "certificate-mismatch"
	CauseOtherCluster     Cause = "cluster-other"
	CauseClusterRecreated Cause = "cluster-recreated"
	CauseOtherName        Cause = "cluster-name-other"
	CauseNoCluster        Cause = "cluster-not-in-account"
	CauseClusterUnknown   Cause = "cluster-unproven"
)

// What is wrong inside the cluster.
const (
	CauseNotMapped      Cause = "mapping-missing-or-dead"
	CauseNoEntry        Cause = "mapping-entry-missing"
	CauseDeadEntry      Cause = "mapping-entry-dead"
	CauseRefusedEntry   Cause = "mapping-entry-refused"
	CauseNameless       Cause = "mapping-without-username"
	CauseRowHidden      Cause = "mapping-row-hidden"
	CauseNotAllowed     Cause = "request-not-allowed"
	CauseNothingAllowed Cause = "nothing-allowed"
	CauseNotReviewed    Cause = "request-not-reviewed"
)

// Causes returns all of them, in the order in which a request meets them.
func Causes() []Cause {
	return []Cause{
		CauseNoKubeconfig, CauseBadKubeconfig, CauseNoCurrent, CauseNoContext, CauseBrokenContext, CauseNoCredential,
		CausePluginMissing, CausePluginFailed, CauseTakesRole, CauseOtherCredential, CauseLoginExpired,
		CauseNotIdentityUser, CauseOtherAccount, CauseTokenLong, CauseTokenOld, CauseTokenRefused,
		CauseTokenUnproven, CauseClockBehind, CauseClockAhead, CauseNotResolved, CauseConnection, CauseTimeout,
		CauseProxy, CauseStray, CauseFailing, CauseNoAnswer, CauseCertificate, CauseOtherCluster,
		CauseClusterRecreated, CauseOtherName, CauseNoCluster, CauseClusterUnknown, CauseNotMapped, CauseNoEntry,
		CauseDeadEntry, CauseRefusedEntry, CauseNameless,
		CauseRowHidden, CauseNotAllowed, CauseNothingAllowed, CauseNotReviewed,
	}
}
