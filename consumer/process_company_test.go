package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// patience is how long what must happen may take on a busy machine.
const patience = time.Minute

// company is a group of member processes on a topic that is published to all
// the time, and what happens to them.
type company struct {
	*troupetest.Services
	t          *testing.T
	part       part
	partitions int
	dir        string
	environ    []string // leads members to the services
	registry   schema.Registry
	client     *broker.Client // to look at offsets
	producer   *producer.Producer
	members    []*member

	published atomic.Int64
	perKey    map[string]int // read it after stopPublishing
	publishes context.CancelFunc
	watches   context.CancelFunc
	loops     sync.WaitGroup
	publisher sync.WaitGroup
	backwards []string // committed offsets that went backwards
}

// member is one process.
type member struct {
	*witness
	part
	cmd    *exec.Cmd // nil for one that is hosted
	stop   func()
	done   chan struct{}
	termed int64 // when SIGTERM was sent, in Unix nanoseconds
	frozen bool
}

func newCompany(t *testing.T, partitions int, p part) *company {
	t.Helper()
	c := &company{Services: troupetest.New(t), t: t, part: p, partitions: partitions, dir: t.TempDir(), perKey: map[string]int{}}
	c.allowShortSessions()
	c.part.Topic, c.part.Group = c.Topic(t, partitions), c.Group(t)
	registry, hangUp, err := openRegistry(c.Registry)
	must(t, err)
	t.Cleanup(hangUp)
	c.client, err = broker.New(c.Kafka, logTo(t))
	must(t, err)
	t.Cleanup(func() { c.client.Close() })
	must(t, c.CreateTopic(t.Context(), "dlq."+c.part.Group, 1, nil))
	c.registry, c.environ = registry, c.Environ()
	c.produceThrough(c.Kafka)
	t.Cleanup(c.showLogs)
	return c
}

// produceThrough makes the producer of what is published from now on.
func (c *company) produceThrough(k troupe.Kafka) {
	c.t.Helper()
	p, err := producer.New(producer.Config{Kafka: k, Registry: c.registry, Source: "company", AutoRegister: true, Log: logTo(c.t)})
	must(c.t, err)
	c.t.Cleanup(func() { p.Close() })
	must(c.t, p.Prepare(c.t.Context(), c.part.Topic, placed("")))
	c.producer = p
}

// allowShortSessions lets the embedded broker accept sessions below 6 s.
func (c *company) allowShortSessions() {
	c.t.Helper()
	value := "100"
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
		ResourceType: kmsg.ConfigResourceTypeBroker,
		Configs:      []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "group.min.session.timeout.ms", Value: &value}},
	}}
	c.embedded(func(cl *kgo.Client) {
		resp, err := req.RequestWith(c.t.Context(), cl)
		must(c.t, err)
		if code := resp.Resources[0].ErrorCode; code != 0 {
			c.t.Fatalf("allow short sessions: error %d", code)
		}
	})
}

// settle waits, on the embedded broker, until no round is under way: a member
// whose connection breaks while it waits in a JoinGroup stays in that broker's
// group until the next round, with partitions that nobody works on. Kafka expels it.
func (c *company) settle() {
	c.t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{c.part.Group}
	c.embedded(func(cl *kgo.Client) {
		await(c.t, "a stable group", func() bool {
			resp, err := req.RequestWith(c.t.Context(), cl)
			must(c.t, err)
			return resp.Groups[0].State == "Stable"
		})
	})
}

// embedded calls do if the broker is embedded.
func (c *company) embedded(do func(*kgo.Client)) {
	c.t.Helper()
	if embedded, _, _ := c.Embedded(); !embedded {
		return
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Kafka.Brokers...))
	must(c.t, err)
	defer cl.Close()
	do(cl)
}

// publish appends perSecond events to random keys until stopPublishing, and
// begins to watch the committed offsets.
func (c *company) publish(keys, perSecond int) {
	ctx, cancel := context.WithCancel(context.Background())
	c.publishes = cancel
	c.publisher.Go(func() {
		start := time.Now()
		for n := 0; ctx.Err() == nil; {
			for due := int(time.Since(start).Seconds() * float64(perSecond)); n < due; n++ {
				c.publishOne(keys)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	watching, stop := context.WithCancel(context.Background())
	c.watches = stop
	c.loops.Go(func() { c.watchOffsets(watching) })
	c.t.Cleanup(func() {
		cancel()
		stop()
		c.publisher.Wait()
		c.loops.Wait()
	})
}

func (c *company) publishOne(keys int) {
	id := eventID{key: fmt.Sprint("k-", rand.IntN(keys))}
	c.perKey[id.key]++
	id.n = c.perKey[id.key]
	err := c.producer.PublishAsync(context.Background(), c.part.Topic, id.key, placed(id.String()), func(_ event.Meta, err error) {
		if err != nil {
			c.t.Errorf("publish %s: %v", id, err)
		}
		c.published.Add(1)
	}, producer.WithID(id.String()))
	if err != nil {
		c.t.Errorf("publish %s: %v", id, err)
	}
}

func (c *company) stopPublishing() {
	c.t.Helper()
	c.publishes()
	c.publisher.Wait()
	must(c.t, c.producer.Flush(c.t.Context()))
}

// whilePublishing returns when n more events were published.
func (c *company) whilePublishing(n int) {
	c.t.Helper()
	until := c.published.Load() + int64(n)
	await(c.t, "events to be published", func() bool { return c.published.Load() >= until })
}

// await is troupetest.Await with more patience.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// watchOffsets looks all the time whether a committed offset goes backwards.
func (c *company) watchOffsets(ctx context.Context) {
	last := slices.Repeat([]int64{-1}, c.partitions)
	for wait := time.NewTicker(25 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		now, err := c.client.Committed(ctx, c.part.Group, c.part.Topic)
		if err != nil {
			continue // asked again
		}
		for p, offset := range now {
			if offset < last[p] {
				c.backwards = append(c.backwards, fmt.Sprintf("partition %d from %d to %d", p, last[p], offset))
			}
			last[p] = offset
		}
	}
}

// cast adds a member that is not started yet.
func (c *company) cast() *member {
	m := &member{part: c.part, done: make(chan struct{})}
	m.Name = fmt.Sprintf("m%d", len(c.members)+1)
	m.witness = &witness{name: m.Name}
	m.Ledger, m.Log = filepath.Join(c.dir, m.Name+".ledger"), filepath.Join(c.dir, m.Name+".log")
	c.members = append(c.members, m)
	return m
}

// host starts a member inside this process; its connections are settings, and
// tamper wraps its store. It can leave, and nothing else.
func (c *company) host(settings troupe.Settings, tamper func(consumer.Deduper) consumer.Deduper) *member {
	m := c.cast()
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	go func() {
		defer close(m.done)
		if err := m.play(ctx, settings, tamper); err != nil {
			c.t.Errorf("%s: %v", m.Name, err)
		}
	}()
	c.t.Cleanup(func() {
		cancel()
		<-m.done
	})
	return m
}

// enter starts a member as a process.
func (c *company) enter() *member {
	c.t.Helper()
	m := c.cast()
	text, err := json.Marshal(m.part)
	must(c.t, err)
	m.cmd = exec.Command(os.Args[0])
	m.cmd.Env = append(append(os.Environ(), c.environ...), partEnv+"="+string(text))
	var stderr bytes.Buffer
	m.cmd.Stderr = &stderr
	must(c.t, m.cmd.Start())
	m.stop = func() { _ = m.cmd.Process.Signal(syscall.SIGTERM) }
	go func() {
		defer close(m.done)
		if err := m.cmd.Wait(); err != nil && !m.dead.Load() {
			c.t.Errorf("%s: %v\n%s", m.Name, err, stderr.String())
		}
	}()
	c.t.Cleanup(func() {
		if m.alive() {
			m.kill()
			_ = m.cmd.Process.Kill()
		}
		<-m.done
	})
	return m
}

func (m *member) alive() bool {
	select {
	case <-m.done:
		return false
	default:
		return true
	}
}

// working waits until all members that live have had an effect.
func (c *company) working() {
	c.t.Helper()
	for _, m := range c.alive() {
		await(c.t, "the first effect of "+m.Name, func() bool { return len(m.deeds(c.t)) > 0 || !m.alive() })
	}
}

func (c *company) alive() (alive []*member) {
	for _, m := range c.members {
		if m.alive() && !m.frozen {
			alive = append(alive, m)
		}
	}
	return alive
}

// any returns a random member that has a handler running.
func (c *company) any() (one *member) {
	c.t.Helper()
	await(c.t, "a member with a running handler", func() bool {
		alive := c.alive()
		one = alive[rand.IntN(len(alive))]
		return one.running(c.t)
	})
	return one
}

// running reports whether a handler runs.
func (m *member) running(t *testing.T) bool {
	t.Helper()
	open := map[eventID]bool{}
	for _, d := range m.deeds(t) {
		switch d.what {
		case 'S':
			open[d.id] = true
		case 'E':
			delete(open, d.id)
		}
	}
	return len(open) > 0
}

func (m *member) deeds(t *testing.T) []deed {
	t.Helper()
	b, err := os.ReadFile(m.Ledger)
	if os.IsNotExist(err) {
		return nil
	}
	must(t, err)
	return m.read(bytes.NewReader(b))
}

// kill sends SIGKILL.
func (c *company) kill(m *member) {
	c.t.Helper()
	c.settle()
	m.kill()
	_ = m.cmd.Process.Kill()
	<-m.done
}

// freeze sends SIGSTOP, and SIGCONT after d; during is called meanwhile.
func (c *company) freeze(m *member, d time.Duration, during func()) {
	at := time.Now()
	m.frozen = true
	_ = m.cmd.Process.Signal(syscall.SIGSTOP)
	during()
	time.Sleep(time.Until(at.Add(d)))
	m.hurts = append(m.hurts, hurt{at: at.UnixNano(), until: time.Now().UnixNano()})
	_ = m.cmd.Process.Signal(syscall.SIGCONT)
	m.frozen = false
}

// leave sends SIGTERM (or ends the context of one that is hosted) and waits for
// the end; its exit code must be 0.
func (c *company) leave(m *member) {
	c.t.Helper()
	m.termed = time.Now().UnixNano()
	m.stop()
	select {
	case <-m.done:
	case <-time.After(patience):
		c.t.Fatalf("%s does not leave", m.Name)
	}
}

// end waits until everything that was published is committed, ends the members
// that live, and counts.
func (c *company) end() *figures {
	c.t.Helper()
	c.stopPublishing()
	ends, err := c.client.EndOffsets(c.t.Context(), c.part.Topic)
	must(c.t, err)
	var committed []int64
	deadline := time.Now().Add(patience)
	for !caughtUp(committed, ends) {
		if time.Now().After(deadline) {
			c.t.Errorf("committed %v of %v, and no more for %v", committed, ends, patience)
			break
		}
		time.Sleep(25 * time.Millisecond)
		now, err := c.client.Committed(c.t.Context(), c.part.Group, c.part.Topic)
		if err == nil && !slices.Equal(now, committed) { // how long all takes depends on how many slow events one key got
			committed, deadline = now, time.Now().Add(patience)
		}
	}
	c.watches()
	c.loops.Wait()
	for _, m := range c.alive() {
		c.leave(m)
	}
	var deeds []deed
	for _, m := range c.members {
		deeds = append(deeds, m.deeds(c.t)...)
	}
	return judge(maps.Clone(c.perKey), deeds, c.part.Lanes)
}

// caughtUp reports whether each partition is committed to its end; one without
// records needs no commit.
func caughtUp(committed, ends []int64) bool {
	return slices.EqualFunc(committed, ends, func(c, e int64) bool { return c == e || e == 0 })
}

// drained counts the handlers that ran at a SIGTERM and had their effect after it.
func (c *company) drained() (n int) {
	for _, m := range c.members {
		started := map[eventID]int64{}
		for _, d := range m.deeds(c.t) {
			switch {
			case m.termed == 0:
			case d.what == 'S':
				started[d.id] = d.at
			case d.what == 'E' && d.at > m.termed && started[d.id] < m.termed:
				n++
			}
		}
	}
	return n
}

// check fails the test if a guarantee did not hold.
func (c *company) check(f *figures) {
	c.t.Helper()
	letters := len(c.Letters(c.t, c.part.Group))
	c.t.Logf("%s; %d handlers finished after SIGTERM, %d dead letters, %d offsets went backwards", f, c.drained(), letters, len(c.backwards))
	for _, w := range f.wrong {
		c.t.Error(w)
	}
	if !f.fine() || letters != 0 || len(c.backwards) != 0 {
		c.t.Errorf("a guarantee did not hold: %s; %d dead letters; backwards: %v", f, letters, c.backwards)
	}
}

// showLogs shows what the members warned of, when the test has failed.
func (c *company) showLogs() {
	if !c.t.Failed() {
		return
	}
	for _, m := range c.members {
		b, _ := os.ReadFile(m.Log)
		lines := bytes.Split(b, []byte("\n"))
		lines = slices.DeleteFunc(lines, func(l []byte) bool {
			return bytes.Contains(l, []byte("level=DEBUG")) || bytes.Contains(l, []byte(errNotYet.Error()))
		})
		if len(lines) > 60 {
			lines = slices.Concat(lines[:20], lines[len(lines)-40:])
		}
		c.t.Logf("%s:\n%s", m.Name, bytes.Join(lines, []byte("\n")))
	}
}
