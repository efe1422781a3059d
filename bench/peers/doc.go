// Package peers lets rolecall and others add the same rows to the same aws-auth, and counts.
package peers
