package dedupetest

import (
	"crypto/rand"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/dedupe"
)

// testModel runs random batches of a few members against the store and a model
// of it that has nothing but the documented transitions.
func testModel(s *suite) {
	rapid.Check(s.T, func(t *rapid.T) {
		m := &model{suite: s, rt: t, group: "model-" + rand.Text(), entries: map[int]modelEntry{}}
		m.advancer, _ = s.store.(Advancer)
		t.Repeat(map[string]func(*rapid.T){
			"claim":   m.op("claim"),
			"renew":   m.op("renew"),
			"done":    m.op("done"),
			"park":    m.op("park"),
			"release": m.op("release"),
			"":        func(*rapid.T) {},
			"pass":    m.pass,
		})
	})
}

type model struct {
	*suite
	rt       *rapid.T
	group    string
	advancer Advancer
	now      time.Duration
	entries  map[int]modelEntry
}

// modelEntry is a claimed (state L), done (D) or parked (X) event.
type modelEntry struct {
	state       byte
	token       string
	fingerprint uint64
	until       time.Duration
}

// modelClaim is one of four events, of one of three members; a member's claim
// has one of two payloads.
type modelClaim struct {
	event int
	claim *dedupe.Claim
}

func (m *model) batch(t *rapid.T) []modelClaim {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelClaim {
		event, member := rapid.IntRange(0, 3).Draw(t, "event"), rapid.IntRange(0, 2).Draw(t, "member")
		return modelClaim{event, &dedupe.Claim{
			Key:         dedupe.KeyOf("model", fmt.Sprint(event)),
			Fingerprint: uint64(member / 2),
			Token:       fmt.Sprintf("m%d:1:%d", member, event),
		}}
	}), 1, 6).Draw(t, "batch")
}

func (m *model) op(name string) func(*rapid.T) {
	return func(t *rapid.T) {
		batch := m.batch(t)
		ttl := time.Duration(rapid.IntRange(1, 3).Draw(t, "minutes")) * time.Minute
		claims := make([]*dedupe.Claim, len(batch))
		for i, b := range batch {
			claims[i] = b.claim
		}
		var err error
		ctx := m.Context()
		switch name {
		case "claim":
			err = m.store.Claim(ctx, m.group, ttl, claims)
		case "renew":
			err = m.store.Renew(ctx, m.group, ttl, claims)
		case "done":
			err = m.store.Done(ctx, m.group, ttl, claims)
		case "park":
			err = m.store.Park(ctx, m.group, ttl, claims)
		case "release":
			err = m.store.Release(ctx, m.group, claims)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range batch {
			outcome, fault := m.step(name, b, ttl)
			if b.claim.Outcome != outcome || b.claim.Err != fault {
				t.Fatalf("%s %d of the batch, event %d, token %s: %v, %v; the model says %v, %v",
					name, i, b.event, b.claim.Token, b.claim.Outcome, b.claim.Err, outcome, fault)
			}
			if left := m.entries[b.event].until - m.now; outcome == dedupe.Held && (b.claim.Wait <= 0 || b.claim.Wait > left) {
				t.Fatalf("event %d: Wait is %v, the lease has %v left", b.event, b.claim.Wait, left)
			}
		}
	}
}

// pass lets time go by, where the store's clock can be moved.
func (m *model) pass(t *rapid.T) {
	if m.advancer == nil {
		return
	}
	d := time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second
	m.advancer.Advance(d)
	m.now += d
}

// step is what one claim should find and leave.
func (m *model) step(name string, b modelClaim, ttl time.Duration) (dedupe.Outcome, error) {
	e, c := m.entries[b.event], b.claim
	if e.until <= m.now {
		e = modelEntry{}
		delete(m.entries, b.event)
	}
	own := e.state == 'L' && e.token == c.Token
	set := func(state byte) { m.entries[b.event] = modelEntry{state, c.Token, c.Fingerprint, m.now + ttl} }
	switch name {
	case "claim":
		switch {
		case own || e.state == 0:
			set('L')
			return dedupe.Run, nil
		case e.state == 'L':
			return dedupe.Held, nil
		case e.fingerprint != c.Fingerprint:
			return dedupe.Reused, nil
		case e.state == 'D':
			return dedupe.Duplicate, nil
		}
		return dedupe.Parked, nil
	case "release":
		if own {
			delete(m.entries, b.event)
			return 0, nil
		}
		if e.state != 0 {
			return 0, dedupe.ErrLeaseLost
		}
		return 0, nil
	}
	to := map[string]byte{"renew": 'L', "done": 'D', "park": 'X'}[name]
	switch {
	case own:
		set(to)
		return 0, nil
	case e.state == 0:
		set(to)
		return 0, dedupe.ErrMarkerLost
	case to != 'L' && e.state == to && e.fingerprint == c.Fingerprint:
		return 0, nil
	}
	return 0, dedupe.ErrLeaseLost
}
