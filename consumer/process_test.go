package consumer_test

import (
	"os"
	"testing"
	"time"
)

// The tests in process*_test.go run members of a group as processes of their
// own, do to them what happens to processes, and count effects from what each
// of them wrote down.

// TestRun_ProcessesThatDieFreezeAndLeaveLoseNothingAndRepeatOnlyWhatWasOpen:
// see figures for what is counted.
//
// With TROUPE_LONG=1 ten of a changing cast are killed in 20,000 events.
func TestRun_ProcessesThatDieFreezeAndLeaveLoseNothingAndRepeatOnlyWhatWasOpen(t *testing.T) {
	t.Parallel()
	c := newCompany(t, 6, hurried())
	if os.Getenv("TROUPE_LONG") != "" {
		longLife(c)
		return
	}
	c.enter()
	c.enter()
	c.enter()
	c.publish(60, 300)
	c.working()
	c.kill(c.any())
	c.enter()
	c.whilePublishing(300)
	c.leave(c.any())
	c.enter()
	c.freeze(c.any(), c.part.Session+c.part.Lease+200*time.Millisecond, func() {
		c.working()
		c.kill(c.any())
		c.enter()
		c.whilePublishing(300)
	})
	c.whilePublishing(300)
	c.leave(c.any())
	c.check(c.end())
}

// longLife kills ten members in 20,000 events; now and then one leaves or is
// stopped meanwhile.
func longLife(c *company) {
	const kills, events = 10, 20_000
	for range 3 {
		c.enter()
	}
	c.publish(200, 350)
	c.working()
	for n := range kills {
		c.whilePublishing(events / (kills + 1))
		c.kill(c.any())
		c.enter()
		switch n {
		case 3, 7:
			c.leave(c.any())
			c.enter()
		case 5:
			c.freeze(c.any(), c.part.Session+c.part.Lease+200*time.Millisecond, func() {})
		}
	}
	left := events - int(c.published.Load())
	c.whilePublishing(left)
	c.check(c.end())
}

// TestRun_MembersThatAreToldToLeaveInTheMiddleOfHandlersRepeatNothing restarts
// members one after the other: 8 times, or 50 with TROUPE_LONG=1.
func TestRun_MembersThatAreToldToLeaveInTheMiddleOfHandlersRepeatNothing(t *testing.T) {
	t.Parallel()
	c := newCompany(t, 6, hurried())
	for range 3 {
		c.enter()
	}
	c.publish(60, 300)
	c.working()
	restarts := 8
	if os.Getenv("TROUPE_LONG") != "" {
		restarts = 50
	}
	for range restarts {
		c.leave(c.any())
		c.enter()
		c.whilePublishing(150)
	}
	f := c.end()
	c.check(f)
	if f.effects != f.events {
		t.Errorf("%d effects of %d events", f.effects, f.events)
	}
	if c.drained() == 0 {
		t.Error("no handler was running at any SIGTERM")
	}
}

// TestRun_HandlersSlowerThanTheSessionSurviveRebalances: members come and go
// while some handlers take longer than SessionTimeout and RebalanceTimeout.
func TestRun_HandlersSlowerThanTheSessionSurviveRebalances(t *testing.T) {
	t.Parallel()
	p := hurried()
	p.Slow = max(p.Session, p.Rebalance, p.Lease) + 500*time.Millisecond
	c := newCompany(t, 6, p)
	c.enter()
	c.enter()
	c.publish(15, 120)
	c.working()
	c.whilePublishing(300) // 20 of each key: about now they are slow
	c.enter()
	c.whilePublishing(60)
	c.leave(c.any())
	c.enter()
	c.whilePublishing(100)
	f := c.end()
	c.check(f)
	if f.effects != f.events {
		t.Errorf("%d effects of %d events", f.effects, f.events)
	}
}

// hurried returns a part with the shortest timeouts that the broker takes.
func hurried() part {
	p := part{
		Session: 2 * time.Second, Rebalance: 1500 * time.Millisecond, Lease: 2 * time.Second, Commits: 100 * time.Millisecond,
		Lanes: 16, Quick: 20 * time.Millisecond, Slow: 200 * time.Millisecond,
	}
	if os.Getenv("TROUPE_BROKERS") != "" { // Kafka's group.min.session.timeout.ms
		p.Session = 6 * time.Second
	}
	return p
}
