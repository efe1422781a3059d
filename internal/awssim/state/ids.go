package state

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Kind names what an identifier is for and so its form.
type Kind int

// The forms of identifiers.
const (
	KindAccount       Kind = iota + 1 // 12 digits, the first not zero
	KindOrganization                  // o- and 10
	KindRoot                          // r- and 4
	KindUnit                          // 8, to follow ou-{root}-
	KindInstance                      // ssoins- and 16 hex
	KindPermissionSet                 // ps- and 16 hex
	KindStore                         // d- and 10 hex
	KindUUID                          // users, groups, memberships, requests, updates
	KindRoleSuffix                    // 16 hex
	KindRoleID                        // AROA and 17
	KindUserID                        // AIDA and 17
	KindAccessKey                     // AKIA and 16
	KindSessionKey                    // ASIA and 16
	KindSecret                        // 40 characters
	KindToken                         // 120 characters
	KindOIDC                          // 32 upper-case hex, as in an issuer's path
)

// NewID returns the identifier of a kind for a key. The same seed and key give
// the same identifier; see FreshID for things that are made more than once.
func (s *State) NewID(kind Kind, key ...string) string {
	text := s.Seed + "\x00" + strconv.Itoa(int(kind)) + "\x00" + strings.Join(key, "\x00")
	sum := sha256.Sum256([]byte(text))
	h := hex.EncodeToString(sum[:])
	upper := base32.StdEncoding.EncodeToString(sum[:])
	lower := strings.ToLower(upper)
	switch kind {
	case KindAccount:
		return digits(sum[:], 12)
	case KindUUID:
		return uuid(h)
	case KindOrganization:
		return "o-" + lower[:10]
	case KindRoot:
		return "r-" + lower[:4]
	case KindUnit:
		return lower[:8]
	case KindToken:
		return "IQoJb3JpZ2luX2Vj" + upper[:52] + lower[:52]
	case KindInstance, KindPermissionSet, KindStore, KindRoleSuffix, KindSecret, KindOIDC:
		return hexID(kind, h)
	case KindRoleID, KindUserID, KindAccessKey, KindSessionKey:
		return iamID(kind, upper)
	}
	panic(fmt.Sprintf("identifier of unknown kind %d", kind))
}

// hexID returns an identifier made of hexadecimal digits.
func hexID(kind Kind, h string) string {
	switch kind { //nolint:exhaustive // NewID passes these kinds only
	case KindInstance:
		return "ssoins-" + h[:16]
	case KindPermissionSet:
		return "ps-" + h[:16]
	case KindStore:
		return "d-" + h[:10]
	case KindRoleSuffix:
		return h[:16]
	case KindSecret:
		return h[:40]
	case KindOIDC:
		return strings.ToUpper(h[:32])
	}
	panic(fmt.Sprintf("identifier kind %d is not hexadecimal", kind))
}

// iamID returns a unique id of IAM, whose prefix tells what it is of.
func iamID(kind Kind, upper string) string {
	switch kind { //nolint:exhaustive // NewID passes these kinds only
	case KindRoleID:
		return "AROA" + upper[:17]
	case KindUserID:
		return "AIDA" + upper[:17]
	case KindAccessKey:
		return "AKIA" + upper[:16]
	case KindSessionKey:
		return "ASIA" + upper[:16]
	}
	panic(fmt.Sprintf("identifier kind %d is not of IAM", kind))
}

// FreshID returns an identifier that was not handed out before for this key.
// It counts, so a saved and loaded state goes on where it stopped.
func (s *State) FreshID(kind Kind, key ...string) string {
	counter := strconv.Itoa(int(kind)) + "/" + strings.Join(key, "/")
	s.Counters[counter]++
	return s.NewID(kind, append(append([]string{}, key...), strconv.Itoa(s.Counters[counter]))...)
}

func digits(sum []byte, n int) string {
	low := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n-1)), nil)
	span := new(big.Int).Mul(low, big.NewInt(9))
	v := new(big.Int).Mod(new(big.Int).SetBytes(sum), span)
	return v.Add(v, low).String()
}

func uuid(h string) string {
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}
