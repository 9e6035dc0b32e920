package dedupetest

import (
	"time"

	"github.com/troupe-go/troupe/dedupe"
)

// brief is a lease that a test waits for in real time, when the store's clock
// can't be moved.
const brief = 60 * time.Millisecond

// pass lets a lease of brief end, on the store's clock.
func (s *suite) pass() {
	if a, ok := s.store.(Advancer); ok {
		a.Advance(brief + time.Millisecond)
	}
}

// awaitRun claims until the answer is not Held any longer, and returns how long
// the store said that it would take at first.
func (s *suite) awaitRun(c *dedupe.Claim) time.Duration {
	s.Helper()
	s.must(s.store.Claim(s.Context(), s.group, lease, []*dedupe.Claim{c}))
	first, deadline := c.Wait, time.Now().Add(5*time.Second)
	for c.Outcome == dedupe.Held {
		if time.Now().After(deadline) {
			s.Fatalf("still held, for %v", c.Wait)
		}
		if a, ok := s.store.(Advancer); ok {
			a.Advance(c.Wait)
		} else {
			time.Sleep(min(c.Wait, time.Second))
		}
		s.must(s.store.Claim(s.Context(), s.group, lease, []*dedupe.Claim{c}))
	}
	if c.Outcome != dedupe.Run {
		s.Fatalf("outcome %v", c.Outcome)
	}
	return first
}

func testLeaseEnds(s *suite) {
	late := s.claim("a")
	s.must(s.store.Claim(s.Context(), s.group, brief, []*dedupe.Claim{late}))
	owner := s.claim("a")
	if wait := s.awaitRun(owner); wait > brief {
		s.Fatalf("Wait was %v with a lease of %v", wait, brief)
	}
	s.done(dedupe.ErrLeaseLost, late)
	s.renew(dedupe.ErrLeaseLost, late)
	s.release(dedupe.ErrLeaseLost, late)
	s.done(nil, owner)
	s.done(nil, late) // the effect ran twice, and there is nothing left to do
	late.Fingerprint++
	s.done(dedupe.ErrLeaseLost, late)
}

func testRenewedLasts(s *suite) {
	c := s.claim("a")
	s.must(s.store.Claim(s.Context(), s.group, brief, []*dedupe.Claim{c}))
	s.must(s.store.Renew(s.Context(), s.group, lease, []*dedupe.Claim{c})) // ErrMarkerLost when this machine was slow
	s.pass()
	other := s.claim("a")
	s.claims(dedupe.Held, other)
	if other.Wait < lease/2 {
		s.Fatalf("Wait is %v after a renewal for %v", other.Wait, lease)
	}
}

func testReclaimRenews(s *suite) {
	c := s.claim("a")
	s.must(s.store.Claim(s.Context(), s.group, brief, []*dedupe.Claim{c}))
	s.claims(dedupe.Run, c)
	s.pass()
	other := s.claim("a")
	s.claims(dedupe.Held, other)
	if other.Wait < lease/2 {
		s.Fatalf("Wait is %v after a claim for %v", other.Wait, lease)
	}
}

func testRetentionEnds(s *suite) {
	done, parked := s.claim("a"), s.claim("b")
	s.claims(dedupe.Run, done, parked)
	s.must(s.store.Done(s.Context(), s.group, brief, []*dedupe.Claim{done}))
	s.must(s.store.Park(s.Context(), s.group, brief, []*dedupe.Claim{parked}))
	s.pass()
	again := []*dedupe.Claim{s.claim("a"), s.claim("b")}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(brief / 4) {
		s.must(s.store.Claim(s.Context(), s.group, lease, again))
		if again[0].Outcome == dedupe.Run && again[1].Outcome == dedupe.Run {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("%v, %v long after the retention", again[0].Outcome, again[1].Outcome)
		}
	}
}
