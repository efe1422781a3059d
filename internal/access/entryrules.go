package access

import (
	"fmt"
	"slices"
	"strings"
)

// RefusedEntry says why EKS would refuse an entry with the username and groups, in its own words; "" when it would not. Source: EKS User
// Guide, "Create access entries".
func RefusedEntry(username string, groups []string) string {
	for _, prefix := range []string{"system:", "eks:", "aws:", "amazon:", "iam:"} {
		if strings.HasPrefix(username, prefix) {
			return fmt.Sprintf("The username must not begin with %s", prefix)
		}
	}
	if before, _, ok := strings.Cut(username, "{{SessionName"); ok && !strings.Contains(before, ":") {
		return "The username must have a colon before {{SessionName}} or {{SessionNameRaw}}"
	}
	if i := slices.IndexFunc(groups, func(g string) bool { return strings.HasPrefix(g, "system:") }); i >= 0 {
		return fmt.Sprintf("The kubernetes group name %s is invalid, it cannot start with system:", groups[i])
	}
	return ""
}
