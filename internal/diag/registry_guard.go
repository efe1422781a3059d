package diag

// guardEntries are the codes of guards: what a plan would do and is refused to do.
func guardEntries() []Entry {
	return []Entry{
		{
			Code: RC4001, Title: "would lock the caller out", Severity: Error, Flag: "--allow-self-lockout",
			Explanation: "After these changes, or at some moment among them, the identity that runs rolecall would no longer get into the cluster, and could not repair it.",
			Remedy:      "Keep a mapping for the caller, or run as somebody who keeps access.",
		},
		{
			Code: RC4002, Title: "would leave a cluster without an administrator", Severity: Error, Flag: "--allow-no-admin",
			Explanation: "At some moment nobody who exists and is enabled could administer the cluster.",
			Remedy:      "Add the new administrator first and remove the old one in a later run.",
		},
		{
			Code: RC4003, Title: "would remove or change a node row", Severity: Error, Flag: "--allow-node-rows",
			Explanation: "Nodes authenticate through their row. Without it they turn NotReady within minutes and their workloads are moved.",
			Remedy:      "Leave the row. If its nodes are really gone, pass the flag once.",
		},
		{
			Code: RC4004, Title: "removes more than allowed", Severity: Error, Flag: "--max-removals",
			Explanation: "The plan takes away more than a usual change does. Often a policy file was not read, or a selector got narrower than meant.",
			Remedy:      "Look at the removals. If they are right, allow that many with --max-removals.",
		},
		{
			Code: RC4005, Title: "would change what depends on unread data", Severity: Error,
			Explanation: "Something this change rests on could not be read. What is not known is not absent, so it stays as it is. No flag passes this.",
			Remedy:      "Make the data readable; rolecall bootstrap --check names the missing permissions.",
		},
		{
			Code: RC4006, Title: "object belongs to somebody else", Severity: Error,
			Explanation: "An object of the wanted name exists and does not carry rolecall's marks, or carries those of another owner. It is left alone. No flag passes this.",
			Remedy:      "List it under adopt: in rolecall.yaml to take it over, or remove it.",
		},
		{
			Code: RC4007, Title: "escalation of an unprivileged grant", Severity: Error,
			Explanation: "The grant does not say privileged: true, and what it gives has come to amount to cluster administration, for example because a ClusterRole got new rules. No flag passes this.",
			Remedy:      "Add privileged: true to the grant, or take the rules out of the role.",
		},
		{
			Code: RC4008, Title: "protected principal", Severity: Error,
			Explanation: "The change removes or weakens a role or user listed under protect:. No flag passes this.",
			Remedy:      "Change the policy so that it keeps them, or take them off the list in a change of its own.",
		},
		{
			Code: RC4009, Title: "last assignment of a permission set in an account", Severity: Error, Flag: "--allow-role-deletion",
			Explanation: "With the last assignment Identity Center deletes the role. A later assignment makes one with another suffix: every ARN of it that is stored anywhere, in key policies, bucket policies and elsewhere, is dead for good.",
			Remedy:      "Keep one assignment, or pass the flag when nothing else refers to the role.",
		},
		{
			Code: RC4010, Title: "aws-auth cannot be edited as it is written", Severity: Error, Flag: "--allow-rewrite",
			Explanation: "rolecall changes its own rows and leaves every other byte as it is. This text is folded, quoted or laid out in a way in which that cannot be done safely, or it is damaged or full.",
			Remedy:      "The finding says why. Where only the layout stands in the way, the flag writes the value anew: every row keeps its meaning, comments and layout go.",
		},
	}
}

// worldEntries are the codes of what kept rolecall from reading or writing.
func worldEntries() []Entry {
	return []Entry{
		{
			Code: RC5001, Title: "access denied", Severity: Error,
			Explanation: "AWS or a cluster refused a call; the detail names the action that is missing and who called. What depends on the answer stays as it is.",
			Remedy:      "Grant the action; rolecall bootstrap --check shows everything that is missing.",
		},
		{
			Code: RC5002, Title: "throttled out", Severity: Error,
			Explanation: "The service kept refusing for its rate limits although rolecall slowed down and waited. Something else is using up the limit.",
			Remedy:      "Run again later, or when the other work is done.",
		},
		{
			Code: RC5003, Title: "cluster unreachable", Severity: Error,
			Explanation: "Nothing answered at the cluster's API endpoint. Private endpoints answer from inside their network only. Other clusters go on.",
			Remedy:      "Name the way in under access.clusters in rolecall.yaml: proxyURL, endpoint or context.",
		},
		{
			Code: RC5004, Title: "snapshot incomplete", Severity: Warning, Other: Error,
			Explanation: "Some of the estate could not be read. What depends on it stays exactly as observed. With --require-complete it is an error.",
			Remedy:      "The findings beside this one say what was not read and why.",
		},
		{
			Code: RC5005, Title: "plan is stale", Severity: Error,
			Explanation: "A fact the saved plan rests on is no longer so, or the plan's time has passed. Carrying it out would do something nobody reviewed.",
			Remedy:      "Plan again and review the new plan.",
		},
		{
			Code: RC5006, Title: "credentials missing or expired", Severity: Error,
			Explanation: "AWS does not accept the credentials, or there are none.",
			Remedy:      "aws sso login --profile <profile>, or set the credentials this environment uses.",
		},
	}
}
