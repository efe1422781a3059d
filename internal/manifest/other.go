package manifest

// foreign reports a file that is no text, and tells so.
func (r *reader) foreign([]byte) bool { return false }
