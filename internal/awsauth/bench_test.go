package awsauth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// BenchmarkEdit adds a row to texts of growing size; the largest is about as large as a ConfigMap can be.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 4000} {
		var text strings.Builder
		for i := range n {
			text.WriteString(mapping(roleARN(fmt.Sprint("foreign-", i)), "u", "'system:nodes'", "'system:bootstrappers'"))
		}
		cm := access.ConfigMap{Data: map[string]string{"mapRoles": text.String()}}
		row := ours()
		b.Run(fmt.Sprint("rows=", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := awsauth.Edit(cm, owner, []access.RowEdit{{After: &row}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
