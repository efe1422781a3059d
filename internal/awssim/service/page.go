package service

// PageOf cuts a page out of items. The first of the limits that is not zero is
// the page size: what the caller asked for, then the service's maximum. The
// next token is nil on the last page, the page itself is never nil.
func PageOf[T any](c *Call, items []T, token string, limits ...int) (page []T, next *string, err *Error) {
	limit := 0
	for _, l := range limits {
		if limit == 0 {
			limit = l
		}
	}
	from, to, text, err := Page(c, token, len(items), limit)
	if err != nil {
		return nil, nil, err
	}
	if text != "" {
		next = &text
	}
	return append([]T{}, items[from:to]...), next, nil
}
