package ssoadmin

import (
	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

// shapes are the members that inputs are made of, with the patterns and bounds
// of the Identity Center API reference.
type shapes struct {
	instance, set, account, principal, principalType, targetType shape.Member
	next, most, status, provisioned                              shape.Member
	description, duration, relay                                 shape.Member
	resource, tags                                               shape.Member
	request                                                      *shape.Shape
	tagKey                                                       *shape.Shape
}

func newShapes() shapes {
	account := shape.Text(12, 12, `\d{12}`)
	tagKey := shape.Text(1, 128, `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)
	tag := shape.Struct(
		shape.Need("Key", tagKey),
		shape.Need("Value", shape.Text(0, 256, `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)))
	return shapes{
		instance:      shape.Need("InstanceArn", shape.Text(10, 1224, `arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}`)),
		set:           shape.Need("PermissionSetArn", shape.Text(10, 1224, `arn:aws(-[a-z]{1,5}){0,3}:sso:::permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16}`)),
		account:       shape.Need("AccountId", account),
		principal:     shape.Need("PrincipalId", shape.Text(1, 47, `([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}`)),
		principalType: shape.Need("PrincipalType", shape.Enum("USER", "GROUP")),
		targetType:    shape.Need("TargetType", shape.Enum("AWS_ACCOUNT")),
		next:          shape.May("NextToken", shape.Text(0, 2048, `[-a-zA-Z0-9+=/_]*`)),
		most:          shape.May("MaxResults", shape.Integer(1, 100)),
		status:        shape.May("Filter", shape.Struct(shape.May("Status", shape.Enum("IN_PROGRESS", "FAILED", "SUCCEEDED")))),
		provisioned:   shape.May("ProvisioningStatus", shape.Enum("LATEST_PERMISSION_SET_PROVISIONED", "LATEST_PERMISSION_SET_NOT_PROVISIONED")),
		description:   shape.May("Description", shape.Text(1, 700, `[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{A1}-\x{FF}]*`)),
		duration:      shape.May("SessionDuration", shape.Text(1, 100, `-?P(\d+Y)?(\d+M)?(\d+[DW])?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?`)),
		relay:         shape.May("RelayState", shape.Text(1, 240, `[a-zA-Z0-9&$@#\\\/%?=~\-_'"|!:,.;*+\[\]\ \(\)\{\}]+`)),
		resource:      shape.Need("ResourceArn", shape.Text(10, 2048, `arn:aws(-[a-z]{1,5}){0,3}:sso::((:instance/(sso)?ins-[a-zA-Z0-9-.]{16})|(:permissionSet/(sso)?ins-[a-zA-Z0-9-.]{16}/ps-[a-zA-Z0-9-./]{16}))`)),
		tags:          shape.Need("Tags", shape.List(tag, 0, 75)),
		request:       shape.Text(36, 36, `\b[0-9a-f]{8}\b-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-\b[0-9a-f]{12}\b`),
		tagKey:        tagKey,
	}
}

func optional(m shape.Member) shape.Member { return shape.May(m.Name, m.Shape) }

func renamed(m shape.Member, name string) shape.Member { return shape.Need(name, m.Shape) }

type operations = map[string]awsjson.Operation[input]

// operations is the table of what the service can do.
func (s *Service) operations() operations {
	h := newShapes()
	table := operations{
		"ListInstances": {
			Input:     shape.Struct(h.most, h.next, shape.May("RegionScope", shape.Enum("CURRENT_REGION", "ALL_REGIONS"))),
			Resources: s.resources, Handle: s.listInstances,
		},
	}
	add := func(name string, handle handler, members ...shape.Member) {
		table[name] = awsjson.Operation[input]{Input: shape.Struct(members...), Resources: s.resources, Handle: s.guarded(handle)}
	}
	add("DescribeInstance", s.describeInstance, h.instance)
	s.addSets(add, h)
	s.addAssignments(add, h)
	return table
}

type adder func(name string, handle handler, members ...shape.Member)

func (s *Service) addSets(add adder, h shapes) {
	name := shape.Need("Name", shape.Text(1, 32, `[\w+=,.@-]+`))
	managed := shape.Need("ManagedPolicyArn", shape.Text(20, 2048, `arn:aws(-[a-z]{1,5}){0,3}:iam::aws:policy((/[A-Za-z0-9\.,\+@=_-]+)*)/([A-Za-z0-9\.,\+=@_-]+)`))
	inline := shape.Need("InlinePolicy", shape.Text(1, 32768, `[\x{9}\x{A}\x{D}\x{20}-\x{FF}]+`))
	keys := shape.Need("TagKeys", shape.List(h.tagKey, 1, 75))

	add("ListPermissionSets", s.listPermissionSets, h.instance, h.next, h.most)
	add("DescribePermissionSet", s.describePermissionSet, h.instance, h.set)
	add("CreatePermissionSet", s.createPermissionSet, name, h.instance, h.description, h.duration, h.relay, optional(h.tags))
	add("UpdatePermissionSet", s.updatePermissionSet, h.instance, h.set, h.description, h.duration, h.relay)
	add("DeletePermissionSet", s.deletePermissionSet, h.instance, h.set)
	add("PutInlinePolicyToPermissionSet", s.putInlinePolicy, h.instance, h.set, inline)
	add("GetInlinePolicyForPermissionSet", s.getInlinePolicy, h.instance, h.set)
	add("DeleteInlinePolicyFromPermissionSet", s.deleteInlinePolicy, h.instance, h.set)
	add("AttachManagedPolicyToPermissionSet", s.attachManagedPolicy, h.instance, h.set, managed)
	add("DetachManagedPolicyFromPermissionSet", s.detachManagedPolicy, h.instance, h.set, managed)
	add("ListManagedPoliciesInPermissionSet", s.listManagedPolicies, h.instance, h.set, h.next, h.most)
	add("ListTagsForResource", s.listTags, optional(h.instance), h.resource, h.next)
	add("TagResource", s.tag, optional(h.instance), h.resource, h.tags)
	add("UntagResource", s.untag, optional(h.instance), h.resource, keys)
}

func (s *Service) addAssignments(add adder, h shapes) {
	target := renamed(h.account, "TargetId")
	assignment := []shape.Member{h.instance, target, h.targetType, h.set, h.principalType, h.principal}
	statuses := []shape.Member{h.instance, h.most, h.next, h.status}
	filter := shape.May("Filter", shape.Struct(optional(h.account)))
	provisionTarget := shape.Need("TargetType", shape.Enum("AWS_ACCOUNT", "ALL_PROVISIONED_ACCOUNTS"))

	add("ListPermissionSetsProvisionedToAccount", s.listProvisionedSets, h.instance, h.account, h.provisioned, h.most, h.next)
	add("ListAccountsForProvisionedPermissionSet", s.listProvisionedAccounts, h.instance, h.set, h.provisioned, h.most, h.next)
	add("ListAccountAssignments", s.listAssignments, h.instance, h.account, h.set, h.most, h.next)
	add("ListAccountAssignmentsForPrincipal", s.listAssignmentsForPrincipal, h.instance, h.principal, h.principalType, filter, h.next, h.most)
	add("CreateAccountAssignment", s.createAssignment, assignment...)
	add("DeleteAccountAssignment", s.deleteAssignment, assignment...)
	add("DescribeAccountAssignmentCreationStatus", s.describeCreation, h.instance, shape.Need("AccountAssignmentCreationRequestId", h.request))
	add("DescribeAccountAssignmentDeletionStatus", s.describeDeletion, h.instance, shape.Need("AccountAssignmentDeletionRequestId", h.request))
	add("ListAccountAssignmentCreationStatus", s.listCreations, statuses...)
	add("ListAccountAssignmentDeletionStatus", s.listDeletions, statuses...)
	add("ProvisionPermissionSet", s.provision, h.instance, h.set, optional(target), provisionTarget)
	add("DescribePermissionSetProvisioningStatus", s.describeProvisioning, h.instance, shape.Need("ProvisionPermissionSetRequestId", h.request))
	add("ListPermissionSetProvisioningStatus", s.listProvisionings, statuses...)
}
