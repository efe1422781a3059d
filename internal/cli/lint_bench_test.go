package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// BenchmarkLintAFullConfigMap checks as much as a ConfigMap can hold, 1 MiB, from the file to the last line of output: as kubectl prints
// it, and as one line of JSON, with and without a mistake in every row.
func BenchmarkLintAFullConfigMap(b *testing.B) {
	for _, c := range []struct{ name, path string }{{"clean", ""}, {"mistakes", "team/"}} {
		var rows bytes.Buffer
		n := 0
		for ; rows.Len() < 1_000_000; n++ {
			fmt.Fprintf(&rows, "- rolearn: \"arn:aws:iam::111122223333:role/%sAWSReservedSSO_Set%d_0123456789abcdef\"\n  username: \"sso:Set%d:{{SessionNameRaw}}\"\n  groups:\n    - \"team-%d\"\n", c.path, n, n, n)
		}
		for form, text := range map[string]string{
			"yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n    " + string(bytes.ReplaceAll(rows.Bytes(), []byte("\n"), []byte("\n    "))),
			"json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": ` + strconv.Quote(rows.String()) + `}}`,
		} {
			path := filepath.Join(b.TempDir(), "aws-auth."+form)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			b.Run(c.name+"/"+form, func(b *testing.B) {
				host := Host{Stdin: bytes.NewReader(nil), Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now}
				for b.Loop() {
					if code := Main(context.Background(), host, []string{"rolecall", "lint", path}); code != exitDone && code != exitFindings {
						b.Fatalf("exit code %d", code)
					}
				}
				b.ReportMetric(float64(n), "rows")
			})
		}
	}
}
