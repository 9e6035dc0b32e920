// Evolution shows two versions of one event side by side on one topic, as they
// are whenever services are deployed one after the other; and what becomes of a
// version that would break somebody. It needs nothing: without TROUPE_* in the
// environment, Kafka, Redis and the registry run inside.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	v1 "github.com/troupe-go/troupe/examples/evolution/v1"
	v2 "github.com/troupe-go/troupe/examples/evolution/v2"
	v3 "github.com/troupe-go/troupe/examples/evolution/v3"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	slog.SetLogLoggerLevel(slog.LevelWarn)
	topic := fmt.Sprintf("bakery.orders.%d", time.Now().Unix())
	if err := run(ctx, os.Stdout, topic); err != nil {
		log.Fatal(err)
	}
}

// company is what all services of this example share.
type company struct {
	*troupetest.Services
	registry *schema.Client
	store    *dedupe.Redis
	letters  *dlq.Writer
	topic    string
}

func run(ctx context.Context, out io.Writer, topic string) error {
	c, err := open(ctx, topic)
	if err != nil {
		return err
	}
	defer c.close()

	// The counter still runs the old release, the web shop has the new one.
	counter, err := c.newProducer("counter")
	if err != nil {
		return err
	}
	defer counter.Close()
	shop, err := c.newProducer("shop")
	if err != nil {
		return err
	}
	defer shop.Close()
	if err := counter.Prepare(ctx, topic, &v1.OrderPlaced{}); err != nil {
		return err
	}
	if err := shop.Prepare(ctx, topic, &v2.OrderPlaced{}); err != nil {
		return err
	}
	if err := counter.Publish(ctx, topic, "ada", &v1.OrderPlaced{OrderID: "o-1", TotalCents: 350, Channel: "COUNTER"}); err != nil {
		return err
	}
	if err := shop.Publish(ctx, topic, "ada", &v2.OrderPlaced{OrderID: "o-2", TotalCents: 1200, Currency: "CHF", Channel: "WEB"}); err != nil {
		return err
	}

	// So do the services that react: each says which type it knows, and sees both events as that.
	oven := func(_ context.Context, e event.Event[v1.OrderPlaced]) error {
		fmt.Fprintf(out, "oven, which knows version 1:  %s for %d, ordered by %s\n", e.Data.OrderID, e.Data.TotalCents, e.Data.Channel)
		return nil
	}
	books := func(_ context.Context, e event.Event[v2.OrderPlaced]) error {
		fmt.Fprintf(out, "books, which know version 2:  %s for %d %s, ordered by %s\n", e.Data.OrderID, e.Data.TotalCents, e.Data.Currency, e.Data.Channel)
		return nil
	}
	if err := c.handle(ctx, "oven", 2, consumer.On(topic, oven)); err != nil {
		return err
	}
	if err := c.handle(ctx, "books", 2, consumer.On(topic, books)); err != nil {
		return err
	}

	// A release whose schema would break them does not start.
	next, err := c.newProducer("shop")
	if err != nil {
		return err
	}
	defer next.Close()
	err = next.Prepare(ctx, topic, &v3.OrderPlaced{})
	fmt.Fprintln(out, "the shop's next release:", err)
	return nil
}

func open(ctx context.Context, topic string) (c *company, err error) {
	c = &company{topic: topic}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.Services, err = troupetest.Start(ctx, troupetest.Options{}); err != nil {
		return c, err
	}
	if err := c.EnsureTopics(ctx, 1, topic); err != nil {
		return c, err
	}
	if c.registry, err = schema.NewClient(c.Registry, schema.ClientConfig{}); err != nil {
		return c, err
	}
	if c.store, err = dedupe.OpenRedis(c.Redis); err != nil {
		return c, err
	}
	c.letters, err = dlq.NewWriter(dlq.Config{Kafka: c.Kafka})
	return c, err
}

func (c *company) close() {
	if c.letters != nil {
		c.letters.Close()
	}
	if c.store != nil {
		c.store.Close()
	}
	if c.registry != nil {
		c.registry.Close()
	}
	if c.Services != nil {
		c.Services.Close()
	}
}

func (c *company) newProducer(name string) (*producer.Producer, error) {
	return producer.New(producer.Config{
		Kafka: c.Kafka, Registry: c.registry, Source: name,
		AutoRegister: true, // in production `troupe schema register` is a step of the deployment
		// Old consumers shall read new events, and new ones what is still in the topic. It is
		// better set in the registry, for everyone who publishes the type.
		Compatibility: schema.FullTransitive,
	})
}

// handle runs a service until it has handled n events.
func (c *company) handle(ctx context.Context, name string, n int64, h consumer.Handler) error {
	group := c.topic + "." + name
	if err := c.letters.Provision(ctx, group, c.topic); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	var handled atomic.Int64
	svc, err := consumer.New(consumer.Config{
		Kafka: c.Kafka, Registry: c.registry, Group: group, Dedupe: c.store, DeadLetters: c.letters,
		Middleware: []consumer.Middleware{func(ctx context.Context, _ *event.Meta, next func(context.Context) error) error {
			err := next(ctx)
			if err == nil && handled.Add(1) == n {
				stop()
			}
			return err
		}},
	}, h)
	if err != nil {
		return err
	}
	return svc.Run(ctx)
}
