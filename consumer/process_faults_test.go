package consumer_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/troupetest"
)

// absent loses the answer to every fourth call that marks.
type absent struct {
	consumer.Deduper
	link        *troupetest.Link
	replies     int // lost in a row
	claim, done bool
	calls       atomic.Int64
}

func (a *absent) lose(wanted bool) {
	if wanted && a.calls.Add(1)%4 == 0 {
		a.link.LoseReplies(a.replies)
	}
}

func (a *absent) Claim(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error {
	a.lose(a.claim)
	return a.Deduper.Claim(ctx, group, lease, claims)
}

func (a *absent) Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error {
	a.lose(a.done)
	return a.Deduper.Done(ctx, group, retention, claims)
}

// TestRun_RepliesThatRedisLosesSkipNothingAndRepeatNothing: what was claimed or
// marked by a call whose reply is lost must be recognised as one's own. One lost
// reply is asked for again by go-redis, six by the engine.
func TestRun_RepliesThatRedisLosesSkipNothingAndRepeatNothing(t *testing.T) {
	for _, tc := range []struct {
		name        string
		replies     int
		claim, done bool
	}{
		{"of claims, one", 1, true, false},
		{"of claims, six", 6, true, false},
		{"of dones, one", 1, false, true},
		{"of dones, six", 6, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, 4, hurried())
			proxy := c.Proxy(t)
			c.host(proxy.Settings, func(d consumer.Deduper) consumer.Deduper {
				return &absent{Deduper: d, link: proxy.Redis, claim: tc.claim, done: tc.done, replies: tc.replies}
			})
			c.publish(40, 200)
			c.whilePublishing(300)
			f := c.end()
			c.check(f)
			if proxy.Redis.Lost() == 0 {
				t.Error("no reply was lost")
			}
			t.Logf("%d replies of Redis were lost", proxy.Redis.Lost())
		})
	}
}

func right(d consumer.Deduper) consumer.Deduper { return d }

func TestRun_RedisConnectionsThatBreakAllTheTimeLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	c := newCompany(t, 4, hurried())
	proxy := c.Proxy(t)
	c.host(proxy.Settings, right)
	c.host(proxy.Settings, right)
	c.publish(40, 200)
	c.working()
	stop := every(t, 20*time.Millisecond, 100*time.Millisecond, proxy.Redis.Cut)
	c.whilePublishing(500)
	stop()
	c.check(c.end())
}

// TestRun_RedisThatHangsForLongerThanTheLeaseLosesAndRepeatsNothing: while it
// hangs, a member leaves and another one comes.
func TestRun_RedisThatHangsForLongerThanTheLeaseLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	c := newCompany(t, 4, hurried())
	proxy := c.Proxy(t)
	c.host(proxy.Settings, right)
	c.host(proxy.Settings, right)
	c.publish(40, 200)
	c.working()
	proxy.Redis.Hang()
	c.whilePublishing(100)
	c.host(proxy.Settings, right)
	time.Sleep(c.part.Lease + time.Second)
	proxy.Redis.Heal()
	c.whilePublishing(200)
	c.check(c.end())
}

// TestRun_KafkaConnectionsThatBreakAllTheTimeLoseAndRepeatNothing cuts those of
// two members and of the producer for 6 seconds. With TROUPE_LONG=1 it goes on for
// a minute, more slowly. Who joins the group needs one connection until the
// round ends, which explains the stalls.
func TestRun_KafkaConnectionsThatBreakAllTheTimeLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	least, most, cuts, limit := 300*time.Millisecond, 700*time.Millisecond, 6*time.Second, 10*time.Second
	if os.Getenv("TROUPE_LONG") != "" {
		least, most, cuts, limit = 500*time.Millisecond, 1500*time.Millisecond, time.Minute, 30*time.Second
	}
	c := newCompany(t, 6, hurried())
	proxy := c.Proxy(t)
	c.produceThrough(proxy.Settings.Kafka)
	c.host(proxy.Settings, right)
	c.host(proxy.Settings, right)
	c.publish(60, 200)
	c.working()
	stop := every(t, least, most, proxy.Kafka.Cut)
	time.Sleep(cuts)
	n := stop()
	c.host(c.Settings, right) // begins a round: see settle
	f := c.end()
	c.check(f)
	stall := c.longestStall()
	t.Logf("Kafka's connections were cut %d times; the longest time without an effect was %v", n, stall)
	if stall > limit {
		t.Errorf("nothing was handled for %v", stall)
	}
}

// TestRun_ProcessesThatDieWhileConnectionsBreakLoseNothingAndRepeatOnlyWhatWasOpen
// is all of it at once, with replies that Redis loses. Kafka's connections break
// after each death and each leave, and not all the time: a round that waits for a
// dead member takes RebalanceTimeout, and who joins needs one connection for all of it.
func TestRun_ProcessesThatDieWhileConnectionsBreakLoseNothingAndRepeatOnlyWhatWasOpen(t *testing.T) {
	t.Parallel()
	c := newCompany(t, 6, hurried())
	proxy := c.Proxy(t)
	c.environ = proxy.Environ()
	c.produceThrough(proxy.Settings.Kafka)
	c.enter()
	c.enter()
	c.enter()
	c.publish(60, 300)
	c.working()
	stops := []func() int{
		every(t, 100*time.Millisecond, 300*time.Millisecond, proxy.Redis.Cut),
		every(t, 50*time.Millisecond, 200*time.Millisecond, func() { proxy.Redis.LoseReplies(2) }),
	}
	kills := 2
	if os.Getenv("TROUPE_LONG") != "" {
		kills = 10
	}
	for range kills {
		c.kill(c.any())
		c.enter()
		proxy.Kafka.Cut()
		c.whilePublishing(600)
		c.leave(c.any())
		proxy.Kafka.Cut()
		c.enter()
	}
	for _, stop := range stops {
		stop()
	}
	c.enter() // begins a round: see settle
	f := c.end()
	c.check(f)
	t.Logf("the longest time without an effect was %v", c.longestStall())
}

// longestStall is the longest time between two effects of the whole company.
func (c *company) longestStall() (longest time.Duration) {
	var at []int64
	for _, m := range c.members {
		for _, d := range m.deeds(c.t) {
			if d.what == 'E' {
				at = append(at, d.at)
			}
		}
	}
	slices.Sort(at)
	for i := range at[1:] {
		longest = max(longest, time.Duration(at[i+1]-at[i]))
	}
	return longest
}

// every calls do again and again, after pauses between least and most, until
// stop is called, which returns how often it did.
func every(t *testing.T, least, most time.Duration, do func()) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	n := make(chan int, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				n <- i
				return
			case <-time.After(least + rand.N(most-least)):
				do()
			}
		}
	}()
	return func() int {
		cancel()
		return <-n
	}
}
