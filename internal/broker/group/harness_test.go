package group

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
)

func TestMain(m *testing.M) {
	if os.Getenv(playEnv) != "" {
		play()
		return
	}
	// The tests wait much more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// long reports whether the long versions of tests are wanted.
func long() bool { return os.Getenv("TROUPE_LONG") != "" }

// patient is how long a test waits for what must happen.
const patient = time.Minute

// place is where a test runs: kfake, or the brokers of TROUPE_BROKERS.
type place struct {
	t       *testing.T
	brokers []string
	fake    *kfake.Cluster // nil on real brokers
	client  *broker.Client
	// patience is that of the members: the product's, but for work that ignores Stop.
	patience patience
}

func somewhere(t *testing.T) *place {
	t.Helper()
	pl := &place{t: t, patience: patience{stop: 300 * time.Millisecond, commit: 5 * time.Second, leave: 10 * time.Second}}
	if b := os.Getenv("TROUPE_BROKERS"); b != "" {
		pl.brokers = strings.Split(b, ",")
	} else {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(200*time.Millisecond),
			kfake.BrokerConfigs(map[string]string{"auto.create.topics.enable": "false"}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		pl.fake, pl.brokers = fake, fake.ListenAddrs()
	}
	pl.client = pl.newClient(nil)
	return pl
}

// fakeOnly is for tests of faults that only the embedded broker can be told to have.
func fakeOnly(t *testing.T) *place {
	t.Helper()
	pl := somewhere(t)
	if pl.fake == nil {
		t.Skip("needs a fault that only the embedded broker has")
	}
	return pl
}

func (pl *place) newClient(w *wire) *broker.Client {
	pl.t.Helper()
	k := troupe.Kafka{Brokers: pl.brokers}
	if w != nil {
		k.Dial = w.dial
	}
	c, err := broker.New(k, quietLog(pl.t))
	if err != nil {
		pl.t.Fatal(err)
	}
	pl.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			pl.t.Error(err)
		}
	})
	return c
}

// quietLog writes the test's log when it fails.
func quietLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// session is the shortest session timeout that the place allows, about.
func (pl *place) session() time.Duration {
	if pl.fake == nil {
		return 6 * time.Second
	}
	return 2 * time.Second
}

// brief makes a member one of whose absence the group soon knows: one that
// will be cut off. The others are given time, for a busy machine is no fault.
func (pl *place) brief(c *Config) { c.SessionTimeout = pl.session() }

func (pl *place) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	pl.t.Cleanup(cancel)
	return ctx
}

// unique is a name that no other test or run has.
func unique(what string) string {
	return fmt.Sprintf("%s-%d-%d", what, os.Getpid(), time.Now().UnixNano())
}

func (pl *place) topic(partitions int) string {
	pl.t.Helper()
	name := unique("topic")
	pl.createTopic(name, partitions)
	return name
}

func (pl *place) createTopic(name string, partitions int) {
	pl.t.Helper()
	if err := pl.client.CreateTopics(pl.ctx(), broker.NewTopic{Name: name, Partitions: partitions}); err != nil {
		pl.t.Fatal(err)
	}
}

// produce appends n records to a partition. On a real broker a new topic needs
// a moment.
func (pl *place) produce(topic string, partition, n int) {
	pl.t.Helper()
	deadline := time.Now().Add(patient)
	for err := pl.append(topic, partition, n); err != nil; err = pl.append(topic, partition, n) {
		if time.Now().After(deadline) {
			pl.t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (pl *place) append(topic string, partition, n int) error {
	var records []kafka.Record
	for range n {
		records = append(records, kafka.Record{Value: kafka.NewBytes([]byte("x"))})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	res, err := pl.client.API().Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	return err
}

func (pl *place) committed(group, topic string) []int64 {
	pl.t.Helper()
	offsets, err := pl.client.Committed(pl.ctx(), group, topic)
	if err != nil {
		pl.t.Fatal(err)
	}
	return offsets
}

// members are the ids of a group's members, as the coordinator has them.
func (pl *place) members(group string) []string {
	pl.t.Helper()
	res, err := pl.client.API().DescribeGroups(pl.ctx(), &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		pl.t.Fatal(err)
	}
	var ids []string
	for _, m := range res.Groups[0].Members {
		ids = append(ids, m.MemberID)
	}
	return ids
}

// stage is the engine of a test: it records what it is told and does nothing
// by itself.
type stage struct {
	mu    sync.Mutex
	parts []*part
}

// part is one Work.
type part struct {
	stage *stage
	Partition
	from int64

	watermark             int64
	busy                  bool
	paused, stopped, lost bool
	pauses, resumes       int
}

func (s *stage) Assign(p Partition, from int64) Work {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &part{stage: s, Partition: p, from: from, watermark: -1}
	s.parts = append(s.parts, w)
	return w
}

func (w *part) Pause()  { w.set(func() { w.paused = true; w.pauses++ }) }
func (w *part) Resume() { w.set(func() { w.paused = false; w.resumes++ }) }
func (w *part) Stop(lost bool) {
	w.set(func() {
		if w.stopped {
			panic("stopped twice: " + w.String())
		}
		w.stopped, w.lost, w.busy = true, lost, false
	})
}

func (w *part) Position() (int64, bool) {
	w.stage.mu.Lock()
	defer w.stage.mu.Unlock()
	return w.watermark, !w.busy
}

func (w *part) set(f func()) {
	w.stage.mu.Lock()
	defer w.stage.mu.Unlock()
	f()
}

func (w *part) get() part {
	w.stage.mu.Lock()
	defer w.stage.mu.Unlock()
	return part{from: w.from, watermark: w.watermark, busy: w.busy, paused: w.paused, stopped: w.stopped, lost: w.lost, pauses: w.pauses, resumes: w.resumes, Partition: w.Partition}
}

// handled moves the watermark.
func (w *part) handled(upTo int64) { w.set(func() { w.watermark = upTo }) }
func (w *part) works(busy bool)    { w.set(func() { w.busy = busy }) }

// at is the last work on a partition; nil for none.
func (s *stage) at(p Partition) *part {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.parts) - 1; i >= 0; i-- {
		if s.parts[i].Partition == p {
			return s.parts[i]
		}
	}
	return nil
}

// each calls f for all work that was not stopped.
func (s *stage) each(f func(*part)) {
	s.mu.Lock()
	parts := slices.Clone(s.parts)
	s.mu.Unlock()
	for _, w := range parts {
		if !w.get().stopped {
			f(w)
		}
	}
}

// actor is a member under test.
type actor struct {
	t      *testing.T
	name   string
	member *Member
	stage  *stage
	wire   *wire
	leave  context.CancelFunc
	done   chan struct{}
	err    error // of Run, after done

	mu      sync.Mutex
	changes []Change
	changed chan struct{} // closed and replaced at each change
}

// enter starts a member. Its Run ends with the test.
func (pl *place) enter(name, group string, topics []string, adjust ...func(*Config)) *actor {
	pl.t.Helper()
	return pl.enterBy(newWire(pl.t), name, group, topics, adjust...)
}

// enterBy is enter by a wire that is there already.
func (pl *place) enterBy(w *wire, name, group string, topics []string, adjust ...func(*Config)) *actor {
	pl.t.Helper()
	a := &actor{t: pl.t, name: name, stage: &stage{}, wire: w, done: make(chan struct{}), changed: make(chan struct{})}
	cfg := Config{
		Client: pl.newClient(a.wire), Group: group, Topics: topics, Engine: a.stage,
		SessionTimeout: 6 * time.Second, RebalanceTimeout: 5 * time.Second, Heartbeat: 50 * time.Millisecond,
		CommitInterval: 20 * time.Millisecond, DrainTimeout: 20 * time.Second,
		OnChange: a.note, Log: quietLog(pl.t).With("actor", name),
	}
	for _, f := range adjust {
		f(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		pl.t.Fatal(err)
	}
	m.patience = pl.patience
	a.member = m
	ctx, leave := context.WithCancel(context.Background())
	a.leave = leave
	go func() {
		defer close(a.done)
		a.err = m.Run(ctx)
	}()
	pl.t.Cleanup(func() {
		a.stage.each(func(w *part) { w.works(false) })
		a.wire.mend()
		a.exit()
	})
	return a
}

// exit ends Run and waits for it.
func (a *actor) exit() error {
	a.t.Helper()
	a.leave()
	select {
	case <-a.done:
	case <-time.After(patient):
		a.t.Fatalf("%s does not leave", a.name)
	}
	return a.err
}

// die cuts the member's connections: to the group it is dead without a word.
func (a *actor) die() { a.wire.cut() }

func (a *actor) note(c Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = append(a.changes, c)
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *actor) history() []Change {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.changes)
}

// count is how many changes of a kind there were.
func (a *actor) count(k Kind) int {
	n := 0
	for _, c := range a.history() {
		if c.Kind == k {
			n++
		}
	}
	return n
}

// until waits until ok, asked after each change and every few milliseconds.
func (a *actor) until(what string, ok func() bool) {
	a.t.Helper()
	deadline := time.After(patient)
	for {
		a.mu.Lock()
		changed := a.changed
		a.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			a.t.Fatalf("%s: waited in vain until %s; %+v, %v", a.name, what, a.member.State(), a.history())
		}
	}
}

// sees waits for a change, and returns it.
func (a *actor) sees(k Kind, p Partition) Change {
	a.t.Helper()
	var found Change
	a.until(fmt.Sprintf("%s %s", k, p), func() bool {
		for _, c := range a.history() {
			if c.Kind == k && c.Partition == p {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

// has waits until the member has n partitions, all begun.
func (a *actor) has(n int) []Partition {
	a.t.Helper()
	var ps []Partition
	a.until(fmt.Sprintf("it has %d partitions", n), func() bool {
		ps = a.member.Assignment()
		begun := 0
		for _, p := range ps {
			if w := a.stage.at(p); w != nil && !w.get().stopped {
				begun++
			}
		}
		return len(ps) == n && begun == n && len(a.member.State().Partitions) == n
	})
	return ps
}
