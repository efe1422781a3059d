package awsauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// BackupFile is a backup as it stands in a file: a manifest that kubectl replace puts back, with what rolecall knows of it in comments above.
type BackupFile struct {
	// Cluster is empty in a manifest that rolecall did not write.
	Cluster access.ClusterARN
	Backup  access.Backup
}

const headerPrefix = "# rolecall.dev/backup: "

// header is what the comment above the manifest says.
type header struct {
	Cluster         access.ClusterARN `json:"cluster"`
	Number          int               `json:"number"`
	Owner           string            `json:"owner"`
	Taken           time.Time         `json:"taken"`
	Run             string            `json:"run"`
	Command         string            `json:"command"`
	Caller          access.ARN        `json:"caller"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	Wrote           string            `json:"wrote,omitempty"`
	// Absent says that there was no aws-auth; then no manifest follows.
	Absent bool `json:"absent,omitempty"`
}

// manifest is what is read of a ConfigMap.
type manifest struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Data map[string]string `json:"data"`
}

// Encode writes the file.
func (f BackupFile) Encode() ([]byte, error) {
	b := f.Backup
	h := header{
		Cluster: f.Cluster, Number: b.Number, Owner: b.Owner, Taken: b.Taken.UTC(), Run: b.Run, Command: b.Command, Caller: b.Caller,
		Absent: b.ConfigMap == nil, Wrote: b.Wrote,
	}
	if b.ConfigMap != nil {
		h.ResourceVersion = b.ConfigMap.ResourceVersion
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encoding the backup: %w", err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# kube-system/aws-auth of %s as it was on %s, before rolecall %s changed it.\n", f.Cluster, h.Taken.Format(time.RFC3339), b.Command)
	if b.ConfigMap == nil {
		fmt.Fprintf(&out, "# There was none.\n%s%s\n", headerPrefix, head)
		return out.Bytes(), nil
	}
	fmt.Fprintf(&out, "# To put it back with guards: rolecall rollback CLUSTER --file FILE; without: kubectl replace -f FILE\n%s%s\n", headerPrefix, head)
	out.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\n")
	writeMap(&out, "  annotations:", "    ", b.ConfigMap.Annotations)
	writeMap(&out, "data:", "  ", b.ConfigMap.Data)
	return out.Bytes(), nil
}

// writeMap writes a map of texts, sorted; one without entries is left out.
func writeMap(out *bytes.Buffer, head, pad string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	out.WriteString(head + "\n")
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if v := m[k]; literal(v) {
			fmt.Fprintf(out, "%s%s: |\n%s  %s\n", pad, visible(k), pad, strings.ReplaceAll(strings.TrimSuffix(v, "\n"), "\n", "\n"+pad+"  "))
		} else {
			fmt.Fprintf(out, "%s%s: %s\n", pad, visible(k), visible(v))
		}
	}
}

// literal tells the texts that can stand below a "|" as they are, as people write them.
func literal(v string) bool {
	if !strings.HasSuffix(v, "\n") || strings.HasSuffix(v, "\n\n") || strings.Trim(v[:1], " \n\t") == "" {
		return false
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(v, "\n"), "\n") {
		if strings.TrimSpace(line) == "" || strings.ContainsFunc(line, special) {
			return false
		}
	}
	return true
}

// special tells the characters that have to be escaped in YAML, whatever is around them.
func special(c rune) bool {
	return c != '\t' && c != '"' && c != '\\' && visible(string(c)) != `"`+string(c)+`"`
}

// visible is quote with escapes for characters that a terminal obeys or hides, too.
func visible(s string) string {
	var b strings.Builder
	for _, c := range quote(s) {
		switch {
		case !unicode.In(c, unicode.Cf):
			b.WriteRune(c)
		case c <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	return b.String()
}

// DecodeBackupFile reads what Encode wrote, or any other manifest of kube-system/aws-auth.
func DecodeBackupFile(text []byte) (BackupFile, error) {
	var f BackupFile
	var h header
	for line := range strings.SplitSeq(string(text), "\n") {
		rest, ok := strings.CutPrefix(line, headerPrefix)
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(rest), &h); err != nil {
			return f, fmt.Errorf("reading the backup's header: %w", err)
		}
		break
	}
	f.Cluster = h.Cluster
	f.Backup = access.Backup{Number: h.Number, Owner: h.Owner, Taken: h.Taken, Run: h.Run, Command: h.Command, Caller: h.Caller, Wrote: h.Wrote}
	if h.Absent {
		return f, nil
	}
	var m manifest
	if err := guard(func() error { return yaml.Unmarshal(text, &m) }); err != nil {
		return f, fmt.Errorf("reading the manifest: %w", err)
	}
	if m.Kind != "ConfigMap" || m.Metadata.Name != "aws-auth" || m.Metadata.Namespace != "kube-system" {
		return f, errors.New("it is no manifest of the ConfigMap kube-system/aws-auth")
	}
	f.Backup.ConfigMap = &access.ConfigMap{Data: m.Data, Annotations: m.Metadata.Annotations, ResourceVersion: h.ResourceVersion}
	return f, nil
}
