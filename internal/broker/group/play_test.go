package group

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	ossignal "os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
)

// playEnv, when set, makes the test binary a member of a group: a process that
// can be stopped and killed. It holds a script.
const playEnv = "TROUPE_GROUP_PLAY"

// script is what such a process does.
type script struct {
	Name, Group, Topic, Log string
	Brokers                 []string
	Session, Rebalance      time.Duration
	// Each handler takes Handler; one in SlowEvery takes Slow.
	Handler, Slow time.Duration
	SlowEvery     int64
}

// player runs a script: an engine with a few handlers per partition that
// writes what it does into a log, one line an event:
//
//	ns + PARTITION FROM   work begins       ns - PARTITION LOST  it has ended
//	ns S PARTITION OFFSET a handler starts  ns E PARTITION OFFSET it has succeeded
//	ns J GENERATION       a generation began
//	ns H MILLISECONDS     the process did not run for so long
type player struct {
	script
	client *broker.Client
	member *Member
	log    *os.File
	works  sync.WaitGroup
}

// play is the main function of such a process.
func play() {
	if err := playScript(os.Getenv(playEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func playScript(text string) error {
	var pl player
	if err := json.Unmarshal([]byte(text), &pl.script); err != nil {
		return err
	}
	ctx, stop := ossignal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var err error
	if pl.log, err = os.OpenFile(pl.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	errs, err := os.OpenFile(pl.Log+".err", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if pl.client, err = broker.New(troupe.Kafka{Brokers: pl.Brokers}, logger); err != nil {
		return err
	}
	pl.member, err = New(Config{
		Client: pl.client, Group: pl.Group, Topics: []string{pl.Topic}, Engine: &pl,
		SessionTimeout: pl.Session, RebalanceTimeout: pl.Rebalance, Log: logger,
		OnChange: func(c Change) {
			if c.Kind == Joined {
				pl.write("J %d", c.Generation)
			}
		},
	})
	if err != nil {
		return err
	}
	watched, stopWatching := context.WithCancel(ctx)
	pl.works.Go(func() {
		watchHalts(watched, func(d time.Duration) { pl.write("H %d", d.Milliseconds()) })
	})
	err = pl.member.Run(ctx)
	stopWatching()
	pl.works.Wait()
	pl.client.Close()
	return err
}

func (pl *player) write(format string, args ...any) { pl.writeAt(time.Now(), format, args...) }

func (pl *player) writeAt(at time.Time, format string, args ...any) {
	line := fmt.Appendf(nil, "%d ", at.UnixNano())
	line = append(fmt.Appendf(line, format, args...), '\n')
	if _, err := pl.log.Write(line); err != nil {
		panic(err)
	}
}

// watchHalts tells of each time that this process did not run for long enough
// to be late for the group, until ctx ends.
func watchHalts(ctx context.Context, tell func(time.Duration)) {
	const late = 400 * time.Millisecond
	tick := time.NewTicker(late / 20)
	defer tick.Stop()
	for last := time.Now(); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		now := time.Now()
		if d := now.Sub(last); d > late {
			tell(d)
		}
		last = now
	}
}

// playing is the player's work on one partition.
type playing struct {
	player *player
	p      Partition
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}

	mu        sync.Mutex
	paused    bool
	resumed   chan struct{} // closed while not paused
	running   int
	watermark int64
	done      map[int64]bool // finished above the watermark
	next      int64
}

func (pl *player) Assign(p Partition, from int64) Work {
	ctx, cancel := context.WithCancel(context.Background())
	w := &playing{player: pl, p: p, ctx: ctx, cancel: cancel, slots: make(chan struct{}, 16), resumed: make(chan struct{}), watermark: from, next: from, done: make(map[int64]bool)}
	close(w.resumed)
	pl.write("+ %d %d", p.ID, from)
	pl.works.Go(w.fetch)
	return w
}

func (w *playing) Pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused, w.resumed = true, make(chan struct{})
}

func (w *playing) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = false
	close(w.resumed)
}

func (w *playing) Position() (int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watermark, w.running == 0
}

func (w *playing) Stop(lost bool) {
	w.cancel()
	w.player.write("- %d %t", w.p.ID, lost)
}

// fetch starts a handler for each record, in order.
func (w *playing) fetch() {
	for w.ctx.Err() == nil {
		res, err := w.player.client.API().Fetch(w.ctx, &kafka.FetchRequest{
			Topic: w.p.Topic, Partition: int(w.p.ID), Offset: w.next, MinBytes: 1, MaxBytes: 16 << 10, MaxWait: 100 * time.Millisecond,
		})
		if err != nil || res.Error != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		for {
			r, err := res.Records.ReadRecord()
			if err != nil {
				break
			}
			if r.Offset >= w.next && !w.handle(r.Offset) {
				return
			}
		}
	}
}

// handle starts a handler when it may; it reports false when the work has ended.
func (w *playing) handle(offset int64) bool {
	select {
	case w.slots <- struct{}{}:
	case <-w.ctx.Done():
		return false
	}
	for {
		w.mu.Lock()
		resumed := w.resumed
		// The moment counts at which the handler was allowed to start: a process
		// that is stopped right behind it can't take it back.
		at := time.Now()
		if w.ctx.Err() == nil && !w.paused && w.player.member.MayStart() {
			w.running++
			w.next = offset + 1
			w.player.writeAt(at, "S %d %d", w.p.ID, offset)
			w.mu.Unlock()
			break
		}
		w.mu.Unlock()
		select {
		case <-w.ctx.Done():
			return false
		case <-resumed:
		}
		select { // fenced, or resumed a moment ago
		case <-w.ctx.Done():
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	w.player.works.Go(func() { w.run(offset) })
	return true
}

func (w *playing) run(offset int64) {
	d := w.player.Handler
	if (offset*7+int64(w.p.ID)*31)%w.player.SlowEvery == 0 {
		d = w.player.Slow
	}
	ok := false
	select {
	case <-time.After(d):
		ok = true
	case <-w.ctx.Done():
	}
	w.mu.Lock()
	if ok {
		w.player.write("E %d %d", w.p.ID, offset)
		w.done[offset] = true
		for w.done[w.watermark] {
			delete(w.done, w.watermark)
			w.watermark++
		}
	}
	w.running--
	w.mu.Unlock()
	<-w.slots
}
