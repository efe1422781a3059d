package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// editRows is how people edit aws-auth by hand.
const editRows = "kubectl edit configmap aws-auth -n kube-system"

// writeRow says what to write into the row that a hop speaks of.
func writeRow(h graph.Hop, field, value string) string {
	_, place, _ := strings.Cut(h.Evidence.Where, ", ")
	s := fmt.Sprintf("in %s, write %s: %q", place, field, value)
	if h.Code == diag.RC2019 {
		s += " in the place of sso"
	}
	return s + " (" + editRows + ")"
}

// showRow has the row shown, with what to write instead.
func showRow(c *graph.Cluster) string {
	return "rolecall lint --cluster " + word(c.Name) + " shows the row and what to write instead (" + editRows + ")"
}

// roleARN is the ARN of the path's role as rows name it, "" where it is not known.
func roleARN(p graph.Path) access.ARN {
	h, ok := p.Hop(graph.HopRole)
	if !ok || h.Status != graph.OK || h.Evidence == nil {
		return ""
	}
	return access.ARN(h.Evidence.Object).WithoutPath()
}

// flawed tells whether the row that counts gives less than it looks like.
func flawed(p graph.Path) bool {
	h, ok := p.Hop(graph.HopMapping)
	return ok && slices.Contains([]diag.Code{diag.RC2007, diag.RC2008, diag.RC2017, diag.RC2029}, h.Code)
}
