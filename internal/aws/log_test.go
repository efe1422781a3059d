package aws

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go/logging"
)

// TestTheSDKIsHeardAtDebugOnly has the SDK warn as it does about a connection that it gives up.
func TestTheSDKIsHeardAtDebugOnly(t *testing.T) {
	for level, heard := range map[slog.Level]bool{slog.LevelWarn: false, slog.LevelDebug: true} {
		var said strings.Builder
		cfg, err := load(t.Context(), Options{Region: "eu-central-1", Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: level}))})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Logger.Logf(logging.Warn, "failed to %s", "discard")
		if strings.Contains(said.String(), "failed to discard") != heard {
			t.Errorf("at level %s the SDK was heard as %q", level, said.String())
		}
	}
}
