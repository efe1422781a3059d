package diag

// Policies: what the files say.
const (
	RC1001 Code = "RC1001" // syntax
	RC1002 Code = "RC1002" // unknown field
	RC1003 Code = "RC1003" // duplicate name
	RC1004 Code = "RC1004" // missing field
	RC1005 Code = "RC1005" // bad value
	RC1006 Code = "RC1006" // unknown principal
	RC1007 Code = "RC1007" // unknown permission set
	RC1008 Code = "RC1008" // selector matches no cluster
	RC1009 Code = "RC1009" // cannot be granted exactly
	RC1010 Code = "RC1010" // grant has expired
	RC1011 Code = "RC1011" // privileged grant without "privileged: true"
	RC1012 Code = "RC1012" // policy test failed
	RC1013 Code = "RC1013" // EKS access policy where no access entry can be
	RC1014 Code = "RC1014" // name is ambiguous
	RC1015 Code = "RC1015" // Role or ClusterRole does not exist
	RC1016 Code = "RC1016" // outside the estate
	RC1017 Code = "RC1017" // reserved name
)

// aws-auth: what the ConfigMap says.
const (
	RC2001 Code = "RC2001" // not parseable, or refused by the API server
	RC2002 Code = "RC2002" // role ARN keeps its path
	RC2003 Code = "RC2003" // permission-set ARN where a role ARN belongs
	RC2004 Code = "RC2004" // STS session ARN where a role ARN belongs
	RC2005 Code = "RC2005" // role under mapUsers
	RC2006 Code = "RC2006" // duplicate ARN or key
	RC2007 Code = "RC2007" // wrong type, read as empty
	RC2008 Code = "RC2008" // unknown field
	RC2009 Code = "RC2009" // malformed or missing ARN
	RC2010 Code = "RC2010" // principal that cannot or should not be mapped
	RC2011 Code = "RC2011" // node row damaged or missing
	RC2012 Code = "RC2012" // system:masters
	RC2013 Code = "RC2013" // {{SessionName}} merges two people
	RC2014 Code = "RC2014" // session name chosen by the caller
	RC2015 Code = "RC2015" // empty username
	RC2016 Code = "RC2016" // mapAccounts lets in a whole account
	RC2017 Code = "RC2017" // unknown template
	RC2018 Code = "RC2018" // key is ignored
	RC2019 Code = "RC2019" // sso: matcher does not work on EKS
	RC2020 Code = "RC2020" // text that is not read
	RC2021 Code = "RC2021" // near or over the size limit
	RC2022 Code = "RC2022" // user under mapRoles
	RC2023 Code = "RC2023" // wildcard in an ARN
	RC2024 Code = "RC2024" // account id is not 12 digits
	RC2025 Code = "RC2025" // Identity Center role without its suffix
	RC2026 Code = "RC2026" // partition does not match
	RC2027 Code = "RC2027" // reserved name yielded by somebody else
	RC2028 Code = "RC2028" // not an aws-auth document
	RC2029 Code = "RC2029" // group names run together
)

// Live: what the world says.
const (
	RC3001 Code = "RC3001" // mapped role does not exist
	RC3002 Code = "RC3002" // role re-created under a new suffix
	RC3003 Code = "RC3003" // access entry is dead
	RC3004 Code = "RC3004" // access entry hides the aws-auth row
	RC3005 Code = "RC3005" // permission set is not provisioned in the account
	RC3006 Code = "RC3006" // mapped group has no binding
	RC3007 Code = "RC3007" // binding names a user that cannot occur
	RC3008 Code = "RC3008" // two people map to one user
	RC3009 Code = "RC3009" // aws-auth is ignored in API mode
	RC3010 Code = "RC3010" // excess access
	RC3011 Code = "RC3011" // role looks like an Identity Center role but is not
	RC3012 Code = "RC3012" // access entry that EKS would refuse
	RC3013 Code = "RC3013" // principal is disabled or deleted
	RC3014 Code = "RC3014" // session name cannot be predicted
	RC3015 Code = "RC3015" // permission set can administer EKS itself
	RC3016 Code = "RC3016" // assignment is missing
)

// Guards: what a plan would do.
const (
	RC4001 Code = "RC4001" // would lock the caller out
	RC4002 Code = "RC4002" // would leave a cluster without an administrator
	RC4003 Code = "RC4003" // would remove or change a node row
	RC4004 Code = "RC4004" // removes more than allowed
	RC4005 Code = "RC4005" // would change what depends on unread data
	RC4006 Code = "RC4006" // object belongs to somebody else
	RC4007 Code = "RC4007" // escalation of an unprivileged grant
	RC4008 Code = "RC4008" // protected principal
	RC4009 Code = "RC4009" // last assignment of a permission set in an account
	RC4010 Code = "RC4010" // aws-auth cannot be edited as it is written
)

// World: what kept us from it.
const (
	RC5001 Code = "RC5001" // access denied
	RC5002 Code = "RC5002" // throttled out
	RC5003 Code = "RC5003" // cluster unreachable
	RC5004 Code = "RC5004" // snapshot incomplete
	RC5005 Code = "RC5005" // plan is stale
	RC5006 Code = "RC5006" // credentials missing or expired
)
