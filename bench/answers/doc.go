// Package answers asks rolecall, kubectl-who-can and rakkess who may do what in one cluster, and holds each against what its API server says.
package answers
