package product

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// exampleTime is when the example's snapshot says it was taken.
func exampleTime() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// ExampleSnapshot takes a snapshot with the command and takes out of it what differs from one laboratory to the next:
// endpoints, certificates, resource versions and times. What is left follows from the organization's file.
func (b Binary) ExampleSnapshot(ctx context.Context, c Command) (*snapshot.Snapshot, error) {
	out, err := b.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	if out.Code != 0 {
		return nil, fmt.Errorf("taking a snapshot: exit code %d\n%s", out.Code, out.Stderr)
	}
	s, err := snapshot.Decode(bytes.NewReader([]byte(out.Stdout)))
	if err != nil {
		return nil, fmt.Errorf("taking a snapshot: %w", err)
	}
	if !s.Complete() {
		return nil, fmt.Errorf("taking a snapshot: it has gaps: %+v", s.Gaps)
	}
	normalize(s)
	return s, nil
}

func normalize(s *snapshot.Snapshot) {
	s.Taken = exampleTime()
	for i := range s.Roles {
		s.Roles[i].Created = exampleTime()
	}
	for i := range s.Clusters {
		c := &s.Clusters[i]
		c.Endpoint, c.CA = "https://"+c.Name+"."+c.Region+".eks.example.com", ""
		if c.AwsAuth != nil {
			c.AwsAuth.ResourceVersion = ""
		}
		for _, bs := range [][]access.Binding{c.RoleBindings, c.ClusterRoleBindings} {
			for j := range bs {
				bs[j].ResourceVersion = ""
			}
		}
	}
}
