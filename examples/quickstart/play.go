package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/quickstart/contract"
	"github.com/troupe-go/troupe/examples/quickstart/notifications"
	"github.com/troupe-go/troupe/examples/quickstart/orders"
	"github.com/troupe-go/troupe/examples/quickstart/payments"
	"github.com/troupe-go/troupe/examples/quickstart/stock"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// company is the services and what they share.
type company struct {
	*troupetest.Services
	log      *slog.Logger
	registry *schema.Client
	store    *dedupe.Redis
	letters  *dlq.Writer
	books    *books

	members  []*member
	repeated int // orders that were published twice
}

// member is one service: its producer, if it publishes, and its consumer.
type member struct {
	name     string
	consumer *consumer.Consumer
	producer *producer.Producer
	parked   atomic.Int64 // events of this run that are in its dead letters
	stopped  chan struct{}
	err      error // of Run, once stopped is closed
}

// play runs the choreography on the orders that input holds.
func play(ctx context.Context, input io.Reader, log *slog.Logger, stderr io.Writer) (_ *report, err error) {
	services, err := troupetest.Start(ctx, troupetest.Options{Log: log})
	if err != nil {
		return nil, err
	}
	defer services.Close()
	c := &company{Services: services, log: log, books: newBooks()}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.hire(ctx); err != nil {
		return nil, err
	}
	// The services end when the work is done, or drain when ctx ends.
	running, stop := context.WithCancel(ctx)
	defer stop()
	for _, m := range c.members {
		go func() {
			defer close(m.stopped)
			m.err = m.consumer.Run(running)
		}()
	}
	began := time.Now()
	shown := newProgress(stderr)
	malformed, err := c.place(ctx, input, shown)
	if err == nil {
		err = c.wait(ctx, shown)
	}
	shown.finish()
	took := time.Since(began)
	stop()
	for _, m := range c.members {
		<-m.stopped
		err = errors.Join(err, m.err)
	}
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	return c.report(malformed, took, ctx.Err() != nil), nil
}

func (c *company) open(ctx context.Context) (err error) {
	if c.registry, err = schema.NewClient(c.Registry, schema.ClientConfig{}); err != nil {
		return err
	}
	if c.store, err = dedupe.OpenRedis(c.Redis); err != nil {
		return err
	}
	if c.letters, err = dlq.NewWriter(dlq.Config{Kafka: c.Kafka}); err != nil {
		return err
	}
	return c.EnsureTopics(ctx, 4, contract.Orders, contract.Payments, contract.Stock)
}

// hire makes the four services. Which reacts to what is said by each of them.
func (c *company) hire(ctx context.Context) error {
	effect := func(service, what string) func(event.Meta) {
		return func(m event.Meta) { c.books.effect(service, what, m) }
	}
	publisher := func(name string) *producer.Producer {
		p, err := producer.New(producer.Config{Kafka: c.Kafka, Registry: c.registry, Source: name, AutoRegister: true, Log: c.log})
		if err != nil {
			panic(err) // the settings were good enough to get here
		}
		return p
	}
	order := &orders.Service{Producer: publisher("orders"), Confirmed: effect("orders", "confirmed"), Cancelled: effect("orders", "cancelled")}
	payment := &payments.Service{
		Producer:  publisher("payments"),
		Charged:   effect("payments", "charged"),
		Declined:  effect("payments", "declined"),
		Limits:    paymentLimits,
		Acquirers: acquirers,
	}
	goods := &stock.Service{Producer: publisher("stock"), Reserved: effect("stock", "reserved"), Released: effect("stock", "released")}
	mail := &notifications.Service{Send: func(m event.Meta, _, _ string) { c.books.effect("notifications", "mailed", m) }}

	return errors.Join(
		c.join(ctx, "orders", order.Producer, order.Handlers(), contract.Payments),
		c.join(ctx, "payments", payment.Producer, payment.Handlers(), contract.Orders),
		c.join(ctx, "stock", goods.Producer, goods.Handlers(), contract.Orders, contract.Payments),
		c.join(ctx, "notifications", nil, mail.Handlers(), contract.Payments),
	)
}

// join gives a service its consumer group and its dead letters.
func (c *company) join(ctx context.Context, name string, p *producer.Producer, handlers []consumer.Handler, topics ...string) error {
	m := &member{name: name, producer: p, stopped: make(chan struct{})}
	c.members = append(c.members, m)
	if err := c.letters.Provision(ctx, name, topics...); err != nil {
		return err
	}
	var err error
	m.consumer, err = consumer.New(consumer.Config{
		Kafka:           c.Kafka,
		Registry:        c.registry,
		Group:           name,
		Dedupe:          c.store,
		DeadLetters:     &countedLetters{c.letters, c.books, m},
		ShutdownTimeout: drainTime,
		Log:             c.log,
	}, handlers...)
	return err
}

// countedLetters counts the dead letters of this run.
type countedLetters struct {
	*dlq.Writer
	books  *books
	member *member
}

func (l *countedLetters) Put(ctx context.Context, f dlq.Failure) error {
	err := l.Writer.Put(ctx, f)
	if err == nil {
		l.books.parked(&f.Event, func() { l.member.parked.Add(1) })
	}
	return err
}

// progress returns how many effects and dead letters there are, and how many are
// missing: an order is charged, declined or parked, and reserved; a payment's
// outcome settles the order and is mailed; a declined one is released.
func (c *company) progress() (done, missing int) {
	for _, m := range c.members {
		had, expected := c.account(m)
		done += had
		missing += expected - had
	}
	return done, missing
}

// account returns how many events of this run a service has dealt with, and how
// many it should.
func (c *company) account(m *member) (had, expected int) {
	b := c.books
	effects, _ := b.count(m.name)
	had = effects + int(m.parked.Load())
	orders, decided, declined := b.flows(), b.countOf("payments", "charged")+b.countOf("payments", "declined"), b.countOf("payments", "declined")
	switch m.name {
	case "payments":
		return had, orders
	case "stock":
		return had, orders + declined
	}
	return had, decided // orders and notifications
}

// place publishes the orders; one in twenty twice, as a client that timed out
// and tried again would. It returns how many lines were no orders.
func (c *company) place(ctx context.Context, input io.Reader, shown *progress) (malformed int, err error) {
	service := &orders.Service{Producer: c.members[0].producer}
	var failed atomic.Pointer[error]
	n := 0
	for o, err := range orders.Read(input) {
		var bad *orders.LineError
		switch {
		case errors.As(err, &bad):
			malformed++
			shown.say("skipped: %v", bad)
			continue
		case err != nil:
			return malformed, fmt.Errorf("read the orders: %w", err)
		}
		n++
		id := uuid.Must(uuid.NewV7()).String()
		c.books.placed(id)
		times := 1
		if n%20 == 0 {
			times = 2
			c.repeated++
		}
		for range times {
			err := service.Place(ctx, o, func(_ event.Meta, err error) {
				if err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}, producer.WithID(id))
			if err != nil {
				c.books.unplaced(id)
				return malformed, fmt.Errorf("publish order %s: %w", o.OrderID, err)
			}
		}
	}
	if n == 0 {
		return malformed, fmt.Errorf("no orders in the input, but %d other line(s)", malformed)
	}
	if err := service.Producer.Flush(ctx); err != nil {
		return malformed, err
	}
	if e := failed.Load(); e != nil {
		return malformed, fmt.Errorf("publish the orders: %w", *e)
	}
	return malformed, nil
}

// patience is how long nothing may happen before what is missing counts as lost.
const patience = 30 * time.Second

// wait returns when every effect that should happen has, or nothing more does.
func (c *company) wait(ctx context.Context, shown *progress) error {
	quiet := time.NewTimer(patience)
	defer quiet.Stop()
	last := -1
	for {
		done, missing := c.progress()
		shown.set(done, missing)
		if missing == 0 {
			return nil
		}
		if done > last {
			last = done
			quiet.Reset(patience)
		}
		select {
		case <-c.books.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet.C:
			return nil // the report says what was lost
		}
	}
}

func (c *company) close() {
	for _, m := range c.members {
		if m.producer != nil {
			m.producer.Close()
		}
	}
	if c.letters != nil {
		c.letters.Close()
	}
	c.store.Close()
	c.registry.Close()
}
