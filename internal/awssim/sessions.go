package awssim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const bearerHeader = "X-Amz-Sso_bearer_token"

// Credentials are temporary credentials of an Identity Center session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time
	RoleARN         string // path included
}

// IssueSession gives a user the credentials that Identity Center's portal would
// for a permission set in an account (name or id): the role's session is named
// after the user. It refuses users that do not exist, are disabled, or do not
// hold the set there themselves or through a group. The session lasts as long
// as asked for, at most as long as the set allows; zero asks for that much.
func (s *Server) IssueSession(userName, account, permissionSet string, d time.Duration) (Credentials, error) {
	var out Credentials
	var err error
	s.state.With(func() {
		s.settle()
		out, err = s.issue(userName, account, permissionSet, d)
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("issuing a session of %q for %q in account %q: %w", permissionSet, userName, account, err)
	}
	return out, nil
}

func (s *Server) issue(userName, account, permissionSet string, d time.Duration) (Credentials, error) {
	user, err := s.enabledUser(userName)
	if err != nil {
		return Credentials{}, err
	}
	a := s.state.AccountByName(account)
	if a == nil {
		return Credentials{}, errors.New("there is no such account")
	}
	if a.State != "ACTIVE" {
		return Credentials{}, fmt.Errorf("the account is %s", a.State)
	}
	set := s.state.PermissionSetByName(permissionSet)
	if set == nil {
		return Credentials{}, errors.New("there is no such permission set")
	}
	if !s.holds(user.ID, a.ID, set.ARN) {
		return Credentials{}, errors.New("the user has no assignment of it there, directly or through a group")
	}
	role := s.state.ProvisionedRole(a.ID, set.ARN)
	if role == nil {
		return Credentials{}, errors.New("the permission set is not provisioned there")
	}
	if !regexp.MustCompile(`^[\w+=,.@-]{2,64}$`).MatchString(user.Name) {
		return Credentials{}, errors.New("the user name is no session name")
	}
	longest := setDuration(set)
	session := s.state.NewSession(role, user.Name, s.clock().Add(min(cmp.Or(d, longest), longest)))
	return Credentials{
		AccessKeyID: session.AccessKeyID, SecretAccessKey: session.Secret, SessionToken: session.Token,
		Expires: session.Expires, RoleARN: session.RoleARN,
	}, nil
}

func (s *Server) enabledUser(name string) (*state.User, error) {
	user := s.state.UserByName(name)
	if s.state.Instance == nil || user == nil {
		return nil, errors.New("there is no such user")
	}
	if user.Status == "DISABLED" {
		return nil, errors.New("the user is disabled")
	}
	return user, nil
}

// holds says whether a user has a settled assignment of a set in an account.
func (s *Server) holds(userID, account, set string) bool {
	groups := map[string]bool{}
	for _, m := range s.state.Memberships {
		if m.UserID == userID {
			groups[m.GroupID] = true
		}
	}
	for _, a := range s.state.AssignmentsOf(account, set) {
		if a.PrincipalID == userID || groups[a.PrincipalID] {
			return true
		}
	}
	return false
}

func setDuration(ps *state.PermissionSet) time.Duration {
	d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(ps.SessionDuration, "PT")))
	if err != nil || d <= 0 {
		return time.Hour
	}
	return d
}

// SignIn returns the bearer token with which a user's browser would call the
// access portal. It is the same until the user is deleted.
func (s *Server) SignIn(userName string) (string, error) {
	var token string
	var err error
	s.state.With(func() {
		var user *state.User
		if user, err = s.enabledUser(userName); err == nil {
			token = s.state.NewID(state.KindToken, "portal", user.ID)
		}
	})
	if err != nil {
		return "", fmt.Errorf("signing in %q: %w", userName, err)
	}
	return token, nil
}

// servePortal answers GET /federation/credentials, the one call of the access
// portal that gives credentials.
func (s *Server) servePortal(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if r.Method != http.MethodGet || r.URL.Path != "/federation/credentials" {
		writePortal(w, http.StatusNotFound, map[string]string{"__type": "ResourceNotFoundException", "message": "no such path"})
		return
	}
	name := s.bearer(r.Header.Get(bearerHeader))
	if name == "" {
		writePortal(w, http.StatusUnauthorized, map[string]string{"__type": "UnauthorizedException", "message": "Session token not found or invalid"})
		return
	}
	c, err := s.IssueSession(name, query.Get("account_id"), query.Get("role_name"), 0)
	if err != nil {
		writePortal(w, http.StatusForbidden, map[string]string{"__type": "ForbiddenException", "message": "No access"})
		return
	}
	writePortal(w, http.StatusOK, map[string]any{"roleCredentials": map[string]any{
		"accessKeyId": c.AccessKeyID, "secretAccessKey": c.SecretAccessKey, "sessionToken": c.SessionToken,
		"expiration": c.Expires.UnixMilli(),
	}})
}

// bearer returns the name of the user who holds a token, empty when nobody does.
func (s *Server) bearer(token string) string {
	var name string
	s.state.With(func() {
		for _, u := range s.state.Users {
			if u.Status != "DISABLED" && token == s.state.NewID(state.KindToken, "portal", u.ID) {
				name = u.Name
			}
		}
	})
	return name
}

func writePortal(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	if fault, ok := body.(map[string]string); ok {
		w.Header().Set("X-Amzn-Errortype", fault["__type"])
	}
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
