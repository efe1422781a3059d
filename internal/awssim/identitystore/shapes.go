package identitystore

import (
	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

const maxPage = 100

// shapes are the members that inputs are made of, with the patterns and bounds
// of the Identity Store API reference.
type shapes struct {
	store, user, group, membership, member shape.Member
	next, most, extensions, filters        shape.Member
	operations, revision, alternate        shape.Member
	text                                   *shape.Shape
	id                                     *shape.Shape
}

func newShapes() shapes {
	uuid := `[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}`
	id := shape.Text(1, 200, `(arn:aws(-[a-z]{1,5}){0,3}:identitystore:::(user|group|membership)/)?([0-9a-f]{10}-|)`+uuid)
	text := shape.Text(1, 1024, `[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \x{A0}\x{3000}]+`)
	external := shape.Text(1, 256, `[\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
	path := shape.Text(1, 255, `(?:\p{L}+:\p{L}+:\p{L}+(?:\.\p{L}+){0,3}|\p{L}+(?:\.\p{L}+){0,2})`)
	unique := shape.Struct(shape.Need("AttributePath", path), shape.Need("AttributeValue", shape.Document()))
	operation := shape.Struct(shape.Need("AttributePath", path), shape.May("AttributeValue", shape.Document()))
	filter := shape.Struct(shape.Need("AttributePath", path), shape.Need("AttributeValue", text))
	return shapes{
		store: shape.Need("IdentityStoreId", shape.Text(1, 100,
			`(arn:aws(-[a-z]{1,5}){0,3}:identitystore::\d{12}:identitystore/)?(d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})`)),
		user:       shape.Need("UserId", id),
		group:      shape.Need("GroupId", id),
		membership: shape.Need("MembershipId", id),
		member:     shape.Need("MemberId", shape.Union(shape.May("UserId", id))),
		next:       shape.May("NextToken", shape.Text(1, 65535, `[-a-zA-Z0-9+=/:_]*`)),
		most:       shape.May("MaxResults", shape.Integer(1, maxPage)),
		extensions: shape.May("Extensions", shape.List(shape.Text(1, 50, `aws:identitystore:[a-z]{1,20}`), 1, 10)),
		filters:    shape.May("Filters", shape.List(filter, 0, 1)),
		operations: shape.Need("Operations", shape.List(operation, 1, 100)),
		revision:   shape.May("Revision", shape.Text(1, 64, "")),
		alternate: shape.Need("AlternateIdentifier", shape.Union(
			shape.May("ExternalId", shape.Struct(shape.Need("Issuer", external), shape.Need("Id", external))),
			shape.May("UniqueAttribute", unique))),
		text: text,
		id:   id,
	}
}

// operations is the table of what the service can do.
func (s *Service) operations() map[string]awsjson.Operation[input] {
	h := newShapes()
	table := map[string]awsjson.Operation[input]{}
	add := func(name string, handle handler, members ...shape.Member) {
		members = append([]shape.Member{h.store}, members...)
		table[name] = awsjson.Operation[input]{Input: shape.Struct(members...), Resources: s.resources, Handle: s.guarded(handle)}
	}
	add("GetUserId", s.userID, h.alternate)
	add("GetGroupId", s.groupID, h.alternate)
	add("DescribeUser", s.describeUser, h.user, h.extensions)
	add("DescribeGroup", s.describeGroup, h.group)
	add("ListUsers", s.listUsers, h.extensions, h.most, h.next, h.filters)
	add("ListGroups", s.listGroups, h.most, h.next, h.filters)
	add("ListGroupMemberships", s.listMemberships, h.group, h.most, h.next)
	add("ListGroupMembershipsForMember", s.listMembershipsForMember, h.member, h.most, h.next)
	add("IsMemberInGroups", s.isMember, h.member, shape.Need("GroupIds", shape.List(h.id, 1, 100)))
	add("DescribeGroupMembership", s.describeMembership, h.membership)
	add("GetGroupMembershipId", s.membershipID, h.group, h.member)
	add("CreateUser", s.createUser, userMembers(h)...)
	add("UpdateUser", s.updateUser, h.user, h.operations, h.revision)
	add("DeleteUser", s.deleteUser, h.user, h.revision)
	add("CreateGroup", s.createGroup,
		shape.May("DisplayName", shape.Text(1, 1024, `[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \x{A0}]+`)), shape.May("Description", h.text))
	add("UpdateGroup", s.updateGroup, h.group, h.operations, h.revision)
	add("DeleteGroup", s.deleteGroup, h.group, h.revision)
	add("CreateGroupMembership", s.createMembership, h.group, h.member)
	add("DeleteGroupMembership", s.deleteMembership, h.membership)
	return table
}

// userMembers are the attributes that a user may be created with.
func userMembers(h shapes) []shape.Member {
	texts := func(names ...string) []shape.Member {
		var out []shape.Member
		for _, n := range names {
			out = append(out, shape.May(n, h.text))
		}
		return out
	}
	labelled := func(names ...string) *shape.Shape {
		return shape.Struct(append(texts(names...), shape.May("Primary", shape.Boolean()))...)
	}
	photo := labelled("Type", "Display")
	photo.Members = append(photo.Members, shape.Need("Value", h.text))
	members := []shape.Member{
		shape.May("UserName", shape.Text(1, 128, `[\p{L}\p{M}\p{S}\p{N}\p{P}]+`)),
		shape.May("Name", shape.Struct(texts("Formatted", "FamilyName", "GivenName", "MiddleName", "HonorificPrefix", "HonorificSuffix")...)),
		shape.May("Emails", shape.List(labelled("Value", "Type"), 1, 1)),
		shape.May("Addresses", shape.List(labelled("StreetAddress", "Locality", "Region", "PostalCode", "Country", "Formatted", "Type"), 1, 1)),
		shape.May("PhoneNumbers", shape.List(labelled("Value", "Type"), 1, 1)),
		shape.May("Photos", shape.List(photo, 1, 3)),
		shape.May("Roles", shape.List(labelled("Value", "Type"), 1, 1)),
		shape.May("Extensions", shape.Map(shape.Document(), 1, 10)),
	}
	return append(members, texts("DisplayName", "NickName", "ProfileUrl", "UserType", "Title", "PreferredLanguage",
		"Locale", "Timezone", "Website", "Birthdate")...)
}

// resources names the store and what else an input acts on, as the Service
// Authorization Reference has it.
func (s *Service) resources(_ *service.Call, in *input) []string {
	prefix := "arn:" + s.state.Partition + ":identitystore::"
	owner := ""
	if s.state.Instance != nil {
		owner = s.state.Instance.Owner
	}
	out := []string{prefix + owner + ":identitystore/" + bare(in.StoreID)}
	for _, r := range []struct{ kind, id string }{
		{"user", in.UserID}, {"user", in.MemberID.UserID}, {"group", in.GroupID}, {"membership", in.MembershipID},
	} {
		if r.id != "" {
			out = append(out, prefix+":"+r.kind+"/"+bare(r.id))
		}
	}
	return out
}
