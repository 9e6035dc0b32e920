package producer_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/internal/sickregistry"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// impatient clients find out soon that nobody answers.
var impatient = schema.ClientConfig{Attempts: 2, Timeout: 100 * time.Millisecond, Patience: 400 * time.Millisecond, Pause: time.Millisecond}

func newClient(t *testing.T, r troupe.Registry, cfg schema.ClientConfig) *schema.Client {
	t.Helper()
	c, err := schema.NewClient(r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Whatever a registry answers instead of an answer: a producer that needs it
// waits, one that knows its schemas goes on.
func TestPublish_ASickRegistryIsWaitedForWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for name, illness := range sickregistry.Illnesses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := s.Topic(t, 1)
			front := sickregistry.New(t, s.Registry.URL)
			p := newProducer(t, s, func(c *producer.Config) { c.Registry = newClient(t, troupe.Registry{URL: front.URL}, impatient) })
			if err := p.Prepare(t.Context(), topic, placed("")); err != nil {
				t.Fatal(err)
			}
			front.Ail(illness)
			asked := front.Requests("")
			if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
				t.Errorf("what is known needs no registry: %v", err)
			}
			if n := front.Requests("") - asked; n != 0 {
				t.Errorf("%d requests for a schema that is known", n)
			}
			cancelled := make(chan error, 1)
			go func() {
				cancelled <- p.Publish(t.Context(), topic, "o-1", &shop.OrderCancelled{OrderID: "o-1"})
			}()
			troupetest.Await(t, "the producer to wait", func() bool { return p.Stats().AwaitingRegistry == 1 && front.Requests("")-asked > 2 })
			front.Heal()
			if err := <-cancelled; err != nil {
				t.Error(err)
			}
			if st := p.Stats(); st.Acknowledged != 2 || st.Failed != 0 || st.AwaitingRegistry != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestPrepare_SaysAfterTheTimeoutWhyTheRegistryDidNotAnswer(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	for name, says := range map[string]string{"401": "401", "500": "50001", "a login page": "root of a schema registry", "hangs": "no answer within"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			front := sickregistry.New(t, s.Registry.URL)
			front.Ail(sickregistry.Illnesses[name])
			p := newProducer(t, s, func(c *producer.Config) {
				c.Registry, c.DeliveryTimeout = newClient(t, troupe.Registry{URL: front.URL}, impatient), time.Second
			})
			err := p.Prepare(t.Context(), topic, placed(""))
			if !errors.As(err, new(*schema.UnavailableError)) || !errors.As(err, new(*producer.SchemaError)) {
				t.Fatalf("got %v", err)
			}
			wantText(t, err, says, front.URL, "shop.orders.OrderPlaced")
		})
	}
}

func TestPublish_ARegistryThatIsKilledInTheMiddleCostsNoEvent(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic, proxy := s.Topic(t, 4), s.Proxy(t)
	p := newProducer(t, s, func(c *producer.Config) { c.Registry = newClient(t, proxy.Settings.Registry, impatient) })
	if err := p.Prepare(t.Context(), topic, placed("")); err != nil {
		t.Fatal(err)
	}
	proxy.Registry.Down()
	var wg sync.WaitGroup
	for i := range 100 { // half of them of a type that nobody has asked for
		wg.Go(func() {
			var r schema.Record = placed("o-1")
			if i%2 == 0 {
				r = &shop.OrderCancelled{OrderID: "o-1"}
			}
			if err := p.Publish(t.Context(), topic, fmt.Sprint("k-", i), r); err != nil {
				t.Error(err)
			}
		})
	}
	troupetest.Await(t, "the known half", func() bool { return p.Stats().Acknowledged == 50 && p.Stats().AwaitingRegistry == 1 })
	proxy.Registry.Heal()
	wg.Wait()
	if n := len(s.Records(t, topic)); n != 100 {
		t.Errorf("%d events in the log, want 100", n)
	}
}

func TestPublish_AHerdAsksForASchemaOnce(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 4)
	front := sickregistry.New(t, s.Registry.URL)
	p := newProducer(t, s, func(c *producer.Config) {
		c.Registry = newClient(t, troupe.Registry{URL: front.URL}, schema.ClientConfig{})
	})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if err := p.Publish(t.Context(), topic, fmt.Sprint("k-", i), placed("o-1")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, request := range []string{"POST /subjects/", "GET /config/" + topic, "GET /subjects/"} {
		if n := front.Requests(request); n != 1 {
			t.Errorf("%d requests %q, want 1", n, request)
		}
	}
}

func TestPrepare_TakesTheLevelOfTheRegistry(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	c := newClient(t, s.Registry, schema.ClientConfig{})
	subject := schema.TopicRecordName(topic, parcelSent)
	p := newProducer(t, s, func(cfg *producer.Config) { cfg.Registry = c })
	if err := p.Prepare(t.Context(), topic, parcels[0]); err != nil {
		t.Fatal(err)
	}
	if err := c.SetLevel(t.Context(), subject, schema.Forward); err != nil {
		t.Fatal(err)
	}
	var refused *producer.HistoryError
	p = newProducer(t, s, func(cfg *producer.Config) { cfg.Registry = c })
	if err := p.Prepare(t.Context(), topic, parcels[3]); !errors.As(err, &refused) || refused.Mode != schema.Forward {
		t.Fatalf("got %v", err)
	}
	if err := c.SetLevel(t.Context(), subject, schema.None); err != nil {
		t.Fatal(err)
	}
	if level, err := c.Level(t.Context(), subject); err != nil || level != schema.None {
		t.Skipf("this registry puts its own level, %s, above a subject's NONE (%v)", level, err)
	}
	p = newProducer(t, s, func(cfg *producer.Config) { cfg.Registry = c })
	if err := p.Prepare(t.Context(), topic, parcels[3]); err != nil {
		t.Fatal(err)
	}
}
