package access

import "strings"

// MatchGlob tells whether name matches pattern, in which every * stands for any characters, none included, and
// everything else for itself; case counts. It takes time linear in the name for each star.
func MatchGlob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	rest := name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return true
}

// MatchNamespace is MatchGlob for the namespaces of a grant: kube-system, and where the backups of aws-auth are kept, match only when
// they are written out.
func MatchNamespace(pattern, namespace string) bool {
	if namespace == SystemNamespace || namespace == BackupNamespace {
		return pattern == namespace
	}
	return MatchGlob(pattern, namespace)
}
