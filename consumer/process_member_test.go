package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/schema"
)

// partEnv, when set, makes the test binary a member of a consumer group: a
// process that can be stopped and killed. It holds a part.
const partEnv = "TROUPE_CONSUMER_PART"

// part is what such a process plays. TROUPE_* lead it to the services.
type part struct {
	Name, Group, Topic string
	// Ledger and Log are files.
	Ledger, Log string

	Session, Rebalance, Lease, Commits time.Duration
	Lanes                              int
	// Quick bounds how long a handler takes; one in 20 takes Slow, and one in 30
	// fails once before.
	Quick, Slow time.Duration
	// Plant is a bug to be found: a name in plants.
	Plant string
}

// playPart is the main function of such a process: it handles events until
// SIGTERM and leaves no goroutine behind.
func playPart() (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	var p part
	err := json.Unmarshal([]byte(os.Getenv(partEnv)), &p)
	var settings troupe.Settings
	if err == nil {
		settings, err = troupe.FromEnv()
	}
	if err == nil {
		err = p.play(ctx, settings, plants[p.Plant])
	}
	stop()
	if err == nil {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "member %s: %v\n", p.Name, err)
		return 1
	}
	return 0
}

// play handles events until ctx ends. tamper wraps the store.
func (p part) play(ctx context.Context, settings troupe.Settings, tamper func(consumer.Deduper) consumer.Deduper) error {
	logs, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer logs.Close()
	log := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ledger, err := openLedger(p.Ledger)
	if err != nil {
		return err
	}
	defer ledger.file.Close()
	registry, hangUp, err := openRegistry(settings.Registry)
	if err != nil {
		return err
	}
	defer hangUp()
	store, err := dedupe.OpenRedis(settings.Redis)
	if err != nil {
		return err
	}
	defer store.Close()
	letters, err := dlq.NewWriter(dlq.Config{Kafka: settings.Kafka, Log: log})
	if err != nil {
		return err
	}
	defer letters.Close()
	a := &actor{ledger: ledger, part: p}
	c, err := consumer.New(consumer.Config{
		Kafka: settings.Kafka, Registry: registry, Group: p.Group, DeadLetters: letters,
		Dedupe:         &recorder{Deduper: tamper(store), actor: a},
		Lanes:          p.Lanes,
		FirstBackoff:   10 * time.Millisecond,
		LastBackoff:    100 * time.Millisecond,
		SessionTimeout: p.Session, RebalanceTimeout: p.Rebalance, Lease: p.Lease, CommitInterval: p.Commits,
		Log: log,
	}, consumer.On(p.Topic, a.handle))
	if err != nil {
		return err
	}
	err = c.Run(ctx)
	log.Info("the end", "stats", c.Stats(), "err", err)
	return err
}

// openRegistry returns a client and what closes its connections.
func openRegistry(r troupe.Registry) (schema.Registry, func(), error) {
	transport := &http.Transport{TLSClientConfig: r.TLS}
	c, err := schema.NewClient(r, schema.ClientConfig{Transport: transport})
	return c, transport.CloseIdleConnections, err
}

// actor handles events and writes what it does into its ledger.
type actor struct {
	part
	ledger *ledger
	events sync.Map // dedupe.Key: eventID
}

var errNotYet = errors.New("not yet")

func (a *actor) handle(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
	id, err := parseEventID(ev.ID)
	if err != nil {
		return consumer.Permanent(err)
	}
	a.events.Store(dedupe.KeyOf(ev.Source, ev.ID), id)
	a.ledger.write('S', id)
	failsOnce := id.n%30 == 0
	if ev.Attempt > 2 || ev.Attempt == 2 && !failsOnce {
		a.ledger.write('A', id)
	}
	switch {
	case failsOnce && ev.Attempt == 1:
		return errNotYet
	case id.n%20 == 0:
		time.Sleep(a.Slow)
	default:
		time.Sleep(rand.N(a.Quick + 1))
	}
	a.ledger.write('E', id)
	return nil
}

// recorder writes into the ledger what the store has acknowledged.
type recorder struct {
	consumer.Deduper
	actor *actor
}

func (r *recorder) Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error {
	if err := r.Deduper.Done(ctx, group, retention, claims); err != nil {
		return err
	}
	for _, c := range claims {
		if errors.Is(c.Err, dedupe.ErrLeaseLost) {
			continue
		}
		id, ok := r.actor.events.Load(c.Key)
		if !ok {
			return fmt.Errorf("done with %x, which was never handled", c.Key)
		}
		r.actor.ledger.write('D', id.(eventID))
	}
	return nil
}

// plants are bugs, put between the engine and a store that is right: the tests
// that count effects must see each of them.
var plants = map[string]func(consumer.Deduper) consumer.Deduper{
	"":          func(d consumer.Deduper) consumer.Deduper { return d },
	"hasty":     func(d consumer.Deduper) consumer.Deduper { return hasty{d} },
	"forgetful": func(d consumer.Deduper) consumer.Deduper { return forgetful{d} },
	"blind":     func(consumer.Deduper) consumer.Deduper { return consumer.AtLeastOnce },
	"rude":      func(d consumer.Deduper) consumer.Deduper { return rude{d} },
}

// hasty marks events as done before they are handled.
type hasty struct{ consumer.Deduper }

func (h hasty) Claim(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error {
	if err := h.Deduper.Claim(ctx, group, lease, claims); err != nil {
		return err
	}
	var ours []*dedupe.Claim
	for _, c := range claims {
		if c.Outcome == dedupe.Run {
			ours = append(ours, c)
		}
	}
	return h.Deduper.Done(ctx, group, 24*time.Hour, ours)
}

func (h hasty) Release(context.Context, string, []*dedupe.Claim) error { return nil }

// forgetful drops one done in five, and says nothing.
type forgetful struct{ consumer.Deduper }

func (f forgetful) Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error {
	var kept []*dedupe.Claim
	for _, c := range claims {
		if c.Key[0]%5 != 0 {
			kept = append(kept, c)
		}
	}
	return f.Deduper.Done(ctx, group, retention, kept)
}

// rude skips what somebody else holds, as if it were handled.
type rude struct{ consumer.Deduper }

func (r rude) Claim(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error {
	err := r.Deduper.Claim(ctx, group, lease, claims)
	for _, c := range claims {
		if c.Outcome == dedupe.Held {
			c.Outcome = dedupe.Duplicate
		}
	}
	return err
}
