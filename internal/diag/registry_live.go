package diag

// liveEntries are the codes of findings about live state.
func liveEntries() []Entry {
	return []Entry{
		{
			Code: RC3001, Title: "mapped role does not exist", Severity: Warning,
			Explanation: "A mapping names a role that IAM does not have. It lets nobody in today; whoever may create a role of that name in that account can take it over.",
			Remedy:      "Remove the mapping.",
		},
		{
			Code: RC3002, Title: "role re-created under a new suffix", Severity: Error,
			Explanation: "Identity Center deletes a permission set's role with the last assignment in an account and makes a new one, under another suffix, with the next. The mapping still names the old role, so everybody who comes through it is refused.",
			Remedy:      "rolecall apply replaces the mapping by one of the new role.",
		},
		{
			Code: RC3003, Title: "access entry is dead", Severity: Error,
			Explanation: "An access entry is tied to the unique id its role had when the entry was made. The role was made again since: the entry is still listed and authenticates nobody.",
			Remedy:      "Delete the entry and create it again; rolecall apply does it for entries it manages.",
		},
		{
			Code: RC3004, Title: "access entry hides the aws-auth row", Severity: Warning,
			Explanation: "Where a principal has both, the access entry alone counts. What the row gives is not given.",
			Remedy:      "Keep one of the two; rolecall migrate shows what would change for whom.",
		},
		{
			Code: RC3005, Title: "permission set is not provisioned in the account", Severity: Error,
			Explanation: "Without an assignment in the account there is no role there, and nothing that could be mapped.",
			Remedy:      "Assign the permission set in the account. For managed permission sets rolecall apply does it.",
		},
		{
			Code: RC3006, Title: "mapped group has no binding", Severity: Warning,
			Explanation: "The mapping puts people into a group that no binding names: they get in and may do nothing through it. A binding made later by somebody else would give it meaning.",
			Remedy:      "Create the binding, or take the group out of the mapping.",
		},
		{
			Code: RC3007, Title: "binding names a user that cannot occur", Severity: Warning,
			Explanation: "No mapping of the cluster yields this user name, so the binding gives nobody anything. Often the template has replaced @ by -, or the permission set was renamed.",
			Remedy:      "Correct the name in the binding, or delete it.",
		},
		{
			Code: RC3008, Title: "two people map to one user", Severity: Error,
			Explanation: "Two people arrive in the cluster under the same user name. Each has what is bound to the other, and audit logs cannot tell them apart.",
			Remedy:      "Use {{SessionNameRaw}}, and a user name that carries the permission set.",
		},
		{
			Code: RC3009, Title: "aws-auth is ignored in API mode", Severity: Warning,
			Explanation: "The cluster's authentication mode is API: nobody reads the ConfigMap any more, whatever it says.",
			Remedy:      "Delete it once nothing in it is missed; rolecall report shows who gets in.",
		},
		{
			Code: RC3010, Title: "excess access", Severity: Warning,
			Explanation: "Somebody whom no grant covers can do something in the cluster all the same, through objects that are not rolecall's. The detail shows the chain.",
			Remedy:      "Remove the link of the chain that is not meant, or write a grant that says it is.",
		},
		{
			Code: RC3011, Title: "role looks like an Identity Center role but is not", Severity: Warning,
			Explanation: "The role's name begins like one of Identity Center's but it does not lie under /aws-reserved/sso.amazonaws.com/, which only Identity Center can write to. Somebody made it to look like one, and its session names are chosen by the caller.",
			Remedy:      "Find out who made it. Do not map it.",
		},
		{
			Code: RC3012, Title: "access entry that EKS would refuse", Severity: Error,
			Explanation: "EKS refuses groups that begin with system:, user names that begin with system:, eks:, aws:, amazon: or iam:, and a session template without a colon before it.",
			Remedy:      "Rename the group or the user; use an EKS access policy in place of system:masters.",
		},
		{
			Code: RC3013, Title: "principal is disabled or deleted", Severity: Warning,
			Explanation: "The user is disabled, or an assignment names a principal that the directory no longer has. It gives nobody anything today.",
			Remedy:      "Remove the principal from the policy or the assignment.",
		},
		{
			Code: RC3014, Title: "session name cannot be predicted", Severity: Warning,
			Explanation: "The user name is longer than 64 characters, has characters that session names cannot have, or differs from another only in case. What Identity Center makes of it is not documented, so rolecall cannot bind it and does not.",
			Remedy:      "Change the user name in the directory, or bind the grant by group.",
		},
		{
			Code: RC3015, Title: "permission set can administer EKS itself", Severity: Warning,
			Explanation: "The permission set's own IAM policies can create access entries or change the cluster, so whoever holds it can make themselves an administrator, whatever the bindings say.",
			Remedy:      "Take eks:CreateAccessEntry, eks:AssociateAccessPolicy and eks:UpdateClusterConfig out of the permission set, or treat its holders as administrators.",
		},
		{
			Code: RC3016, Title: "assignment is missing", Severity: Error,
			Explanation: "The grant needs this account assignment, and the permission set is not one of managedPermissionSets, so rolecall does not make it.",
			Remedy:      "Make the assignment where yours are made, or list the permission set in managedPermissionSets.",
		},
	}
}
