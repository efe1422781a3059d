// Package migration lets eksctl's migrator and rolecall bring the same clusters from aws-auth to access entries, and asks the authenticator
// what each principal is before and after.
package migration
