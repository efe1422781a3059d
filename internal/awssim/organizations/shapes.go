package organizations

import (
	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

const maxPage = 20

// scope says who may call an operation.
type scope int

const (
	anyMember  scope = iota + 1
	readers          // the management account and delegated administrators
	management       // the management account only
)

// operations is the table of what the service can do, with the patterns and
// bounds of the Organizations API reference.
func (s *Service) operations() map[string]awsjson.Operation[input] {
	account := shape.Text(0, 12, `\d{12}`)
	unit := shape.Text(0, 68, `ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}`)
	parent := shape.Text(0, 100, `(r-[0-9a-z]{4,32})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})`)
	child := shape.Text(0, 100, `(\d{12})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})`)
	principal := shape.Text(1, 128, `[\w+=,.@-]*`)
	next := shape.May("NextToken", shape.Text(0, 100000, ""))
	most := shape.May("MaxResults", shape.Integer(1, maxPage))
	tagKey := shape.Text(1, 128, `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)
	tags := shape.List(shape.Struct(
		shape.Need("Key", tagKey),
		shape.Need("Value", shape.Text(0, 256, `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`))), 0, 0)
	target := shape.Need("ResourceId", shape.Text(0, 130, `(r-[0-9a-z]{4,32})|(\d{12})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})`))
	accountID, parentID := shape.Need("AccountId", account), shape.Need("ParentId", parent)
	service := shape.Need("ServicePrincipal", principal)

	table := map[string]awsjson.Operation[input]{}
	add := func(name string, who scope, handle handler, members ...shape.Member) {
		table[name] = awsjson.Operation[input]{Input: shape.Struct(members...), Resources: s.resources, Handle: s.guarded(who, handle)}
	}
	add("DescribeOrganization", anyMember, s.describeOrganization)
	add("ListAccounts", readers, s.listAccounts, next, most)
	add("DescribeAccount", readers, s.describeAccount, accountID)
	add("ListRoots", readers, s.listRoots, next, most)
	add("ListOrganizationalUnitsForParent", readers, s.listUnits, parentID, next, most)
	add("DescribeOrganizationalUnit", readers, s.describeUnit, shape.Need("OrganizationalUnitId", unit))
	add("ListAccountsForParent", readers, s.listAccountsForParent, parentID, next, most)
	add("ListParents", readers, s.listParents, shape.Need("ChildId", child), next, most)
	add("ListChildren", readers, s.listChildren, parentID, shape.Need("ChildType", shape.Enum("ACCOUNT", "ORGANIZATIONAL_UNIT")), next, most)
	add("ListTagsForResource", readers, s.listTags, target, next)
	add("ListDelegatedAdministrators", readers, s.listDelegates, shape.May("ServicePrincipal", principal), next, most)
	add("ListDelegatedServicesForAccount", readers, s.listDelegatedServices, accountID, next, most)
	add("RegisterDelegatedAdministrator", management, s.register, accountID, service)
	add("DeregisterDelegatedAdministrator", management, s.deregister, accountID, service)
	add("CreateOrganizationalUnit", management, s.createUnit, parentID, shape.Need("Name", shape.Text(1, 128, "")), shape.May("Tags", tags))
	add("MoveAccount", management, s.moveAccount, accountID, shape.Need("SourceParentId", parent), shape.Need("DestinationParentId", parent))
	add("CreateAccount", management, s.createAccount,
		shape.Need("Email", shape.Text(6, 64, `[^\s@]+@[^\s@]+\.[^\s@]+`)),
		shape.Need("AccountName", shape.Text(1, 50, `[\x{20}-\x{7E}]+`)),
		shape.May("RoleName", shape.Text(0, 64, `[\w+=,.@-]{1,64}`)),
		shape.May("IamUserAccessToBilling", shape.Enum("ALLOW", "DENY")),
		shape.May("Tags", tags))
	add("DescribeCreateAccountStatus", readers, s.describeCreateAccount,
		shape.Need("CreateAccountRequestId", shape.Text(0, 36, `car-[a-z0-9]{8,32}`)))
	add("TagResource", management, s.tag, target, shape.Need("Tags", tags))
	add("UntagResource", management, s.untag, target, shape.Need("TagKeys", shape.List(tagKey, 0, 0)))
	return table
}

// resources names what an input acts on, as the Service Authorization Reference
// has it; lists over the whole organization act on "*".
func (s *Service) resources(_ *service.Call, in *input) []string {
	var out []string
	for _, id := range []string{in.AccountID, in.OrganizationalUnitID, in.ParentID, in.ChildID, in.ResourceID, in.SourceParentID, in.DestinationParentID} {
		if id != "" {
			out = append(out, s.arnOf(id))
		}
	}
	return out
}

// reasons gives the Reason of an InvalidInputException and its text.
func reasons(rule shape.Rule) (reason, text string) {
	switch rule {
	case shape.Missing:
		return "INPUT_REQUIRED", "You must specify a value for a required parameter."
	case shape.TooShort:
		return "MIN_LENGTH_EXCEEDED", "You specified a value that is shorter than the minimum length."
	case shape.TooLong:
		return "MAX_LENGTH_EXCEEDED", "You specified a value that is longer than the maximum length."
	case shape.TooLow:
		return "MIN_VALUE_EXCEEDED", "You specified a value that is lower than the minimum."
	case shape.TooHigh:
		return "MAX_VALUE_EXCEEDED", "You specified a value that is higher than the maximum."
	case shape.BadPattern:
		return "INVALID_PATTERN", "You specified a value that does not match the required pattern."
	case shape.BadEnum:
		return "INVALID_ENUM", "You specified a value that is not in the list of valid values."
	case shape.Malformed, shape.WrongType, shape.UnknownMember, shape.NotOne:
	}
	return "INVALID_PATTERN", "You specified an invalid value."
}
