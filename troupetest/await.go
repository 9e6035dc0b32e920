package troupetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// AwaitTimeout is how long Await and WaitCommitted wait before they fail the test.
const AwaitTimeout = 30 * time.Second

// Await returns as soon as condition is true. It fails tb, saying what was
// waited for, when that has not happened after AwaitTimeout.
func Await(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), AwaitTimeout)
	defer cancel()
	err := poll(ctx, func() error {
		if condition() {
			return nil
		}
		return errors.New("not yet")
	})
	if err != nil {
		tb.Fatalf("waited %v for %s", AwaitTimeout, what)
	}
}

// WaitCommitted returns when group has committed everything that the topics
// hold now: each event was handled, skipped or parked. It fails tb after AwaitTimeout,
// saying what is missing.
func (s *Services) WaitCommitted(tb testing.TB, group string, topics ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), AwaitTimeout)
	defer cancel()
	cl, err := s.client()
	if err != nil {
		tb.Fatal(err)
	}
	for _, topic := range topics {
		if err := waitCommitted(ctx, cl, group, topic); err != nil {
			tb.Fatal(err)
		}
	}
}

func waitCommitted(ctx context.Context, cl *kgo.Client, group, topic string) error {
	n, err := partitions(ctx, cl, topic)
	if err != nil {
		return err
	}
	end, err := offsets(ctx, cl, topic, n, latest)
	if err != nil {
		return err
	}
	first, err := offsets(ctx, cl, topic, n, earliest)
	if err != nil {
		return err
	}
	return poll(ctx, func() error {
		done, err := committed(ctx, cl, group, topic, n)
		if err != nil {
			return err
		}
		for p := range end {
			if first[p] < end[p] && done[p] < end[p] {
				return fmt.Errorf("group %s has committed %s/%d up to %d of %d", group, topic, p, done[p], end[p])
			}
		}
		return nil
	})
}

// Committed returns what group has committed for topic, by partition; -1 where
// it has committed nothing.
func (s *Services) Committed(tb testing.TB, group, topic string) []int64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	cl, err := s.client()
	if err != nil {
		tb.Fatal(err)
	}
	n, err := partitions(ctx, cl, topic)
	if err != nil {
		tb.Fatal(err)
	}
	var all []int64
	err = poll(ctx, func() error { // a coordinator that is just coming up refuses
		all, err = committed(ctx, cl, group, topic, n)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func (s *Services) exists(tb testing.TB, topic string) bool {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	cl, err := s.client()
	if err != nil {
		tb.Fatal(err)
	}
	_, err = partitions(ctx, cl, topic)
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		tb.Fatal(err)
	}
	return err == nil
}

// poll calls try until it succeeds or ctx ends; then the error is try's last.
func poll(ctx context.Context, try func() error) error {
	pause := time.Millisecond
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}
