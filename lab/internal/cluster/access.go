package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/rolecall-dev/rolecall/lab/internal/authorizer"
)

// The authentication modes of EKS.
const (
	ModeConfigMap = "CONFIG_MAP"
	ModeBoth      = "API_AND_CONFIG_MAP"
	ModeAPI       = "API"
)

// Access is what EKS, as opposed to Kubernetes, knows of who may enter a
// cluster.
type Access struct {
	Mode string
	// Creator is the ARN of the principal who administers the cluster without
	// anything showing it while the mode is CONFIG_MAP; empty when there is
	// none.
	Creator string
	// Entries count in the other modes only.
	Entries []Entry
}

// Entry is an access entry.
type Entry struct {
	Principal   string // ARN, path included
	PrincipalID string // unique id of the role or user it was made for
	Username    string
	Groups      []string
	Policies    []authorizer.Grant
}

// reserved are the beginnings of usernames that no access entry may give. EKS
// reserves "system:" too, but entries for nodes have it, so that one is left to
// the simulator, which refuses it to all others.
func reserved() []string { return []string{"eks:", "aws:", "amazon:", "iam:"} }

// backends are where the authenticator looks people up in a mode, in this
// order.
func (a Access) backends() []string {
	switch a.Mode {
	case ModeAPI:
		return []string{"DynamicFile"}
	case ModeBoth:
		return []string{"DynamicFile", "EKSConfigMap"}
	}
	if a.Creator != "" {
		return []string{"MountedFile", "EKSConfigMap"}
	}
	return []string{"EKSConfigMap"}
}

func (a Access) readsEntries() bool { return a.Mode == ModeAPI || a.Mode == ModeBoth }

func (a Access) readsConfigMap() bool { return a.Mode != ModeAPI }

// Admit makes the cluster admit and allow what access says. It returns when new
// requests go by it; another mode takes a restart of the authenticator.
func (c *Cluster) Admit(ctx context.Context, access Access) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.access
	if reflect.DeepEqual(before, access) {
		return nil
	}
	c.access = access
	c.allow()
	if reflect.DeepEqual(before.backends(), access.backends()) && before.Creator == access.Creator {
		if !access.readsEntries() || reflect.DeepEqual(before.Entries, access.Entries) {
			return nil
		}
		return c.loadEntries(ctx)
	}
	if err := c.configureAuthenticator(); err != nil {
		return err
	}
	c.env.Processes.Stop(c.authenticator)
	if err := c.startAuthenticator(ctx); err != nil {
		return fmt.Errorf("restarting the authenticator of cluster %q: %w", c.spec.ID, err)
	}
	return nil
}

// allow tells the authorizer which policies the entries have, none while
// entries do not count.
func (c *Cluster) allow() {
	if c.env.Authorizer == nil {
		return
	}
	grants := authorizer.Grants{}
	if c.access.readsEntries() {
		for _, e := range c.access.Entries {
			grants[e.PrincipalID] = e.Policies
		}
	}
	c.env.Authorizer.Set(c.spec.ID, grants)
}

const entriesName = "entries.json"

// attemptsPerWrite is how often the authenticator is asked before its file is
// written again: right after its start it may have looked away.
const attemptsPerWrite = 10

// loadEntries writes the file of access entries and returns when the running
// authenticator goes by it. The file is written in place: the authenticator
// notices a renamed one a second later.
func (c *Cluster) loadEntries(ctx context.Context) error {
	p, from := c.authenticator, c.authenticator.Written()
	c.serial++
	text, err := c.entriesText()
	if err != nil {
		return err
	}
	sign, attempts := []byte("Version="+strconv.Itoa(c.serial)+"\n"), 0
	return await(ctx, p, func() error {
		if attempts%attemptsPerWrite == 0 {
			if err := c.write(entriesName, text); err != nil {
				return err
			}
		}
		attempts++
		if !bytes.Contains(p.OutputFrom(from), sign) {
			return errors.New("it has not read its access entries")
		}
		return nil
	})
}

// row is an entry as the authenticator reads it.
type row struct {
	RoleARN  string   `json:"rolearn,omitempty"`
	UserARN  string   `json:"userarn,omitempty"`
	UserID   string   `json:"userid"`
	Username string   `json:"username"`
	Groups   []string `json:"groups,omitempty"`
}

// entriesText is the content of the file of access entries. One without a
// unique id would make the authenticator refuse them all; EKS has none.
func (c *Cluster) entriesText() ([]byte, error) {
	file := struct {
		Version  string `json:"Version"`
		Updated  string `json:"LastUpdatedDateTime"`
		MapRoles []row  `json:"mapRoles"`
		MapUsers []row  `json:"mapUsers"`
	}{Version: strconv.Itoa(c.serial), Updated: strconv.FormatInt(c.env.Now().Unix(), 10), MapRoles: []row{}, MapUsers: []row{}}
	for _, e := range c.access.Entries {
		r := row{UserID: e.PrincipalID, Username: e.Username, Groups: e.Groups}
		switch {
		case e.PrincipalID == "":
		case strings.Contains(e.Principal, ":user/"):
			r.UserARN = e.Principal
			file.MapUsers = append(file.MapUsers, r)
		default:
			r.RoleARN = e.Principal
			file.MapRoles = append(file.MapRoles, r)
		}
	}
	text, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("writing access entries: %w", err)
	}
	return text, nil
}

// creatorRows are the mapping of the creator in the authenticator's own
// configuration, which nothing in Kubernetes shows.
func creatorRows(arn string) map[string]any {
	groups := []string{"system:masters"}
	prefix, path, isRole := strings.Cut(arn, ":role/")
	if !isRole {
		return map[string]any{"mapUsers": []any{map[string]any{"userARN": arn, "username": "kubernetes-admin", "groups": groups}}}
	}
	name := path[strings.LastIndex(path, "/")+1:]
	return map[string]any{"mapRoles": []any{map[string]any{"roleARN": prefix + ":role/" + name, "username": "kubernetes-admin", "groups": groups}}}
}
