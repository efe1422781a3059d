package doctor

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// PluginKind is a credential plugin that doctor understands.
type PluginKind string

// The kinds of plugin.
const (
	PluginAWS           PluginKind = "aws eks get-token"
	PluginAuthenticator PluginKind = "aws-iam-authenticator"
	PluginRolecall      PluginKind = "rolecall token"
	// PluginOther is any other command: what it does with its arguments is its own affair.
	PluginOther PluginKind = "other"
)

// Plugin is what the arguments and the environment of a credential plugin say.
type Plugin struct {
	// Kind is empty where the context has no plugin.
	Kind    PluginKind
	Command string
	// Missing says that the program is not installed.
	Missing bool
	// ClusterName is what the token is bound to.
	ClusterName string
	Region      string
	// RoleARN is a role that is taken on before the token is signed.
	RoleARN access.ARN
	Profile string
	// Keys says that the plugin's environment holds access keys of its own, which go before a profile in it.
	Keys bool
}

// ReadPlugin reads a plugin's command line. A wrapper before one that is known ("aws-vault exec dev -- aws eks get-token …") makes
// it PluginOther, with what the inner command says: whose credentials the wrapper hands on is not known.
func ReadPlugin(p *access.ExecPlugin) Plugin {
	if p == nil {
		return Plugin{}
	}
	words := slices.Concat([]string{p.Command}, p.Args)
	out := Plugin{Kind: PluginOther, Command: p.Command, Missing: p.Path == ""}
	for i := range words {
		kind, args, ok := inner(words[i:])
		if !ok {
			continue
		}
		out.arguments(kind, args)
		if i == 0 {
			out.Kind = kind
		}
		break
	}
	out.environment(p.Env)
	return out
}

// inner recognises a command line.
func inner(words []string) (PluginKind, []string, bool) {
	name := strings.TrimSuffix(words[0][strings.LastIndexAny(words[0], `/\`)+1:], ".exe")
	args := words[1:]
	switch {
	case name == "aws" && slices.Contains(args, "get-token"):
		return PluginAWS, args, true
	case name == "aws-iam-authenticator" || name == "heptio-authenticator-aws":
		return PluginAuthenticator, args, true
	case (name == "rolecall" || name == "kubectl-rolecall" || name == "kubectl") && slices.Contains(args, "token"):
		return PluginRolecall, args, name != "kubectl" || slices.Contains(args, "rolecall")
	}
	return "", nil, false
}

// arguments reads flags in both forms, "--region x" and "--region=x".
func (p *Plugin) arguments(kind PluginKind, args []string) {
	flags := map[string]*string{"--region": &p.Region, "--profile": &p.Profile}
	role := ""
	switch kind {
	case PluginAWS:
		flags["--cluster-name"], flags["--cluster-id"], flags["--role-arn"] = &p.ClusterName, &p.ClusterName, &role
	case PluginAuthenticator:
		flags["--cluster-id"], flags["-i"], flags["--role"], flags["-r"] = &p.ClusterName, &p.ClusterName, &role, &role
	case PluginRolecall:
		flags["--cluster"] = &p.ClusterName
	case PluginOther:
	}
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		to, ok := flags[name]
		if !ok {
			continue
		}
		if !joined {
			if i++; i == len(args) {
				break
			}
			value = args[i]
		}
		*to = value
	}
	p.RoleARN = access.ARN(role)
	if parts, err := access.ParseARN(access.ARN(p.ClusterName)); err == nil {
		p.ClusterName = strings.TrimPrefix(parts.Resource, "cluster/")
		if p.Region == "" {
			p.Region = parts.Region
		}
	}
}

// environment reads what the SDKs read; arguments go before it.
func (p *Plugin) environment(env map[string]string) {
	for _, v := range []struct {
		to    *string
		names []string
	}{{&p.Profile, []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}}, {&p.Region, []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}} {
		for _, n := range v.names {
			if *v.to == "" {
				*v.to = env[n]
			}
		}
	}
	p.Keys = env["AWS_ACCESS_KEY_ID"] != ""
}
