package manifest

// Verbatim tells whether a byte of the text stands in the file as it is.
func (v Value) Verbatim(i int) bool { return v.origin.Verbatim(i, i+1) }

// Exact tells whether the text was followed through its file byte by byte.
func (v Value) Exact() bool { return v.origin != nil && v.origin.Exact() }
