package state

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Save writes the whole state as JSON, sorted, so that a Load of it gives the
// same server. It takes the lock.
func (s *State) Save(w io.Writer) error {
	var doc document
	s.With(func() { doc = s.document() })
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("writing organization: %w", err)
	}
	return nil
}

func (s *State) document() document {
	doc := document{
		Partition: s.Partition, Seed: s.Seed, Epoch: s.Epoch, Counters: s.Counters,
		Organization:    s.organizationDoc(),
		ManagedPolicies: policyTexts(s.ManagedPolicies),
	}
	s.saveTree(&doc)
	s.saveIdentities(&doc)
	s.saveIAM(&doc)
	for _, arn := range sortedKeys(s.Clusters) {
		doc.Clusters = append(doc.Clusters, clusterDocOf(s.Clusters[arn]))
	}
	for _, id := range sortedKeys(s.Requests) {
		r := s.Requests[id]
		doc.Requests = append(doc.Requests, requestDoc{
			ID: r.ID, Kind: r.Kind, Status: r.Status, AllAccounts: r.AllAccounts, Assignment: r.Assignment,
			NewAccount: r.NewAccount, AccountName: r.AccountName, AccountEmail: r.AccountEmail,
			AccountRole: r.AccountRole, AccountTags: r.AccountTags,
			CreatedAt: r.CreatedAt, Due: r.Due, Failure: r.Failure, FailureReason: r.FailureReason,
		})
	}
	for _, key := range sortedKeys(s.Sessions) {
		doc.Sessions = append(doc.Sessions, *s.Sessions[key])
	}
	return doc
}

func (s *State) organizationDoc() organizationDoc {
	org := organizationDoc{
		ID: s.Organization.ID, RootID: s.Organization.RootID, RootTags: s.Organization.RootTags,
		ManagementAccount: s.Organization.ManagementAccount,
	}
	for _, account := range sortedKeys(s.Organization.TrustedServices) {
		services := s.Organization.TrustedServices[account]
		for _, name := range sortedKeys(services) {
			org.DelegatedAdministrators = append(org.DelegatedAdministrators,
				delegatedDoc{Account: account, ServicePrincipal: name, Since: services[name]})
		}
	}
	return org
}

func (s *State) saveTree(doc *document) {
	for _, id := range sortedKeys(s.Units) {
		doc.OrganizationalUnits = append(doc.OrganizationalUnits, unitDoc{Path: s.UnitPath(id), ID: id, Tags: s.Units[id].Tags})
	}
	slices.SortFunc(doc.OrganizationalUnits, func(a, b unitDoc) int { return strings.Compare(a.Path, b.Path) })
	for _, a := range s.AllAccounts() {
		doc.Accounts = append(doc.Accounts, accountDoc{
			Name: a.Name, ID: a.ID, Email: a.Email, OrganizationalUnit: s.UnitPath(a.Parent), State: a.State,
			JoinedAt: a.JoinedAt, JoinedMethod: a.Joined, Tags: a.Tags,
		})
	}
}

func (s *State) saveIdentities(doc *document) {
	if i := s.Instance; i != nil {
		doc.IdentityCenter = &instanceDoc{
			Account: i.Owner, Region: i.Region, Name: i.Name, ID: i.ID,
			IdentityStoreID: i.IdentityStoreID, CreatedAt: i.CreatedAt, Tags: i.Tags,
		}
	}
	for _, id := range sortedKeys(s.Users) {
		u := s.Users[id]
		doc.Users = append(doc.Users, userDoc{
			Name: u.Name, ID: id, DisplayName: u.DisplayName, GivenName: u.GivenName, FamilyName: u.FamilyName,
			Emails: u.Emails, Status: u.Status, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
		})
	}
	for _, id := range sortedKeys(s.Groups) {
		g := s.Groups[id]
		doc.Groups = append(doc.Groups, groupDoc{
			Name: g.Name, ID: id, Description: g.Description, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt,
		})
	}
	for _, id := range sortedKeys(s.Memberships) {
		m := s.Memberships[id]
		doc.Memberships = append(doc.Memberships, membershipDoc{
			ID: id, Group: s.Groups[m.GroupID].Name, User: s.Users[m.UserID].Name, CreatedAt: m.CreatedAt,
		})
	}
	for _, arn := range sortedKeys(s.PermissionSets) {
		doc.PermissionSets = append(doc.PermissionSets, permissionSetDocOf(s.PermissionSets[arn]))
	}
	var assignments []Assignment
	for a := range s.Assignments {
		assignments = append(assignments, a)
	}
	slices.SortFunc(assignments, CompareAssignments)
	for _, a := range assignments {
		doc.Assignments = append(doc.Assignments, assignmentDoc{
			Account: a.Account, PermissionSet: s.PermissionSets[a.PermissionSet].Name,
			PrincipalType: a.PrincipalType, PrincipalID: a.PrincipalID, CreatedAt: s.Assignments[a],
		})
	}
}

func permissionSetDocOf(p *PermissionSet) permissionSetDoc {
	_, id := splitLast(p.ARN)
	doc := permissionSetDoc{
		Name: p.Name, ID: id, Description: p.Description, SessionDuration: p.SessionDuration, RelayState: p.RelayState,
		Tags: p.Tags, InlinePolicy: policyText(p.InlinePolicy), CreatedAt: p.CreatedAt, Revision: p.Revision,
	}
	for _, m := range p.ManagedPolicies {
		doc.ManagedPolicies = append(doc.ManagedPolicies, m.ARN)
	}
	return doc
}

func (s *State) saveIAM(doc *document) {
	for _, arn := range sortedKeys(s.Roles) {
		r := s.Roles[arn]
		out := roleDoc{
			Account: r.Account, Name: r.Name, Path: r.Path, ID: r.ID, Description: r.Description, Trust: policyText(r.Trust),
			Policies: policyTexts(r.Policies), ManagedPolicies: r.Managed, MaxSession: r.MaxSession.String(), Tags: r.Tags,
			Revision: r.Revision, CreatedAt: r.CreatedAt,
		}
		if set := s.PermissionSets[r.PermissionSet]; set != nil {
			out.PermissionSet = set.Name
		}
		doc.Roles = append(doc.Roles, out)
	}
	for _, arn := range sortedKeys(s.IAMUsers) {
		u := s.IAMUsers[arn]
		out := iamUserDoc{
			Account: u.Account, Name: u.Name, Path: u.Path, ID: u.ID, Policies: policyTexts(u.Policies),
			ManagedPolicies: u.Managed, Tags: u.Tags, CreatedAt: u.CreatedAt,
		}
		for _, k := range u.Keys {
			out.AccessKeys = append(out.AccessKeys, accessKeyDoc(k))
		}
		doc.IAMUsers = append(doc.IAMUsers, out)
	}
}

func clusterDocOf(c *Cluster) clusterDoc {
	doc := clusterDoc{
		Account: c.Account, Region: c.Region, Name: c.Name, Endpoint: c.Endpoint, CA: string(c.CA), Version: c.Version,
		PlatformVersion: c.PlatformVersion, Status: c.Status, AuthenticationMode: c.AuthenticationMode, RoleARN: c.RoleARN,
		OIDCIssuer: c.OIDCIssuer, Tags: c.Tags, Connector: c.Connector, Creator: c.Creator, NodeRoles: c.NodeRoles, CreatedAt: c.CreatedAt,
	}
	for _, arn := range sortedKeys(c.AccessEntries) {
		e := c.AccessEntries[arn]
		out := accessEntryDoc{
			PrincipalARN: e.PrincipalARN, ARN: e.ARN, PrincipalID: e.PrincipalID, Username: e.Username, Groups: e.Groups,
			Type: e.Type, Tags: e.Tags, CreatedAt: e.CreatedAt, ModifiedAt: e.ModifiedAt,
		}
		for _, policy := range sortedKeys(e.Policies) {
			out.Policies = append(out.Policies, *e.Policies[policy])
		}
		doc.AccessEntries = append(doc.AccessEntries, out)
	}
	for _, id := range sortedKeys(c.Updates) {
		doc.Updates = append(doc.Updates, *c.Updates[id])
	}
	for _, name := range sortedKeys(c.IdentityProviders) {
		doc.IdentityProviders = append(doc.IdentityProviders, *c.IdentityProviders[name])
	}
	return doc
}

func policyTexts(in map[string]string) map[string]policyText {
	out := map[string]policyText{}
	for name, text := range in {
		out[name] = policyText(text)
	}
	return out
}
