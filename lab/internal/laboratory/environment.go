package laboratory

import (
	"fmt"
	"io"
	"strings"
)

// Variable is an environment variable.
type Variable struct {
	Name, Value string
}

// Environment returns the variables with which rolecall, an SDK or the AWS CLI
// reaches a laboratory as the holder of credentials. What a person's own
// environment may hold besides is made harmless by empty values.
func Environment(endpoint, region string, c Credentials) []Variable {
	return []Variable{
		{"AWS_ENDPOINT_URL", endpoint},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_ACCESS_KEY_ID", c.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey},
		{"AWS_SESSION_TOKEN", c.SessionToken},
		{"AWS_PROFILE", ""},
		{"AWS_CONFIG_FILE", "/dev/null"},
		{"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"},
		{"AWS_EC2_METADATA_DISABLED", "true"},
	}
}

// WriteExports writes variables as a shell reads them; empty ones are unset.
func WriteExports(w io.Writer, variables []Variable) error {
	for _, v := range variables {
		line := "export " + v.Name + "=" + Quote(v.Value) + "\n"
		if v.Value == "" {
			line = "unset " + v.Name + "\n"
		}
		if _, err := io.WriteString(w, line); err != nil {
			return fmt.Errorf("writing the environment: %w", err)
		}
	}
	return nil
}

// Quote writes a value as one word of a shell.
func Quote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
