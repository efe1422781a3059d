// Package story holds tests of the whole chain: the real rolecall command, real
// signed tokens, real API servers.
package story
