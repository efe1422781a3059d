// Package chains breaks chains of access, one cause at a time, and checks that API server, explain and doctor agree about each and that
// the printed remedy works. Everything in it is a test.
package chains
