package diag

// mapRowEntries are the codes of single rows of aws-auth.
func mapRowEntries() []Entry {
	return []Entry{
		{
			Code: RC2002, Title: "role ARN keeps its path", Severity: Error, Fixable: true,
			Explanation: "The authenticator compares with the ARN it rebuilds from the session, and a session's ARN has no path. A row whose ARN still has one, such as /aws-reserved/sso.amazonaws.com/eu-central-1/, never matches anybody: 401 Unauthorized. (An access entry needs exactly the opposite: the full ARN.)",
			Remedy:      "Take the path out: arn:aws:iam::111122223333:role/AWSReservedSSO_… . rolecall lint --fix does it.",
		},
		{
			Code: RC2003, Title: "permission-set ARN where a role ARN belongs", Severity: Error,
			Explanation: "A permission set is not something that signs in. Identity Center makes a role from it in each account, and that role's ARN belongs here. This row matches nobody.",
			Remedy:      "Find the role AWSReservedSSO_<permission set>_<16 hex digits> in the cluster's account and write its ARN without the path.",
		},
		{
			Code: RC2004, Title: "STS session ARN where a role ARN belongs", Severity: Error, Fixable: true,
			Explanation: "This is the ARN of one session (…:sts::…:assumed-role/NAME/SESSION), as get-caller-identity prints it. The authenticator turns sessions into role ARNs before it compares, so the row matches nobody.",
			Remedy:      "Write arn:aws:iam::<account>:role/NAME. rolecall lint --fix does it.",
		},
		{
			Code: RC2005, Title: "role under mapUsers", Severity: Error, Other: Warning, Fixable: true,
			Explanation: "Roles belong under mapRoles with the key rolearn. Under mapUsers the row is lost when its key is rolearn (error); with the key userarn it happens to match (warning), which nobody should rely on.",
			Remedy:      "Move the row to mapRoles and name its key rolearn. rolecall lint --fix does it where no other row changes its meaning.",
		},
		{
			Code: RC2006, Title: "duplicate ARN or key", Severity: Warning, Other: Error,
			Explanation: "The same principal has two rows (case does not count), or one row has the same key twice. The last one wins and the groups are not merged; the finding is on the later one and names the earlier. It is an error when the winner takes something away.",
			Remedy:      "Merge the rows into one with the groups of both, or delete the one that is not meant.",
		},
		{
			Code: RC2007, Title: "wrong type, read as empty", Severity: Error,
			Explanation: "The value is not text or not a list: username: y is a boolean to YAML, 0o17 and 1_000 are numbers, groups: ops is no list. The authenticator reads it as empty and keeps the row, which stays live with an empty user name or without its groups.",
			Remedy:      "Quote the text (username: \"y\"); write groups as a list.",
		},
		{
			Code: RC2008, Title: "unknown field", Severity: Warning,
			Explanation: "The authenticator ignores fields it does not know, so whatever this one was meant to do does not happen.",
			Remedy:      "Correct the spelling or delete the line. Rows have rolearn or userarn, username and groups.",
		},
		{
			Code: RC2009, Title: "malformed or missing ARN", Severity: Error,
			Explanation: "Without a well-formed ARN the row matches nobody.",
			Remedy:      "Write arn:<partition>:iam::<12-digit account>:role/<name>, without a path.",
		},
		{
			Code: RC2010, Title: "principal that cannot or should not be mapped", Severity: Error, Other: Warning,
			Explanation: "IAM groups cannot sign in, so such a row matches nobody (error). The root user and federated users do match (warning): root should never work in a cluster, and a federated user's ARN belongs to whoever may federate under that name.",
			Remedy:      "Map a role instead.",
		},
		{
			Code: RC2011, Title: "node row damaged or missing", Severity: Error,
			Explanation: "Linux nodes need username system:node:{{EC2PrivateDNSName}} and the groups system:bootstrappers and system:nodes; Windows nodes eks:kube-proxy-windows besides; Fargate and hybrid nodes system:node:{{SessionName}}. Without it nodes cannot join and running ones turn NotReady within minutes.",
			Remedy:      "Restore the row; rolecall backup and rollback keep earlier versions of the ConfigMap.",
		},
		{
			Code: RC2012, Title: "system:masters", Severity: Warning,
			Explanation: "This group passes every authorization check before RBAC is asked. No binding can limit it and no binding's removal can revoke it.",
			Remedy:      "Map to a group of your own and bind that to cluster-admin; then it can be seen, limited and taken away.",
		},
		{
			Code: RC2013, Title: "{{SessionName}} merges two people", Severity: Warning,
			Explanation: "The template replaces every @ in the session name by -, so a@b and a-b become one Kubernetes user, and each has what is bound to the other.",
			Remedy:      "Use {{SessionNameRaw}}, and adjust the bindings that name these users.",
		},
		{
			Code: RC2014, Title: "session name chosen by the caller", Severity: Warning,
			Explanation: "Whoever may assume this role picks the session name, unless its trust policy pins it. A user name made from the session name alone can be anybody's. Roles of Identity Center are different: there Identity Center sets it to the user name.",
			Remedy:      "Pin sts:RoleSessionName in the trust policy, or use a fixed user name.",
		},
		{
			Code: RC2015, Title: "empty username", Severity: Warning,
			Explanation: "The row lets its principal in with an empty user name. Audit logs cannot tell who acted.",
			Remedy:      "Give the row a user name; for Identity Center roles \"sso:<permission set>:{{SessionNameRaw}}\".",
		},
		{
			Code: RC2016, Title: "mapAccounts lets in a whole account", Severity: Warning,
			Explanation: "Every user and role of the account is authenticated, under its ARN as user name: all of them are in system:authenticated, now and in future.",
			Remedy:      "Map the roles that are meant one by one and remove the account.",
		},
		{
			Code: RC2017, Title: "unknown template", Severity: Warning,
			Explanation: "Only {{AccountID}}, {{SessionName}}, {{SessionNameRaw}}, {{AccessKeyID}} and {{EC2PrivateDNSName}} are replaced. Anything else in braces stays as it is written, the same for everybody.",
			Remedy:      "Correct the spelling; case and blanks count.",
		},
		{
			Code: RC2019, Title: "sso: matcher does not work on EKS", Severity: Error,
			Explanation: "The authenticator has a matcher by permission set name behind a feature that EKS does not switch on. The row matches nobody.",
			Remedy:      "Map the role's ARN, which rolecall finds and keeps up to date.",
		},
		{
			Code: RC2022, Title: "user under mapRoles", Severity: Error, Other: Warning, Fixable: true,
			Explanation: "IAM users belong under mapUsers with the key userarn. Under mapRoles the row is lost when its key is userarn (error); with the key rolearn it happens to match (warning).",
			Remedy:      "Move the row to mapUsers and name its key userarn. rolecall lint --fix does it where no other row changes its meaning.",
		},
		{
			Code: RC2023, Title: "wildcard in an ARN", Severity: Error,
			Explanation: "aws-auth compares ARNs as text; * and ? stand for themselves. The row matches nobody.",
			Remedy:      "Write one row per role.",
		},
		{
			Code: RC2024, Title: "account id is not 12 digits", Severity: Error,
			Explanation: "Account ids have exactly 12 digits, leading zeros included; most often a zero got lost where the id was once a number. The row matches nobody.",
			Remedy:      "Write all 12 digits.",
		},
		{
			Code: RC2025, Title: "Identity Center role without its suffix", Severity: Error,
			Explanation: "The roles of Identity Center end in an underscore and 16 hexadecimal digits, different in every account and new whenever the role is made again. Without them the row matches nobody.",
			Remedy:      "Look the role's full name up in the cluster's account, or let rolecall write the row.",
		},
		{
			Code: RC2026, Title: "partition does not match", Severity: Warning,
			Explanation: "The ARN names another partition (aws, aws-cn, aws-us-gov, …) than the cluster's. Principals of one partition cannot sign in to another.",
			Remedy:      "Use the partition of the cluster.",
		},
		{
			Code: RC2027, Title: "reserved name yielded by somebody else", Severity: Error, Other: Warning,
			Explanation: "A row, entry or identity provider that is not rolecall's yields a user name of the form sso:<x>:<y> or a group under rolecall:. Whoever comes in through it would get what rolecall binds to other people, so rolecall binds nothing in this cluster until it is gone. An identity provider without any prefix is a warning, and holds nothing up: it may say every name, those of Kubernetes itself too, so whoever decides what it says administers the cluster as it is.",
			Remedy:      "Rename the user or group in that row or entry, or take it over with adopt: in rolecall.yaml. Associate the identity provider anew with a prefix of its own, such as oidc:.",
		},
		{
			Code: RC2029, Title: "group names run together", Severity: Error,
			Explanation: "The group's name has a blank or a list marker in it. A misplaced blank before a dash makes YAML join two list items into one text, so neither group is given.",
			Remedy:      "Put each group on its own line with the same indentation.",
		},
	}
}
