package troupetest_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

// Outside of tests, Start and Close are what New does.
func ExampleStart() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateTopic(ctx, "orders", 4, nil); err != nil {
		log.Fatal(err)
	}
	for _, line := range s.Environ() {
		name, _, _ := strings.Cut(line, "=")
		fmt.Println("export", name)
	}
	// Output:
	// export TROUPE_BROKERS
	// export TROUPE_REDIS
	// export TROUPE_REGISTRY
}

// A test writes whatever bytes it likes, lets its service run, waits until the
// service's group is done, and looks at what was parked.
func ExampleNew() {
	_ = func(t *testing.T) {
		s := troupetest.New(t)
		orders, group := s.Topic(t, 4), s.Group(t)

		s.Produce(t, event.Record{Topic: orders, Key: []byte("o-1"), Value: []byte("not Avro")})
		go runService(s.Settings.Kafka.Brokers, group, orders)

		s.WaitCommitted(t, group, orders)
		if letters := s.Letters(t, group); len(letters) != 1 {
			t.Errorf("%d dead letters, want 1", len(letters))
		}
	}
}

// The reply to a command is lost: Redis has done what it was asked, and the
// client can't know.
func ExampleLink_LoseReplies() {
	_ = func(t *testing.T) {
		s := troupetest.New(t)
		p := s.Proxy(t)
		o, err := redis.ParseURL(p.Settings.Redis)
		if err != nil {
			t.Fatal(err)
		}
		o.MaxRetries = -1
		c := redis.NewClient(o)
		defer c.Close()

		c.Ping(t.Context())
		p.Redis.LoseReplies(1)
		err = c.Incr(t.Context(), "counter").Err()  // an error
		n, _ := c.Get(t.Context(), "counter").Int() // 1
		t.Log(err, n)
	}
}

func runService([]string, string, string) {}
