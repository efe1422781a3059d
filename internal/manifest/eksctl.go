package manifest

func (r *reader) eksctl(*node) {}
