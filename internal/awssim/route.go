package awssim

import (
	"net"
	"net/http"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/sigv4"
)

// Signing names of the services; portal is the unsigned access portal.
const (
	sso           = "sso"
	identityStore = "identitystore"
	orgs          = "organizations"
	iamService    = "iam"
	stsService    = "sts"
	eksService    = "eks"
	portal        = "portal"
)

func speaksJSON(name string) bool { return name == sso || name == identityStore || name == orgs }

// serviceOf names the service a request is for: by its host where that is a
// host of AWS, else by the credential scope it is signed for, else by its
// target, else by the portal's paths. It returns "" when nothing tells.
func serviceOf(r *http.Request) string {
	if name := serviceOfHost(r.Host); name != "" {
		return name
	}
	if name := scopeOf(r).service; name != "" {
		return name
	}
	prefix, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch prefix {
	case "SWBExternalService":
		return sso
	case "AWSIdentityStore":
		return identityStore
	case "AWSOrganizationsV20161128":
		return orgs
	}
	if r.Header.Get(bearerHeader) != "" {
		return portal
	}
	return ""
}

func serviceOfHost(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	known := false
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".c2s.ic.gov", ".sc2s.sgov.gov"} {
		known = known || strings.HasSuffix(host, suffix)
	}
	if !known {
		return ""
	}
	label, _, _ := strings.Cut(host, ".")
	return strings.TrimSuffix(label, "-fips")
}

// scope is the part of a credential that says what a signature is good for.
type scope struct{ region, service string }

// scopeOf reads the credential scope without believing it.
func scopeOf(r *http.Request) scope {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return scope{}
	}
	return scope{region: parts[2], service: parts[3]}
}

// globalRegion is the Region that calls to a global service are signed for,
// empty when the service is regional or the partition not known.
func globalRegion(partition, name string) string {
	if name != iamService && name != orgs {
		return ""
	}
	switch partition {
	case "aws":
		return "us-east-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-cn":
		if name == iamService {
			return "cn-north-1"
		}
		return "cn-northwest-1"
	}
	return ""
}

// refuseUnrouted answers a request for no service that is simulated.
func (s *Server) refuseUnrouted(w http.ResponseWriter, r *http.Request, name string) {
	err := &service.Error{Code: "UnknownOperationException", Message: "no service " + name + " here", Status: http.StatusNotFound}
	if name == "" {
		_, refusal := sigv4.Verify(r, nil, func(string) (string, string, bool) { return "", "", false }, s.clock())
		if refusal != nil {
			err = &service.Error{Code: refusal.Code, Message: refusal.Message, Status: refusal.Status}
		}
	}
	s.backends[sso].WriteError(w, &service.Call{}, err)
}
