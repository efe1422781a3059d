package access

import (
	"fmt"
	"slices"
	"strings"
)

// ReservedEntryPrefix returns the beginning of the username that EKS reserves to itself in access entries. An entry that has one all the same admits
// nobody, and keeps a row of aws-auth from counting.
func ReservedEntryPrefix(username string) (prefix string, reserved bool) {
	for _, prefix := range []string{"system:", "eks:", "aws:", "amazon:", "iam:"} {
		if strings.HasPrefix(username, prefix) {
			return prefix, true
		}
	}
	return "", false
}

// RefusedEntry says why EKS would refuse an entry with the username and groups, in its own words; "" when it would not. Source: EKS User
// Guide, "Create access entries".
func RefusedEntry(username string, groups []string) string {
	if prefix, reserved := ReservedEntryPrefix(username); reserved {
		return fmt.Sprintf("The username must not begin with %s", prefix)
	}
	if before, _, ok := strings.Cut(username, "{{SessionName"); ok && !strings.Contains(before, ":") {
		return "The username must have a colon before {{SessionName}} or {{SessionNameRaw}}"
	}
	if i := slices.IndexFunc(groups, func(g string) bool { return strings.HasPrefix(g, "system:") }); i >= 0 {
		return fmt.Sprintf("The kubernetes group name %s is invalid, it cannot start with system:", groups[i])
	}
	return ""
}
