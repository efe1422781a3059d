package service

import (
	"encoding/base64"
	"strconv"
	"strings"
)

const tokenPrefix = "page:"

func formatToken(from int) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenPrefix + strconv.Itoa(from)))
}

func parseToken(token string) (from int, started, ok bool) {
	if token == "" {
		return 0, false, true
	}
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return 0, true, false
	}
	digits, ok := strings.CutPrefix(string(text), tokenPrefix)
	if !ok {
		return 0, true, false
	}
	from, err = strconv.Atoi(digits)
	return from, true, err == nil && from >= 0
}
