// Package modes holds tests of the laboratory's clusters in all three
// authentication modes of EKS, seen through their API servers.
package modes
