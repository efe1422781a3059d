package migration

import "strings"

const (
	home = "111122223333"
	far  = "999988887777"
	// nodeGroups and fargateGroups are those of the rows that EKS writes itself.
	nodeGroups    = "system:bootstrappers, system:nodes"
	fargateGroups = nodeGroups + ", system:node-proxier"
)

func role(account, path string) string { return "arn:aws:iam::" + account + ":role/" + path }

func row(arn, username, groups string) string {
	out := "- rolearn: " + arn + "\n"
	if username != "" {
		out += "  username: \"" + username + "\"\n"
	}
	return out + "  groups: [" + groups + "]\n"
}

// scene is an aws-auth, what IAM has, who comes, and what becomes of them.
type scene struct {
	name               string
	mapRoles, accounts string
	// principals exist, in whatever account; eksctl sees those of home.
	principals []string
	// accept are the choices that somebody makes for rolecall.
	accept []string
	// callers are IAM's ARNs of who comes, with the path.
	callers []string
	// today, eksctl and rolecall are what each caller is to the cluster: before, and after either migration, as far as it gets.
	today, eksctl, rolecall []string
	// stops says what keeps eksctl's migration from its end.
	stops string
}

func scenes() []scene {
	admin, ops, node := role(home, "Admin"), role(home, "teams/Ops"), role(home, "node")
	const masters = "the administrator's policy"
	return []scene{
		{
			name: "a row that an entry can take over", mapRoles: row(role(home, "Ops"), "ops:{{SessionNameRaw}}", "ops"), principals: []string{ops}, callers: []string{ops},
			today: []string{"ops:a@b [ops]"}, eksctl: []string{"ops:a@b [ops]"}, rolecall: []string{"ops:a@b [ops]"},
		},
		{
			name: "an administrator of another account whose role's name is taken here", mapRoles: row(role(far, "Admin"), "admin", "system:masters"),
			principals: []string{admin, role(far, "Admin")}, callers: []string{role(far, "Admin"), admin}, accept: []string{"masters=AmazonEKSClusterAdminPolicy"},
			today:    []string{"admin [system:masters]", "refused"},
			eksctl:   []string{"refused", "admin [] + " + masters},
			rolecall: []string{"admin [] + " + masters, "refused"},
		},
		{
			name: "a role of another account whose name nobody has here", mapRoles: row(role(far, "CI"), "ci", "ci") + row(role(home, "Ops"), "ops", "ops"),
			principals: []string{role(far, "deploy/CI"), ops}, callers: []string{role(far, "deploy/CI"), ops},
			today: []string{"ci [ci]", "ops [ops]"}, eksctl: []string{"ci [ci]", "ops [ops]"}, rolecall: []string{"ci [ci]", "ops [ops]"},
			stops: "does not exists",
		},
		{
			name: "two rows of one role", mapRoles: row(admin, "viewer", "view") + row(admin, "editor", "edit"), principals: []string{admin}, callers: []string{admin},
			today: []string{"editor [edit]"}, eksctl: []string{"viewer [view]"}, rolecall: []string{"editor [edit]"},
		},
		{
			name: "system:masters and other groups", mapRoles: row(admin, "admin", "ops, system:masters"), principals: []string{admin}, callers: []string{admin},
			accept: []string{"masters=AmazonEKSClusterAdminPolicy"},
			today:  []string{"admin [ops system:masters]"}, eksctl: []string{"admin [] + " + masters}, rolecall: []string{"admin [ops] + " + masters},
		},
		{
			name: "a username without a colon", mapRoles: row(role(home, "Ops"), "ops", "ops") + row(admin, "{{SessionName}}", "ops"), principals: []string{admin, ops},
			callers: []string{admin, ops},
			today:   []string{"a-b [ops]", "ops [ops]"}, eksctl: []string{"a-b [ops]", "ops [ops]"}, rolecall: []string{"a-b [ops]", "ops [ops]"},
			stops: "a colon must come before the session name",
		},
		{
			name: "a username that begins with system:", mapRoles: row(admin, "system:admin", "ops"), principals: []string{admin}, callers: []string{admin},
			today: []string{"system:admin [ops]"}, eksctl: []string{"system:admin [ops]"}, rolecall: []string{"system:admin [ops]"},
			stops: "cannot start with system:",
		},
		{
			name: "no username", mapRoles: row(admin, "", "ops"), principals: []string{admin}, callers: []string{admin},
			today: []string{` [ops]`}, eksctl: []string{"arn:aws:sts::111122223333:assumed-role/Admin/a-b [ops]"}, rolecall: []string{` [ops]`},
		},
		{
			name: "an ARN that keeps its path and so admits nobody", mapRoles: row(ops, "ops", "ops"), principals: []string{ops}, callers: []string{ops},
			today: []string{"refused"}, eksctl: []string{"ops [ops]"}, rolecall: []string{"refused"},
		},
		{
			name: "nodes", mapRoles: row(node, "system:node:{{EC2PrivateDNSName}}", nodeGroups), principals: []string{node}, callers: []string{node},
			today:    []string{"system:node:ip-10-0-0-19.ec2.internal [system:bootstrappers system:nodes]"},
			eksctl:   []string{"system:node:ip-10-0-0-19.ec2.internal [system:nodes]"},
			rolecall: []string{"system:node:ip-10-0-0-19.ec2.internal [system:bootstrappers system:nodes]"},
		},
		{
			name: "nodes with a username of their own", mapRoles: row(node, "worker:{{EC2PrivateDNSName}}", nodeGroups), principals: []string{node}, callers: []string{node},
			today:    []string{"worker:ip-10-0-0-19.ec2.internal [system:bootstrappers system:nodes]"},
			eksctl:   []string{"worker:ip-10-0-0-19.ec2.internal [system:bootstrappers system:nodes]"},
			rolecall: []string{"worker:ip-10-0-0-19.ec2.internal [system:bootstrappers system:nodes]"},
			stops:    stays,
		},
		{
			name: "Fargate", mapRoles: row(node, "system:node:{{SessionName}}", fargateGroups), principals: []string{node}, callers: []string{node},
			today:    []string{"system:node:i-0123456789abcdef0 [system:bootstrappers system:node-proxier system:nodes]"},
			eksctl:   []string{"system:node:i-0123456789abcdef0 [system:bootstrappers system:node-proxier system:nodes]"},
			rolecall: []string{"system:node:i-0123456789abcdef0 [system:bootstrappers system:node-proxier system:nodes]"},
			stops:    stays,
		},
		{
			name: "a whole account", accounts: "- \"" + far + "\"\n", principals: []string{role(far, "CI")}, callers: []string{role(far, "CI")},
			today: []string{role(far, "CI") + " []"}, eksctl: []string{role(far, "CI") + " []"}, rolecall: []string{role(far, "CI") + " []"}, stops: stays,
		},
	}
}

// stays is what eksctl says where it will not move to mode API because of rows that it has passed over.
const stays = "will not update authentication mode"

func (s scene) data() map[string]string {
	out := map[string]string{}
	if s.mapRoles != "" {
		out["mapRoles"] = s.mapRoles
	}
	if s.accounts != "" {
		out["mapAccounts"] = s.accounts
	}
	return out
}

// own are the principals of home, which is where eksctl is run.
func (s scene) own() []string {
	var out []string
	for _, p := range s.principals {
		if strings.Contains(p, ":"+home+":") {
			out = append(out, p)
		}
	}
	return out
}
