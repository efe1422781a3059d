package awssim

import (
	"github.com/rolecall-dev/rolecall/internal/awssim/eks"
	"github.com/rolecall-dev/rolecall/internal/awssim/iam"
	"github.com/rolecall-dev/rolecall/internal/awssim/identitystore"
	"github.com/rolecall-dev/rolecall/internal/awssim/organizations"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/ssoadmin"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
	"github.com/rolecall-dev/rolecall/internal/awssim/sts"
)

// backends returns the simulated services by signing name.
func backends(st *state.State) map[string]service.Backend {
	return map[string]service.Backend{
		sso:           ssoadmin.New(st),
		identityStore: identitystore.New(st),
		orgs:          organizations.New(st),
		iamService:    iam.New(st),
		stsService:    sts.New(st),
		eksService:    eks.New(st),
	}
}
