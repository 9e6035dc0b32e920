package producer_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	v1 "github.com/troupe-go/troupe/internal/parcel/v1"
	v2 "github.com/troupe-go/troupe/internal/parcel/v2"
	v3 "github.com/troupe-go/troupe/internal/parcel/v3"
	v4 "github.com/troupe-go/troupe/internal/parcel/v4"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

const parcelSent = "shop.shipping.ParcelSent"

// parcels are the versions of one type; the last breaks all others.
var parcels = []schema.Record{&v1.ParcelSent{}, &v2.ParcelSent{}, &v3.ParcelSent{}, &v4.ParcelSent{}}

func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q: %v", want, err)
		}
	}
}

// levels is a registry that has a compatibility level.
type levels struct {
	schema.Registry
	level schema.Mode
	err   error
}

func (l levels) Level(context.Context, string) (schema.Mode, error) { return l.level, l.err }

// history is a topic whose subject has the versions of records.
func history(t *testing.T, s *troupetest.Services, records ...schema.Record) (topic string, registry *schema.Memory) {
	t.Helper()
	topic, registry = s.Topic(t, 1), schema.NewMemory()
	for _, r := range records {
		if _, err := registry.Register(t.Context(), schema.TopicRecordName(topic, parcelSent), schemaOf(t, r)); err != nil {
			t.Fatal(err)
		}
	}
	return topic, registry
}

func schemaOf(t *testing.T, r schema.Record) *schema.Schema {
	t.Helper()
	sc, err := schema.Of(r)
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

func versions(t *testing.T, reg schema.Registry, topic string) int {
	t.Helper()
	all, err := reg.Versions(t.Context(), schema.TopicRecordName(topic, parcelSent))
	if err != nil && !errors.As(err, new(*schema.NotFoundError)) {
		t.Fatal(err)
	}
	return len(all)
}

func TestPrepare_RegistersASchemaThatTheHistoryAllows(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic, registry := history(t, s, &v1.ParcelSent{})
	for i, r := range []schema.Record{&v1.ParcelSent{}, &v2.ParcelSent{}, &v3.ParcelSent{}, &v2.ParcelSent{}} {
		p := newProducer(t, s, func(c *producer.Config) { c.Registry = registry })
		if err := p.Prepare(t.Context(), topic, r); err != nil {
			t.Fatal(err)
		}
		if want, got := min(i+1, 3), versions(t, registry, topic); got != want {
			t.Errorf("%T: the subject has %d versions, want %d", r, got, want)
		}
	}
}

// The error of a schema that the subject's history does not allow says all that
// is wrong with it and who would notice, and nothing gets into the registry.
func TestPrepare_RefusesASchemaThatTheHistoryDoesNotAllow(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for _, c := range []struct {
		level schema.Mode
		says  []string
		not   []string
	}{
		{schema.Backward,
			[]string{"BACKWARD", "can't read events of version 2 (id 2)"},
			[]string{"version 1", "can't read the new events"}},
		{schema.ForwardTransitive,
			[]string{"FORWARD_TRANSITIVE", "that have version 1 (id 1) can't read the new events", "that have version 2 (id 2) can't read the new events",
				"parcel_id", "carrier", "address.street", "note"},
			[]string{"can't read events of"}},
		{schema.FullTransitive,
			[]string{"can't read events of version 1 (id 1)", "can't read events of version 2 (id 2)", "version 1 (id 1) can't read the new events"}, nil},
	} {
		t.Run(string(c.level), func(t *testing.T) {
			t.Parallel()
			topic, registry := history(t, s, &v1.ParcelSent{}, &v2.ParcelSent{})
			p := newProducer(t, s, func(cfg *producer.Config) { cfg.Registry = levels{Registry: registry, level: c.level} })
			err := p.Prepare(t.Context(), topic, (*v4.ParcelSent)(nil))
			var refused *producer.HistoryError
			if !errors.As(err, &refused) || refused.Mode != c.level || len(refused.Breaks) == 0 {
				t.Fatalf("got %v", err)
			}
			t.Log(err)
			var incompatible *schema.IncompatibleError
			var mismatch *schema.MismatchError
			if !errors.As(err, &incompatible) || !errors.As(err, &mismatch) || !errors.As(err, new(*producer.SchemaError)) {
				t.Errorf("%T does not wrap what it should", err)
			}
			for _, want := range append(c.says, parcelSent, topic+"-"+parcelSent, "new record name") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q: %v", want, err)
				}
			}
			for _, wrong := range c.not {
				if strings.Contains(err.Error(), wrong) {
					t.Errorf("says %q: %v", wrong, err)
				}
			}
			n := 0
			for _, b := range refused.Breaks {
				n += len(b.Mismatch.Violations)
				for _, v := range b.Mismatch.Violations {
					if !strings.Contains(err.Error(), v.String()) {
						t.Errorf("does not say %q", v)
					}
				}
			}
			if n < 3 || len(incompatible.Reasons) != n {
				t.Errorf("%d violations, %d reasons", n, len(incompatible.Reasons))
			}
			if n := versions(t, registry, topic); n != 2 {
				t.Errorf("the subject has %d versions, want the 2 that it had", n)
			}
			if err := p.Publish(t.Context(), topic, "k", &v4.ParcelSent{}); !errors.As(err, &refused) {
				t.Errorf("Publish without a look at Prepare's error: %v", err)
			}
		})
	}
}

func TestPrepare_TakesBackwardWhereTheRegistryCanNotTell(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for name, wrap := range map[string]func(*schema.Memory) schema.Registry{
		"no levels":     func(m *schema.Memory) schema.Registry { return m },
		"level not set": func(m *schema.Memory) schema.Registry { return levels{m, "", &schema.NotFoundError{What: "the level"}} },
	} {
		t.Run(name, func(t *testing.T) {
			topic, registry := history(t, s, &v1.ParcelSent{})
			p := newProducer(t, s, func(c *producer.Config) { c.Registry = wrap(registry) })
			var refused *producer.HistoryError
			if err := p.Prepare(t.Context(), topic, &v4.ParcelSent{}); !errors.As(err, &refused) || refused.Mode != schema.Backward {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestPrepare_NoneRegistersUnchecked(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for name, change := range map[string]func(*producer.Config){
		"in the registry": func(c *producer.Config) { c.Registry = levels{Registry: c.Registry, level: schema.None} },
		"in the config": func(c *producer.Config) {
			c.Registry, c.Compatibility = levels{Registry: c.Registry, level: schema.Full}, "none"
		},
	} {
		t.Run(name, func(t *testing.T) {
			topic, registry := history(t, s, &v1.ParcelSent{})
			p := newProducer(t, s, func(c *producer.Config) { c.Registry = registry; change(c) })
			if err := p.Prepare(t.Context(), topic, &v4.ParcelSent{}); err != nil {
				t.Fatal(err)
			}
			if n := versions(t, registry, topic); n != 2 {
				t.Errorf("%d versions", n)
			}
		})
	}
}

// Somebody got a breaking schema past the registry: a producer of it does not
// start, one of the version before does and says who can't read it.
func TestPrepare_ARegisteredHistoryIsCheckedToo(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for _, auto := range []bool{false, true} {
		topic, registry := history(t, s, &v1.ParcelSent{}, &v4.ParcelSent{})
		var log bytes.Buffer
		p := newProducer(t, s, func(c *producer.Config) {
			c.Registry, c.AutoRegister, c.Log = registry, auto, slog.New(slog.NewTextHandler(&log, nil))
		})
		var refused *producer.HistoryError
		if err := p.Prepare(t.Context(), topic, &v4.ParcelSent{}); !errors.As(err, &refused) || refused.Breaks[0].Version != 1 {
			t.Fatalf("AutoRegister %v: got %v", auto, err)
		}
		if err := p.Prepare(t.Context(), topic, &v1.ParcelSent{}); err != nil {
			t.Fatalf("AutoRegister %v: %v", auto, err)
		}
		p.Close()
		if !strings.Contains(log.String(), "newer=2") {
			t.Errorf("AutoRegister %v: says nothing of version 2:\n%s", auto, &log)
		}
	}
}

func TestPrepare_ALevelThatNobodyKnowsIsNotTakenForCompatible(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic, registry := history(t, s, &v1.ParcelSent{})
	p := newProducer(t, s, func(c *producer.Config) { c.Registry = levels{Registry: registry, level: "SIDEWAYS"} })
	if err := p.Prepare(t.Context(), topic, &v2.ParcelSent{}); err == nil || !strings.Contains(err.Error(), "SIDEWAYS") {
		t.Fatalf("got %v", err)
	}
}
