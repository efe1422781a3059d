package snapshot

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// directory reads who and what there is: people, permission sets, and where clusters are.
func (c *collector) directory(ctx context.Context) error {
	tasks := c.peopleTasks()
	accounts := c.active()
	for _, a := range accounts {
		if c.scope.NeedAccountTags {
			tasks = append(tasks, c.accountTags(a))
		}
	}
	regions, err := c.regions(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		for _, region := range regions {
			tasks = append(tasks, c.clusterNames(a, region))
		}
	}
	c.hosts = map[access.AccountID]bool{}
	return c.wave(ctx, "directory", tasks)
}

func (c *collector) regions(ctx context.Context) ([]string, error) {
	if len(c.scope.Regions) > 0 {
		return c.scope.Regions, nil
	}
	var regions []string
	err := c.wave(ctx, "Regions", []task{{access.Gap{Part: access.PartClusters, Service: "eks"}, func(ctx context.Context) (err error) {
		regions, err = c.ports.Reader.Regions(ctx)
		return err
	}}})
	return regions, err
}

// peopleTasks is empty when there is no instance: its gap covers them all.
func (c *collector) peopleTasks() []task {
	if !c.instance {
		return nil
	}
	r, i := c.ports.Reader, c.s.Instance
	return []task{
		{access.Gap{Part: access.PartPermissionSets, Service: "sso"}, func(ctx context.Context) error {
			sets, err := r.PermissionSets(ctx, i)
			c.put(func(*Snapshot) { c.setARNs = sets })
			return err
		}},
		{access.Gap{Part: access.PartUsers, Service: "identitystore"}, func(ctx context.Context) error {
			users, err := r.Users(ctx, i)
			c.put(func(s *Snapshot) { s.Users = users })
			return err
		}},
		{access.Gap{Part: access.PartGroups, Service: "identitystore"}, func(ctx context.Context) error {
			groups, err := r.Groups(ctx, i)
			c.put(func(s *Snapshot) { s.Groups = groups })
			return err
		}},
	}
}

func (c *collector) accountTags(a access.AccountID) task {
	return task{access.Gap{Part: access.PartAccountTags, Service: "organizations", Account: a}, func(ctx context.Context) error {
		tags, err := c.ports.Reader.AccountTags(ctx, a)
		c.put(func(s *Snapshot) {
			for i := range s.Accounts {
				if s.Accounts[i].ID == a {
					s.Accounts[i].Tags = tags
				}
			}
		})
		return err
	}}
}

func (c *collector) clusterNames(a access.AccountID, region string) task {
	return task{access.Gap{Part: access.PartClusters, Service: "eks", Account: a, Region: region}, func(ctx context.Context) error {
		names, err := c.ports.Reader.ClusterNames(ctx, a, region)
		if errors.Is(err, access.ErrUnavailable) {
			return nil
		}
		c.put(func(*Snapshot) {
			if err != nil || len(names) > 0 {
				c.hosts[a] = true
			}
			for _, n := range names {
				c.clusters = append(c.clusters, clusterName{a, region, n})
			}
		})
		return err
	}}
}

// inside reads what the chain is made of: clusters in one stream, Identity Center and IAM in another.
func (c *collector) inside(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := c.wave(gctx, "clusters", c.clusterTasks()); err != nil {
			return err
		}
		return c.wave(gctx, "access entries", c.entryTasks())
	})
	g.Go(func() error { return c.chain(gctx) })
	return g.Wait() //nolint:wrapcheck // wave has said what it was doing
}

func (c *collector) clusterTasks() []task {
	var tasks []task
	for _, n := range c.clusters {
		tasks = append(tasks, task{
			access.Gap{Part: access.PartClusters, Service: "eks", Operation: "DescribeCluster", Account: n.account, Region: n.region},
			func(ctx context.Context) error { return c.cluster(ctx, n) },
		})
	}
	return tasks
}

// cluster describes one cluster and reads inside it; each part that fails is a gap of its own.
func (c *collector) cluster(ctx context.Context, n clusterName) error {
	cl, err := c.ports.Reader.Cluster(ctx, n.account, n.region, n.name)
	if errors.Is(err, access.ErrUnavailable) {
		return nil
	}
	if err != nil {
		return err
	}
	scope := access.Gap{Service: "kubernetes", Account: n.account, Region: n.region, Cluster: cl.ARN}
	entriesErr := c.entryPrincipals(ctx, cl)
	awsAuth, authErr := c.ports.Clusters.AwsAuth(ctx, cl)
	cl.AwsAuth = awsAuth
	full, rbacErr := c.ports.Clusters.RBAC(ctx, cl)
	if rbacErr == nil {
		cl = full
	}
	if authErr == nil {
		if cl.Self, err = c.self(ctx, cl); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Clusters = append(c.s.Clusters, cl)
	auth, rbac := scope, scope
	auth.Part, auth.Operation = access.PartAwsAuth, "get configmap kube-system/aws-auth"
	rbac.Part, rbac.Operation = access.PartRBAC, "list namespaces, roles and bindings"
	if err := c.note(ctx, auth, authErr); err != nil {
		return err
	}
	if err := c.note(ctx, entryGap(cl), entriesErr); err != nil {
		return err
	}
	return c.note(ctx, rbac, rbacErr)
}

// self is who the reader is to the cluster; nil where it does not say. That holds nothing still: who calls is also known from AWS.
func (c *collector) self(ctx context.Context, cl access.Cluster) (*access.Self, error) {
	self, err := c.ports.Clusters.Self(ctx, cl)
	if err != nil {
		return nil, ctx.Err() //nolint:wrapcheck // wave says what was being read
	}
	return &self, nil
}

// chain reads sets and roles and then, side by side, what the roles may do and who is assigned: IAM answers the one and Identity Center the other.
func (c *collector) chain(ctx context.Context) error {
	if err := c.wave(ctx, "permission sets and roles", c.setTasks()); err != nil {
		return err
	}
	control := c.controlTasks()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.wave(gctx, "policies of roles", control) })
	g.Go(func() error { return c.assigned(gctx) })
	return g.Wait() //nolint:wrapcheck // wave has said what it was doing
}

// assigned reads assignments and memberships, in the order in which each needs the other.
func (c *collector) assigned(ctx context.Context) error {
	for _, phase := range []struct {
		name  string
		tasks func() []task
	}{
		{"account assignments", c.assignmentTasks},
		{"account assignments elsewhere", c.elsewhereTasks},
		{"group memberships", c.memberTasks},
	} {
		if err := c.wave(ctx, phase.name, phase.tasks()); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) hostAccounts() []access.AccountID {
	var out []access.AccountID
	for _, a := range c.s.Estate {
		if c.hosts[a] {
			out = append(out, a)
		}
	}
	return out
}

func (c *collector) setTasks() []task {
	r, i := c.ports.Reader, c.s.Instance
	var tasks []task
	for _, arn := range c.setARNs {
		tasks = append(tasks, task{access.Gap{Part: access.PartPermissionSets, Service: "sso", PermissionSet: arn}, func(ctx context.Context) error {
			return c.permissionSet(ctx, i, arn)
		}})
	}
	for _, a := range c.hostAccounts() {
		tasks = append(tasks, task{access.Gap{Part: access.PartRoles, Service: "iam", Account: a}, func(ctx context.Context) error {
			roles, err := r.Roles(ctx, a)
			c.put(func(s *Snapshot) { s.Roles = append(s.Roles, roles...) })
			return err
		}})
		if !c.instance {
			continue
		}
		tasks = append(tasks, task{access.Gap{Part: access.PartProvisioned, Service: "sso", Account: a}, func(ctx context.Context) error {
			sets, err := r.ProvisionedSets(ctx, i, a)
			c.addProvisioned([]access.AccountID{a}, sets)
			return err
		}})
	}
	return tasks
}

// permissionSet describes a set and, when it is managed, reads its owner tag and the accounts it is in.
func (c *collector) permissionSet(ctx context.Context, i access.Instance, arn access.ARN) error {
	p, err := c.ports.Reader.PermissionSet(ctx, i, arn)
	if errors.Is(err, access.ErrNotFound) {
		return nil
	}
	if err == nil && c.scope.IsManaged(p.Name) {
		p.Owner, err = c.ports.Reader.Owner(ctx, i, arn)
	}
	if err != nil {
		return err
	}
	c.put(func(s *Snapshot) { s.PermissionSets = append(s.PermissionSets, p) })
	if !c.scope.IsManaged(p.Name) {
		return nil
	}
	accounts, err := c.ports.Reader.ProvisionedAccounts(ctx, i, arn)
	c.addProvisioned(accounts, []access.ARN{arn})
	if err != nil {
		// Without this list there may be assignments anywhere in the estate.
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.note(ctx, access.Gap{Part: access.PartAssignments, Service: "sso", PermissionSet: arn}, err)
	}
	return nil
}

func (c *collector) addProvisioned(accounts []access.AccountID, sets []access.ARN) {
	c.put(func(s *Snapshot) {
		for _, a := range accounts {
			if !slices.Contains(s.Estate, a) {
				continue
			}
			for _, p := range sets {
				s.Provisioned = append(s.Provisioned, Provisioned{a, p})
			}
		}
	})
}

// assignmentTasks reads the pairs in accounts that host clusters.
func (c *collector) assignmentTasks() []task {
	return c.pairTasks(func(p Provisioned) bool { return c.hosts[p.Account] })
}

// elsewhereTasks reads the managed sets' pairs in the estate's other accounts.
func (c *collector) elsewhereTasks() []task {
	managed := map[access.ARN]bool{}
	for _, p := range c.s.PermissionSets {
		managed[p.ARN] = c.scope.IsManaged(p.Name)
	}
	return c.pairTasks(func(p Provisioned) bool { return !c.hosts[p.Account] && managed[p.PermissionSet] })
}

func (c *collector) pairTasks(want func(Provisioned) bool) []task {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Sort()
	r, i := c.ports.Reader, c.s.Instance
	var tasks []task
	for _, p := range c.s.Provisioned {
		if !want(p) {
			continue
		}
		gap := access.Gap{Part: access.PartAssignments, Service: "sso", Account: p.Account, PermissionSet: p.PermissionSet}
		tasks = append(tasks, task{gap, func(ctx context.Context) error {
			as, err := r.Assignments(ctx, i, p.Account, p.PermissionSet)
			c.put(func(s *Snapshot) { s.Assignments = append(s.Assignments, as...) })
			return err
		}})
	}
	return tasks
}

// memberTasks reads the groups that are assigned something or that the policies name; nobody else's members matter.
func (c *collector) memberTasks() []task {
	wanted := map[access.PrincipalID]bool{}
	for _, a := range c.s.Assignments {
		if a.Principal.Kind == access.PrincipalGroup {
			wanted[a.Principal.ID] = true
		}
	}
	r, i := c.ports.Reader, c.s.Instance
	var tasks []task
	for _, g := range c.s.Groups {
		if !wanted[g.ID] && !slices.Contains(c.scope.Groups, g.Name) && !slices.Contains(c.scope.Groups, string(g.ID)) {
			continue
		}
		tasks = append(tasks, task{access.Gap{Part: access.PartMemberships, Service: "identitystore", Group: g.ID}, func(ctx context.Context) error {
			users, err := r.Members(ctx, i, g.ID)
			if errors.Is(err, access.ErrNotFound) {
				return nil
			}
			c.put(func(s *Snapshot) {
				for _, u := range users {
					s.Memberships = append(s.Memberships, access.Membership{Group: g.ID, User: u})
				}
			})
			return err
		}})
	}
	return tasks
}
