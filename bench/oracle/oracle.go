// Package oracle asks the real aws-iam-authenticator what an aws-auth ConfigMap
// means, and compares its answers with those of internal/awsauth.
package oracle

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"unsafe"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/ec2provider"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
	_ "sigs.k8s.io/aws-iam-authenticator/pkg/server" // doMapping lives there
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// Reading is what the authenticator makes of the data of an aws-auth ConfigMap.
type Reading struct {
	Roles    []config.RoleMapping
	Users    []config.UserMapping
	Accounts []string
	// Errors are its complaints: of mapUsers, then of mapRoles, then of mapAccounts.
	Errors []error
	// Panic is set when it panicked instead.
	Panic any
}

// Read lets the authenticator parse the data.
func Read(data map[string]string) (r Reading) {
	defer func() { r.Panic = recover() }()
	var err error
	r.Users, r.Roles, r.Accounts, err = configmap.ParseMap(data)
	if parsing, ok := err.(configmap.ErrParsingMap); ok { //nolint:errorlint // ParseMap returns it bare, and its list is reached by value
		r.Errors = *(*[]error)(unsafe.Pointer(&parsing)) //nolint:gosec // the list is the only member, and not exported
	} else if err != nil {
		r.Errors = []error{err}
	}
	return r
}

// Quiet stops the authenticator's log, which would cost more than its work.
func Quiet() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
}

// Door is the authenticator's way from a caller to a Kubernetes user, with the ConfigMap backend alone.
type Door struct{ handler handler }

// Door lets the authenticator take the reading over, as it does when the ConfigMap has changed.
func (r Reading) Door() *Door {
	store := &configmap.MapStore{}
	saveMap(store, r.Users, r.Roles, r.Accounts)
	d := &Door{handler: handler{ec2Provider: instances{}}}
	d.handler.backendMapper.mappers = []mapper.Mapper{&configmap.ConfigMapMapper{MapStore: store}}
	return d
}

// Identify returns the Kubernetes user of a caller.
func (d *Door) Identify(ctx context.Context, caller token.Identity) (username string, groups []string, err error) {
	return doMapping(&d.handler, ctx, &caller)
}

// instancePattern is what the authenticator takes for the name of an EC2 instance.
var instancePattern = regexp.MustCompile(`^i-(\w{8}|\w{17})$`)

// instances answers for EC2, which only the authenticator asks.
type instances struct{}

// GetPrivateDNSName implements ec2provider.EC2Provider.
func (instances) GetPrivateDNSName(_ context.Context, id string) (string, error) {
	return privateDNSName(id), nil
}

// StartEc2DescribeBatchProcessing implements ec2provider.EC2Provider.
func (instances) StartEc2DescribeBatchProcessing(context.Context) {}

func privateDNSName(id string) string {
	if !instancePattern.MatchString(id) {
		return ""
	}
	return fmt.Sprintf("ip-10-0-0-%d.ec2.internal", len(id))
}

// handler has the beginning of the authenticator's own handler, which is not exported. A test compares the two.
type handler struct {
	http.ServeMux

	_             token.Verifier
	ec2Provider   ec2provider.EC2Provider
	_             string
	backendMapper backendMapper
}

type backendMapper struct {
	mappers []mapper.Mapper
	_       chan struct{}
	_       string
}

//go:linkname saveMap sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap.(*MapStore).saveMap
func saveMap(ms *configmap.MapStore, users []config.UserMapping, roles []config.RoleMapping, accounts []string)

//go:linkname doMapping sigs.k8s.io/aws-iam-authenticator/pkg/server.(*handler).doMapping
func doMapping(h *handler, ctx context.Context, identity *token.Identity) (string, []string, error) //nolint:revive // the receiver comes first

// Candidates are the rows of which the authenticator may apply any to a canonical ARN: more than one only where two
// rows that match stand under different keys of its map, because it takes the first that it meets there.
func (r Reading) Candidates(canonicalARN string) []config.IdentityMapping {
	caller := &token.Identity{CanonicalARN: canonicalARN}
	var out []config.IdentityMapping
	for i, row := range r.Roles {
		later := slices.ContainsFunc(r.Roles[i+1:], func(o config.RoleMapping) bool { return o.Key() == row.Key() })
		if !later && row.Matches(canonicalARN) {
			out = append(out, *row.IdentityMapping(caller))
		}
	}
	if len(out) > 0 {
		return out
	}
	for i, row := range r.Users {
		later := slices.ContainsFunc(r.Users[i+1:], func(o config.UserMapping) bool { return o.Key() == row.Key() })
		if !later && row.Matches(canonicalARN) {
			out = append(out, *row.IdentityMapping(caller))
		}
	}
	return out
}
