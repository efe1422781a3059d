package awssim_test

import (
	"sync"

	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
)

// models are those of an installed AWS CLI; every exchange of these tests is compared with them.
var models = sync.OnceValues(modelcheck.Find)
