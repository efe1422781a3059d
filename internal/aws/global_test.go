package aws

import (
	"testing"
	"time"
)

func TestGlobalServicesAreSignedForTheirPartitionsRegion(t *testing.T) {
	tests := []struct{ region, organizations, iam string }{
		{"eu-west-1", "us-east-1", "us-east-1"},
		{"us-gov-east-1", "us-gov-west-1", "us-gov-west-1"},
		{"cn-north-1", "cn-northwest-1", "cn-north-1"},
		{"eusc-de-east-1", "eusc-de-east-1", "eusc-de-east-1"},
	}
	for _, tt := range tests {
		t.Run(tt.region, func(t *testing.T) {
			isolate(t)
			c := dial(t, &wire{}, Options{Region: tt.region, Clock: time.Now})
			if got := c.organizationsRegion(t.Context()); got != tt.organizations {
				t.Errorf("Organizations is signed for %s, want %s", got, tt.organizations)
			}
			if got := c.iamRegion(t.Context()); got != tt.iam {
				t.Errorf("IAM is signed for %s, want %s", got, tt.iam)
			}
		})
	}
}
