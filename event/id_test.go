package event_test

import (
	"context"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/troupe-go/troupe/event"
)

// handled returns what a handler of that group sees of an event.
func handled(group, source, id string) *event.Cause {
	return event.FromContext(event.NewContext(context.Background(), group, &event.Meta{Source: source, ID: id}))
}

func TestDerivedID_IsTheSameWhenTheHandlerRunsAgain(t *testing.T) {
	run := func() (ids []string) {
		c := handled("stock", "orders", "1")
		for range 3 {
			ids = append(ids, c.DerivedID("stock", "shop.Reserved", "A"), c.DerivedID("stock", "shop.Reserved", "B"), c.DerivedID("mail", "shop.Mail", "A"))
		}
		return ids
	}
	first, second := run(), run()
	if !slices.Equal(first, second) {
		t.Errorf("the second run published other ids:\n%v\n%v", first, second)
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(first)))); n != len(first) {
		t.Errorf("%d events share %d ids", len(first), n)
	}
}

// An id that changes with a release would make a handler that is run again
// after the deployment publish a second time.
func TestDerivedID_StaysTheSameOverReleases(t *testing.T) {
	c := handled("stock", "orders", "01927fba-9a4c-7cc4-9f3e-0d1c2b3a4f5e")
	for i, want := range []string{"8fbcfbee-7f96-817c-bc19-bd31c73f87de", "e8e23274-76ed-8043-a545-351159239ad4"} {
		if got := c.DerivedID("stock", "shop.Reserved", "A-1207"); got != want {
			t.Errorf("event %d has the id %s, it was %s", i, got, want)
		}
	}
}

func TestDerivedID_EveryPartCounts(t *testing.T) {
	seen := map[string]string{}
	for name, id := range map[string]string{
		"plain":         handled("g", "s", "1").DerivedID("t", "T", "k"),
		"group":         handled("g2", "s", "1").DerivedID("t", "T", "k"),
		"parent source": handled("g", "s2", "1").DerivedID("t", "T", "k"),
		"parent id":     handled("g", "s", "2").DerivedID("t", "T", "k"),
		"topic":         handled("g", "s", "1").DerivedID("t2", "T", "k"),
		"type":          handled("g", "s", "1").DerivedID("t", "T2", "k"),
		"key":           handled("g", "s", "1").DerivedID("t", "T", "k2"),
		"no key":        handled("g", "s", "1").DerivedID("t", "T", ""),
		"moved border":  handled("g", "s", "1").DerivedID("tT", "", "k"),
	} {
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s give the same id", name, other)
		}
		seen[id] = name
	}
}

func TestDerivedID_IsAUUIDv8(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	c := handled("g", "s", "1")
	for range 100 {
		if id := c.DerivedID("t", "T", "k"); !form.MatchString(id) {
			t.Errorf("%s is not a UUIDv8", id)
		}
	}
}

func TestDerivedID_ConcurrentEqualsGetTheSameSet(t *testing.T) {
	run := func() []string {
		c := handled("g", "s", "1")
		ids := make([]string, 64)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i] = c.DerivedID("t", "T", "k") })
		}
		wg.Wait()
		slices.Sort(ids)
		return ids
	}
	first, second := run(), run()
	if !slices.Equal(first, second) {
		t.Error("two concurrent runs published different sets of ids")
	}
	if len(slices.Compact(slices.Clone(first))) != len(first) {
		t.Error("an id was given twice")
	}
}

func BenchmarkDerivedID(b *testing.B) {
	m := &event.Meta{Source: "orders", ID: "01927fba-9a4c-7cc4-9f3e-0d1c2b3a4f5e"}
	b.ReportAllocs()
	for b.Loop() {
		event.FromContext(event.NewContext(context.Background(), "stock", m)).DerivedID("stock", "shop.Reserved", "A-1207")
	}
}
