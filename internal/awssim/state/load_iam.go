package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (l *loader) loadRoles() error {
	for _, doc := range l.doc.Roles {
		if err := l.role(doc); err != nil {
			return fmt.Errorf("role %q: %w", doc.Name, err)
		}
	}
	return nil
}

func (l *loader) role(doc roleDoc) error {
	s := l.s
	account, err := l.account(doc.Account, "its")
	if err != nil {
		return err
	}
	if doc.Trust == "" {
		return fmt.Errorf("it has no trust policy")
	}
	key := account + "/" + strings.ToLower(doc.Name)
	if l.roles[key] {
		return fmt.Errorf("it is declared twice in account %q", doc.Account)
	}
	l.roles[key] = true
	longest, err := time.ParseDuration(cmp.Or(doc.MaxSession, "1h"))
	if err != nil {
		return fmt.Errorf("reading maxSession: %w", err)
	}
	r := &Role{
		Account: account, Name: doc.Name, Path: cmp.Or(doc.Path, "/"), Description: doc.Description,
		MaxSession: longest, Trust: string(doc.Trust), Tags: orEmpty(doc.Tags), Revision: doc.Revision,
		Policies: texts(doc.Policies), Managed: l.managedARNs(doc.ManagedPolicies), CreatedAt: orTime(doc.CreatedAt, s.Epoch),
	}
	r.ID = doc.ID
	if r.ID == "" {
		r.ID = s.FreshID(KindRoleID, account, r.Name)
	}
	if doc.PermissionSet != "" {
		set := s.PermissionSetByName(doc.PermissionSet)
		if set == nil {
			return fmt.Errorf("permission set %q is not declared", doc.PermissionSet)
		}
		r.PermissionSet = set.ARN
		s.pair(account, set.ARN).role = r
	}
	s.Roles[r.ARN(s.Partition)] = r
	return nil
}

func (l *loader) loadIAMUsers() error {
	s := l.s
	for _, doc := range l.doc.IAMUsers {
		account, err := l.account(doc.Account, fmt.Sprintf("IAM user %q", doc.Name))
		if err != nil {
			return err
		}
		u := &IAMUser{
			Account: account, Name: doc.Name, Path: cmp.Or(doc.Path, "/"),
			ID:       cmp.Or(doc.ID, s.NewID(KindUserID, account, doc.Name)),
			Tags:     orEmpty(doc.Tags),
			Policies: texts(doc.Policies), Managed: l.managedARNs(doc.ManagedPolicies), CreatedAt: orTime(doc.CreatedAt, s.Epoch),
		}
		for i, k := range doc.AccessKeys {
			key := AccessKey{ID: cmp.Or(k.ID, s.NewID(KindAccessKey, account, doc.Name, fmt.Sprint(i)))}
			key.Secret = cmp.Or(k.Secret, s.NewID(KindSecret, key.ID))
			u.Keys = append(u.Keys, key)
		}
		s.IAMUsers[u.ARN(s.Partition)] = u
	}
	return nil
}

func (l *loader) loadClusters() error {
	for _, doc := range l.doc.Clusters {
		if err := l.cluster(doc); err != nil {
			return fmt.Errorf("cluster %q: %w", doc.Name, err)
		}
	}
	return nil
}

func (l *loader) cluster(doc clusterDoc) error {
	s := l.s
	account, err := l.account(doc.Account, "its")
	if err != nil {
		return err
	}
	c := &Cluster{
		Account: account, Region: doc.Region, Name: doc.Name,
		ARN:      s.ClusterARN(account, doc.Region, doc.Name),
		Endpoint: doc.Endpoint, CA: []byte(doc.CA),
		Version:            cmp.Or(doc.Version, "1.35"),
		PlatformVersion:    cmp.Or(doc.PlatformVersion, "eks.1"),
		Status:             cmp.Or(doc.Status, "ACTIVE"),
		AuthenticationMode: doc.AuthenticationMode,
		RoleARN:            cmp.Or(doc.RoleARN, "arn:"+s.Partition+":iam::"+account+":role/"+doc.Name+"-cluster"),
		Tags:               orEmpty(doc.Tags), Connector: doc.Connector, Creator: doc.Creator, NodeRoles: orEmpty(doc.NodeRoles),
		CreatedAt:     orTime(doc.CreatedAt, s.Epoch),
		AccessEntries: map[string]*AccessEntry{}, Updates: map[string]*Update{}, IdentityProviders: map[string]*IdentityProvider{},
	}
	if s.Clusters[c.ARN] != nil {
		return fmt.Errorf("it is declared twice in account %q and Region %q", doc.Account, doc.Region)
	}
	c.OIDCIssuer = cmp.Or(doc.OIDCIssuer, "https://oidc.eks."+c.Region+"."+s.DNSSuffix()+"/id/"+s.NewID(KindOIDC, c.ARN))
	if c.Endpoint == "" && !c.Connector {
		host := s.NewID(KindOIDC, "endpoint", c.ARN)
		c.Endpoint = "https://" + host + ".gr7." + c.Region + ".eks." + s.DNSSuffix()
	}
	for _, e := range doc.AccessEntries {
		c.AccessEntries[e.PrincipalARN] = l.accessEntry(c, e)
	}
	for _, u := range doc.Updates {
		c.Updates[u.ID] = &u
	}
	for _, p := range doc.IdentityProviders {
		c.IdentityProviders[p.Name] = &p
	}
	s.Clusters[c.ARN] = c
	return nil
}

// DNSSuffix returns the domain under which the partition's services live.
func (s *State) DNSSuffix() string {
	switch s.Partition {
	case "aws-cn":
		return "amazonaws.com.cn"
	case "aws-iso":
		return "c2s.ic.gov"
	case "aws-iso-b":
		return "sc2s.sgov.gov"
	case "aws-eusc":
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}

func (l *loader) managedARNs(names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, l.s.managedPolicy(name).ARN)
	}
	slices.Sort(out)
	return out
}

func texts(in map[string]policyText) map[string]string {
	out := map[string]string{}
	for name, text := range in {
		out[name] = string(text)
	}
	return out
}
