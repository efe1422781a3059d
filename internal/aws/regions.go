package aws

import (
	"context"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Regions returns the Regions of the caller's partition where EKS has an endpoint, as the AWS SDK's
// table of EKS endpoints has them, sorted. Regions not enabled for an account are among them.
func (c *Client) Regions(ctx context.Context) ([]string, error) {
	self, err := c.Caller(ctx)
	if err != nil {
		return nil, err
	}
	return eksRegions(self.ARN), nil
}

func eksRegions(caller access.ARN) []string {
	switch caller.Partition() {
	case "aws":
		return []string{
			"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
			"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
			"ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
			"eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
			"us-east-1", "us-east-2", "us-west-1", "us-west-2",
		}
	case "aws-cn":
		return []string{"cn-north-1", "cn-northwest-1"}
	case "aws-us-gov":
		return []string{"us-gov-east-1", "us-gov-west-1"}
	case "aws-iso":
		return []string{"us-iso-east-1", "us-iso-west-1"}
	case "aws-iso-b":
		return []string{"us-isob-east-1", "us-isob-west-1"}
	case "aws-iso-e":
		return []string{"eu-isoe-west-1"}
	case "aws-iso-f":
		return []string{"us-isof-east-1", "us-isof-south-1"}
	case "aws-eusc":
		return []string{"eusc-de-east-1"}
	default:
		return nil
	}
}
