package lint

import (
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// places finds the members of rows in the file.
type places struct {
	keys map[awsauth.Key]diag.Pos
}

func newPlaces(d manifest.Document) places {
	p := places{keys: map[awsauth.Key]diag.Pos{}}
	for _, v := range d.Values {
		p.keys[awsauth.Key(v.Key)] = v.KeyPos
	}
	return p
}

func (p places) arn(e awsauth.Entry) diag.Pos          { return p.keys[e.Key] }
func (p places) username(e awsauth.Entry) diag.Pos     { return p.keys[e.Key] }
func (p places) group(e awsauth.Entry, _ int) diag.Pos { return p.keys[e.Key] }
