package diag

// policyEntries are the codes of policies and installations. Severities: product design, section 7.
func policyEntries() []Entry {
	return []Entry{
		{
			Code: RC1001, Title: "syntax", Severity: Error,
			Explanation: "The file cannot be read as YAML or JSON, or uses a part of YAML that lets two readers see two different things: anchors, aliases, merge keys and tags, a key written twice, a tab where it counts, text that is not UTF-8, more than 4 MiB, nesting over 64 levels. What decides who may do what must read the same for everybody who reviews it.",
			Remedy:      "Mend the line the position names. Write an anchored value out at every place it is used; keep one of two equal keys.",
		},
		{
			Code: RC1002, Title: "unknown field", Severity: Error,
			Explanation: "The field does not exist in this kind of document. A misspelt field is refused because ignoring it would silently widen or drop what it was meant to say: an exclude under another name excludes nothing.",
			Remedy:      "Use the spelling the hint suggests; rolecall schema prints every field. Field names are case-sensitive.",
		},
		{
			Code: RC1003, Title: "duplicate name", Severity: Error,
			Explanation: "Two policies have the same name, or two grants of one policy have. Names become part of group names and bindings in the clusters, so two things of one name would overwrite each other there.",
			Remedy:      "Rename the later one; the detail names the place of the earlier. Renaming a grant that is applied already replaces its bindings at the next run.",
		},
		{
			Code: RC1004, Title: "missing field", Severity: Error,
			Explanation: "A field that has no sensible default is not there. Leaving out who, through what, where or what is allowed never means everybody or everything.",
			Remedy:      "Add the field. The selector of every cluster is written as clusters: {names: [\"*\"]}.",
		},
		{
			Code: RC1005, Title: "bad value", Severity: Error,
			Explanation: "The value has the wrong type or form. Account ids are text of exactly 12 digits: without quotes YAML reads 012345678901 as a number and the leading zero is lost, so an unquoted one is refused rather than guessed. Names become Kubernetes names, so they must be DNS-1123 labels.",
			Remedy:      "Write the value as the message says; quote account ids.",
		},
		{
			Code: RC1006, Title: "unknown principal", Severity: Error,
			Explanation: "No Identity Center user or group has this name or id. A grant to nobody looks like access that was given and was not.",
			Remedy:      "Check the spelling against the directory: groups go by display name, users by user name. A principal that is synchronised by SCIM appears once the synchronisation has run.",
		},
		{
			Code: RC1007, Title: "unknown permission set", Severity: Error,
			Explanation: "The Identity Center instance has no permission set of this name or ARN, so there is no role through which anybody could reach the cluster.",
			Remedy:      "Use an existing permission set, or create it first: rolecall assigns permission sets, it does not write them.",
		},
		{
			Code: RC1008, Title: "selector matches no cluster", Severity: Warning, Other: Error,
			Explanation: "The clusters of the grant match nothing that was found, so the grant does nothing. It is an error where a single cluster is referred to by name and does not exist.",
			Remedy:      "Compare the accounts, units, names, Regions and tags of the selector with the clusters of the snapshot. Each field given must match; within a field any value may.",
		},
		{
			Code: RC1009, Title: "cannot be granted exactly", Severity: Error,
			Explanation: "Everybody who is assigned the permission set in the account holds the same role, and others than the people of the grant do. Binding by group would let them in as well, so it is refused; the detail names them. The same goes for EKS access policies and for groups that others have bound, which cannot be limited to people.",
			Remedy:      "Let the grant bind by user (bind: User, or bind: Auto and no accessPolicy or groups items), give these people a permission set of their own, or name the others in the grant.",
		},
		{
			Code: RC1010, Title: "grant has expired", Severity: Note,
			Explanation: "The moment in expires has passed at the time of the snapshot. The grant counts as absent, and what it had given is removed by the next run.",
			Remedy:      "Remove the grant from the policy, or extend expires where the access is still wanted.",
		},
		{
			Code: RC1011, Title: "privileged grant without \"privileged: true\"", Severity: Error,
			Explanation: "The grant amounts to the administration of the cluster: by its name (cluster-admin, admin and edit over the whole cluster or in kube-system; the EKS access policies that do the same) or by its rules (escalate, bind, impersonate, pods or secrets in kube-system, the right to change aws-auth). Such a grant must say so, so that a reviewer sees it.",
			Remedy:      "Add privileged: true to the grant, or allow less: namespaces: [...] limits admin and edit.",
		},
		{
			Code: RC1012, Title: "policy test failed", Severity: Error,
			Explanation: "A line under tests: does not hold: somebody can do what the test says they cannot, or the other way round.",
			Remedy:      "The detail carries the chain that decides. Change the grant, or the test where the expectation was wrong.",
		},
		{
			Code: RC1013, Title: "EKS access policy where no access entry can be", Severity: Error,
			Explanation: "An accessPolicy item needs an access entry, and the cluster honours none (authentication mode CONFIG_MAP), or the mapping is set to ConfigMap.",
			Remedy:      "Use a clusterRole instead, or move the cluster to API_AND_CONFIG_MAP. That change cannot be undone.",
		},
		{
			Code: RC1014, Title: "name is ambiguous", Severity: Error,
			Explanation: "More than one group, user, account, unit or cluster goes by this name. rolecall never chooses for you.",
			Remedy:      "Use the id, or the longer form of the reference; the detail lists the candidates.",
		},
		{
			Code: RC1015, Title: "Role or ClusterRole does not exist", Severity: Error,
			Explanation: "The cluster has no role of this name there. Kubernetes accepts such a binding, it gives nothing, and whoever creates a role of that name later decides what the binding means.",
			Remedy:      "Create the role first, or correct its name. A role: item needs a Role in each namespace it lists.",
		},
		{
			Code: RC1016, Title: "outside the estate", Severity: Error,
			Explanation: "The grant selects an account or a cluster that the installation does not look after. Nothing outside the estate is ever read or changed, so the grant would do nothing there.",
			Remedy:      "Widen estate: in rolecall.yaml, or narrow the selector.",
		},
		{
			Code: RC1017, Title: "reserved name", Severity: Error,
			Explanation: "Groups under rolecall: belong to rolecall's own grants, and groups under system: to Kubernetes. Handing one out by name would give what another grant meant for other people, or the administration of the cluster past every check.",
			Remedy:      "Bind another group in the cluster, or use a clusterRole item.",
		},
	}
}
