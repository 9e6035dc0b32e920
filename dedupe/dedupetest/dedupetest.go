// Package dedupetest holds every dedupe.Store to the same promises.
package dedupetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe/dedupe"
)

// Advancer is what a Store may implement to have a clock of its own: Advance
// moves it forward. Stores without are tested with short leases in real time.
type Advancer interface{ Advance(d time.Duration) }

// Watermarks are what a Store may implement as well; if it does, they are tested.
type Watermarks interface {
	SaveWatermarks(ctx context.Context, group string, marks []dedupe.Watermark) error
	LoadWatermarks(ctx context.Context, group string, marks []dedupe.Watermark) error
}

const (
	lease     = time.Minute
	retention = time.Hour
)

// Run tests that the stores which open returns keep the contract of
// dedupe.Store. A store may be shared by tests and hold other groups' entries:
// each test has a group of its own.
func Run(t *testing.T, open func(t *testing.T) dedupe.Store) {
	t.Helper()
	tests := []struct {
		name string
		test func(*suite)
	}{
		{"CheckAcceptsTheStore", testCheck},
		{"FirstClaimRuns", testFirstClaim},
		{"OwnTokenRunsAgain", testOwnToken},
		{"OthersLeaseHolds", testHeld},
		{"DoneIsDuplicate", testDone},
		{"ParkedIsParked", testPark},
		{"OtherPayloadIsReused", testReused},
		{"ReleasedIsFree", testRelease},
		{"FinishingTwiceIsOnce", testFinishTwice},
		{"FinishingWithoutMarkerIsRecorded", testMarkerLost},
		{"OthersEntriesAreFenced", testFenced},
		{"FinalEntriesAreFenced", testFinalFenced},
		{"LeasesEnd", testLeaseEnds},
		{"RenewedLeasesLast", testRenewedLasts},
		{"ClaimingAgainRenews", testReclaimRenews},
		{"MarkersEnd", testRetentionEnds},
		{"OneOfManyRuns", testConcurrent},
		{"SameKeyTwiceInABatch", testTwiceInBatch},
		{"GroupsAreApart", testGroups},
		{"EmptyBatch", testEmpty},
		{"CancelledContext", testCancelled},
		{"UnusableDurations", testDurations},
		{"WatermarksMoveForward", testWatermarks},
		{"Model", testModel},
		{"BigBatch", testBig}, // last, for a clock that is moved may look at all that it left
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.test(&suite{T: t, store: open(t), group: "suite-" + rand.Text()})
		})
	}
}

type suite struct {
	*testing.T
	store dedupe.Store
	group string
	n     int
}

// claim returns a claim of a key with a token of its own.
func (s *suite) claim(id string) *dedupe.Claim {
	s.n++
	return &dedupe.Claim{
		Key:         dedupe.KeyOf("dedupetest", id),
		Fingerprint: dedupe.FingerprintOf([]byte(id)),
		Token:       fmt.Sprintf("member:1:%d", s.n),
	}
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) claims(want dedupe.Outcome, cs ...*dedupe.Claim) {
	s.Helper()
	s.must(s.store.Claim(s.Context(), s.group, lease, cs))
	for i, c := range cs {
		if c.Outcome != want {
			s.Fatalf("claim %d: %v, want %v", i, c.Outcome, want)
		}
		if (c.Wait > 0) != (want == dedupe.Held) {
			s.Fatalf("claim %d: %v with Wait %v", i, c.Outcome, c.Wait)
		}
	}
}

func (s *suite) errs(want error, cs ...*dedupe.Claim) {
	s.Helper()
	for i, c := range cs {
		if !errors.Is(c.Err, want) {
			s.Fatalf("claim %d: Err is %v, want %v", i, c.Err, want)
		}
	}
}

func (s *suite) done(want error, cs ...*dedupe.Claim) {
	s.Helper()
	s.must(s.store.Done(s.Context(), s.group, retention, cs))
	s.errs(want, cs...)
}

func (s *suite) park(want error, cs ...*dedupe.Claim) {
	s.Helper()
	s.must(s.store.Park(s.Context(), s.group, retention, cs))
	s.errs(want, cs...)
}

func (s *suite) renew(want error, cs ...*dedupe.Claim) {
	s.Helper()
	s.must(s.store.Renew(s.Context(), s.group, lease, cs))
	s.errs(want, cs...)
}

func (s *suite) release(want error, cs ...*dedupe.Claim) {
	s.Helper()
	s.must(s.store.Release(s.Context(), s.group, cs))
	s.errs(want, cs...)
}

func testCheck(s *suite) { s.must(s.store.Check(s.Context())) }

func testFirstClaim(s *suite) {
	s.claims(dedupe.Run, s.claim("a"), s.claim("b"), s.claim("c"))
}

func testOwnToken(s *suite) {
	c := s.claim("a")
	s.claims(dedupe.Run, c)
	s.claims(dedupe.Run, c)
	again := *c
	s.claims(dedupe.Run, &again)
}

func testHeld(s *suite) {
	s.claims(dedupe.Run, s.claim("a"))
	c := s.claim("a")
	s.claims(dedupe.Held, c)
	if c.Wait > lease {
		s.Fatalf("Wait is %v with a lease of %v", c.Wait, lease)
	}
	c.Fingerprint++ // not known before the other is done
	s.claims(dedupe.Held, c)
}

func testDone(s *suite) {
	c := s.claim("a")
	s.claims(dedupe.Run, c)
	s.done(nil, c)
	s.claims(dedupe.Duplicate, s.claim("a"))
	s.claims(dedupe.Duplicate, c)
}

func testPark(s *suite) {
	c := s.claim("a")
	s.claims(dedupe.Run, c)
	s.park(nil, c)
	s.claims(dedupe.Parked, s.claim("a"))
}

func testReused(s *suite) {
	done, parked := s.claim("a"), s.claim("b")
	s.claims(dedupe.Run, done, parked)
	s.done(nil, done)
	s.park(nil, parked)
	otherDone, otherParked := s.claim("a"), s.claim("b")
	otherDone.Fingerprint++
	otherParked.Fingerprint++
	s.claims(dedupe.Reused, otherDone, otherParked)
	s.park(dedupe.ErrLeaseLost, otherDone) // the entry is the other event's
	s.claims(dedupe.Duplicate, s.claim("a"))
	s.claims(dedupe.Parked, s.claim("b"))
}

func testRelease(s *suite) {
	c := s.claim("a")
	s.claims(dedupe.Run, c)
	s.release(nil, c)
	s.release(nil, c)
	s.claims(dedupe.Run, s.claim("a"))
}

func testFinishTwice(s *suite) {
	done, parked := s.claim("a"), s.claim("b")
	s.claims(dedupe.Run, done, parked)
	for range 3 {
		s.done(nil, done)
		s.park(nil, parked)
	}
	s.claims(dedupe.Duplicate, s.claim("a"))
	s.claims(dedupe.Parked, s.claim("b"))
}

func testMarkerLost(s *suite) {
	done, parked, renewed := s.claim("a"), s.claim("b"), s.claim("c")
	s.done(dedupe.ErrMarkerLost, done)
	s.park(dedupe.ErrMarkerLost, parked)
	s.renew(dedupe.ErrMarkerLost, renewed)
	s.claims(dedupe.Duplicate, s.claim("a"))
	s.claims(dedupe.Parked, s.claim("b"))
	s.claims(dedupe.Held, s.claim("c"))
	s.claims(dedupe.Run, renewed)
	s.renew(nil, renewed)
	s.done(nil, renewed)
}

func testFenced(s *suite) {
	owner, stale := s.claim("a"), s.claim("a")
	s.claims(dedupe.Run, owner)
	s.renew(dedupe.ErrLeaseLost, stale)
	s.release(dedupe.ErrLeaseLost, stale)
	s.done(dedupe.ErrLeaseLost, stale)
	s.park(dedupe.ErrLeaseLost, stale)
	s.claims(dedupe.Held, stale) // still the owner's
	s.renew(nil, owner)
	s.done(nil, owner)
}

func testFinalFenced(s *suite) {
	done, parked := s.claim("a"), s.claim("b")
	s.claims(dedupe.Run, done, parked)
	s.done(nil, done)
	s.park(nil, parked)
	s.park(dedupe.ErrLeaseLost, done)
	s.done(dedupe.ErrLeaseLost, parked)
	for _, c := range []*dedupe.Claim{done, parked} {
		s.renew(dedupe.ErrLeaseLost, c)
		s.release(dedupe.ErrLeaseLost, c)
	}
	s.claims(dedupe.Duplicate, s.claim("a"))
	s.claims(dedupe.Parked, s.claim("b"))
}

func testConcurrent(s *suite) {
	const members, events = 16, 50
	runs := make([]int, events)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for m := range members {
		wg.Go(func() {
			cs := make([]*dedupe.Claim, events)
			for i := range cs {
				e := (i + m) % events // everybody in an order of their own
				cs[i] = &dedupe.Claim{Key: dedupe.KeyOf("dedupetest", fmt.Sprint(e)), Token: fmt.Sprintf("m%d:1:%d", m, e)}
			}
			if err := s.store.Claim(s.Context(), s.group, lease, cs); err != nil {
				s.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for i, c := range cs {
				switch c.Outcome {
				case dedupe.Run:
					runs[(i+m)%events]++
				case dedupe.Held:
				default:
					s.Errorf("outcome %v", c.Outcome)
				}
			}
		})
	}
	wg.Wait()
	for e, n := range runs {
		if n != 1 {
			s.Errorf("event %d runs %d times", e, n)
		}
	}
}

func testTwiceInBatch(s *suite) {
	first, second, third := s.claim("a"), s.claim("a"), s.claim("b")
	s.must(s.store.Claim(s.Context(), s.group, lease, []*dedupe.Claim{first, second, third, first}))
	if first.Outcome != dedupe.Run || second.Outcome != dedupe.Held || third.Outcome != dedupe.Run {
		s.Fatalf("%v, %v, %v", first.Outcome, second.Outcome, third.Outcome)
	}
	s.must(s.store.Renew(s.Context(), s.group, lease, []*dedupe.Claim{first, second}))
	s.errs(nil, first)
	s.errs(dedupe.ErrLeaseLost, second)

	gone, gone2 := s.claim("c"), s.claim("c")
	s.must(s.store.Renew(s.Context(), s.group, lease, []*dedupe.Claim{gone, gone2}))
	s.errs(dedupe.ErrMarkerLost, gone)
	s.errs(dedupe.ErrLeaseLost, gone2)
	s.must(s.store.Release(s.Context(), s.group, []*dedupe.Claim{gone, gone2}))
	s.errs(nil, gone, gone2)

	s.must(s.store.Done(s.Context(), s.group, retention, []*dedupe.Claim{first, second}))
	s.errs(nil, first, second) // as if one after the other: the event is done
	s.claims(dedupe.Duplicate, s.claim("a"), s.claim("a"))
}

func testGroups(s *suite) {
	c := s.claim("a")
	s.claims(dedupe.Run, c)
	s.done(nil, c)
	s.group += "/other}{"
	s.claims(dedupe.Run, s.claim("a"))
}

func testEmpty(s *suite) {
	s.claims(dedupe.Run)
	s.done(nil)
	s.park(nil)
	s.renew(nil)
	s.release(nil)
}

func testBig(s *suite) {
	cs := make([]*dedupe.Claim, 10_000)
	for i := range cs {
		cs[i] = s.claim(fmt.Sprint(i))
	}
	s.claims(dedupe.Run, cs...)
	s.renew(nil, cs...)
	s.done(nil, cs[:9_000]...)
	s.release(nil, cs[9_000:]...)
	s.claims(dedupe.Duplicate, cs[:9_000]...)
	s.claims(dedupe.Run, cs[9_000:]...)
}

func testCancelled(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	c := s.claim("a")
	c.Outcome, c.Wait = dedupe.Duplicate, time.Hour // of an earlier call
	if err := s.store.Claim(ctx, s.group, lease, []*dedupe.Claim{c}); !errors.Is(err, context.Canceled) {
		s.Fatalf("Claim: %v", err)
	}
	if c.Outcome != dedupe.Unknown || c.Wait != 0 {
		s.Fatalf("%v, %v after a call that failed", c.Outcome, c.Wait)
	}
	for name, err := range map[string]error{
		"Check":   s.store.Check(ctx),
		"Renew":   s.store.Renew(ctx, s.group, lease, []*dedupe.Claim{c}),
		"Done":    s.store.Done(ctx, s.group, retention, []*dedupe.Claim{c}),
		"Park":    s.store.Park(ctx, s.group, retention, []*dedupe.Claim{c}),
		"Release": s.store.Release(ctx, s.group, []*dedupe.Claim{c}),
	} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s: %v", name, err)
		}
	}
}

func testDurations(s *suite) {
	c := []*dedupe.Claim{s.claim("a")}
	for _, d := range []time.Duration{0, -time.Second} {
		for name, err := range map[string]error{
			"Claim": s.store.Claim(s.Context(), s.group, d, c),
			"Renew": s.store.Renew(s.Context(), s.group, d, c),
			"Done":  s.store.Done(s.Context(), s.group, d, c),
			"Park":  s.store.Park(s.Context(), s.group, d, c),
		} {
			if err == nil {
				s.Errorf("%s took %v", name, d)
			}
		}
	}
	s.claims(dedupe.Run, s.claim("a")) // nothing was written
	s.must(s.store.Claim(s.Context(), s.group, time.Nanosecond, []*dedupe.Claim{s.claim("b")}))
}

func testWatermarks(s *suite) {
	w, ok := s.store.(Watermarks)
	if !ok {
		s.Skip("the store keeps no watermarks")
	}
	load := func(group string) []dedupe.Watermark {
		s.Helper()
		marks := []dedupe.Watermark{{Topic: "orders", Partition: 0}, {Topic: "orders", Partition: 12}, {Topic: "orders-1", Partition: 2}}
		s.must(w.LoadWatermarks(s.Context(), group, marks))
		return marks
	}
	expect := func(group string, offsets ...int64) {
		s.Helper()
		for i, m := range load(group) {
			if m.Offset != offsets[i] {
				s.Fatalf("%s/%d is at %d, want %d", m.Topic, m.Partition, m.Offset, offsets[i])
			}
		}
	}
	save := func(offsets ...int64) {
		s.Helper()
		marks := load(s.group)[:len(offsets)]
		for i := range marks {
			marks[i].Offset = offsets[i]
		}
		s.must(w.SaveWatermarks(s.Context(), s.group, marks))
	}
	const none = dedupe.NoWatermark
	expect(s.group, none, none, none)
	save(0, 999)
	expect(s.group, 0, 999, none)
	save(7, 1000)
	expect(s.group, 7, 1000, none)
	save(3, 999, 1<<53+1)
	expect(s.group, 7, 1000, 1<<53+1)
	save(8, 1000, 1<<53)
	expect(s.group, 8, 1000, 1<<53+1)
	save(1<<63-1, 1001, 1<<53+2)
	expect(s.group, 1<<63-1, 1001, 1<<53+2)
	expect(s.group+"-other", none, none, none)
	if err := w.SaveWatermarks(s.Context(), s.group, []dedupe.Watermark{{Topic: "orders", Offset: -1}}); err == nil {
		s.Fatal("a negative watermark was taken")
	}
	s.must(w.SaveWatermarks(s.Context(), s.group, nil))
	s.must(w.LoadWatermarks(s.Context(), s.group, nil))
}
