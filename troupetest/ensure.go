package troupetest

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// EnsureTopics creates the topics that do not exist yet, for programs that bring
// their own. An existing one keeps its partitions.
func (s *Services) EnsureTopics(ctx context.Context, partitions int, names ...string) error {
	for _, name := range names {
		if err := s.CreateTopic(ctx, name, partitions, nil); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return err
		}
	}
	return nil
}
