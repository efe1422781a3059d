// Package writers lets eight writers change the same aws-auth at once, and reads every version that comes of it as the authenticator does.
package writers
