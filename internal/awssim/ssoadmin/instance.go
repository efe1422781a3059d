package ssoadmin

import (
	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

type instanceOut struct {
	InstanceArn      string
	IdentityStoreID  string `json:"IdentityStoreId"`
	IdentityStoreArn string
	OwnerAccountID   string `json:"OwnerAccountId"`
	Name             string `json:",omitempty"`
	CreatedDate      awsjson.Seconds
	Status           string
	PrimaryRegion    string
	Regions          []regionOut

	Encryption  *encryptionOut `json:"EncryptionConfigurationDetails,omitempty"`
	SetsEnabled bool           `json:"PermissionSetsEnabled,omitempty"`
}

type encryptionOut struct {
	KeyType          string
	EncryptionStatus string
}

type regionOut struct {
	RegionName      string
	Status          string
	AddedDate       awsjson.Seconds
	IsPrimaryRegion bool
}

// listInstances shows the instance to its administrators in its Region and an
// empty list, not an error, to everybody else.
func (s *Service) listInstances(c *service.Call, in *input) (any, *service.Error) {
	items := []instanceOut{}
	i := s.state.Instance
	if i != nil && s.administrator(c) && (c.Region == i.Region || in.RegionScope == "ALL_REGIONS") {
		items = append(items, s.instanceOut())
	}
	return list(c, in, "Instances", items)
}

func (s *Service) describeInstance(*service.Call, *input) (any, *service.Error) {
	out := s.instanceOut()
	out.Encryption = &encryptionOut{KeyType: "AWS_OWNED_KMS_KEY", EncryptionStatus: "ENABLED"}
	out.SetsEnabled = true
	return out, nil
}

func (s *Service) instanceOut() instanceOut {
	i := s.state.Instance
	return instanceOut{
		InstanceArn:      i.ARN,
		IdentityStoreID:  i.IdentityStoreID,
		IdentityStoreArn: "arn:" + s.state.Partition + ":identitystore::" + i.Owner + ":identitystore/" + i.IdentityStoreID,
		OwnerAccountID:   i.Owner,
		Name:             i.Name,
		CreatedDate:      awsjson.Seconds(i.CreatedAt),
		Status:           "ACTIVE",
		PrimaryRegion:    i.Region,
		Regions: []regionOut{{
			RegionName: i.Region, Status: "ACTIVE", AddedDate: awsjson.Seconds(i.CreatedAt), IsPrimaryRegion: true,
		}},
	}
}
