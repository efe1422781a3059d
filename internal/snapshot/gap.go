package snapshot

import (
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// GapCode is the code of the condition of the world behind a gap.
func GapCode(k access.GapKind) diag.Code {
	switch k {
	case access.GapDenied:
		return diag.RC5001
	case access.GapThrottled:
		return diag.RC5002
	case access.GapUnreachable:
		return diag.RC5003
	case access.GapExpired:
		return diag.RC5006
	case access.GapInactive, access.GapFailed:
	}
	return diag.RC5004
}
