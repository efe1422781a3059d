package diag

// mapTextEntries are the codes of the aws-auth document as a whole.
func mapTextEntries() []Entry {
	return []Entry{
		{
			Code: RC2001, Title: "not parseable, or refused by the API server", Severity: Error,
			Explanation: "The authenticator drops every row of a key it cannot parse, at once and without a word in the cluster: nodes included. A manifest that the API server refuses changes nothing.",
			Remedy:      "Mend the line named. To get back to what worked: rolecall rollback <cluster>.",
		},
		{
			Code: RC2018, Title: "key is ignored", Severity: Error,
			Explanation: "Only mapRoles, mapUsers and mapAccounts are read, spelled exactly so. Everything under another key has no effect.",
			Remedy:      "Rename the key; join it with the one of that name if there is one already.",
		},
		{
			Code: RC2020, Title: "text that is not read", Severity: Error,
			Explanation: "Only the first YAML document of a value is read, and text after a complete value is silently dropped. The rows there have no effect.",
			Remedy:      "Remove the document separator, or move the rows into the first list.",
		},
		{
			Code: RC2021, Title: "near or over the size limit", Severity: Error, Other: Warning,
			Explanation: "The values of a ConfigMap may hold 1 MiB in all. Over it every write is refused (error); past 90 % of it there is soon no room for another row (warning).",
			Remedy:      "Delete rows of roles that are gone; access entries have no such limit.",
		},
		{
			Code: RC2028, Title: "not an aws-auth document", Severity: Error,
			Explanation: "The input is something else: the output of kubectl describe, a template that was not rendered, another object.",
			Remedy:      "kubectl get configmap aws-auth -n kube-system -o yaml gives the right form.",
		},
	}
}
