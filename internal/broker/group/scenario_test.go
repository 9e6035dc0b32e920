package group

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestRun_ProcessesThatJoinLeaveDieAndFreezeNeverOverlapOrLoseOrRewind runs a
// group of real processes on a topic that is written to all the time, and
// judges it by what each of them has done.
//
// With TROUPE_LONG=1 it runs a longer life with the product's timeouts, and
// logs for each step the longest gap between two handlers of a partition, for
// partitions that stay and for those that move.
func TestRun_ProcessesThatJoinLeaveDieAndFreezeNeverOverlapOrLoseOrRewind(t *testing.T) {
	t.Parallel()
	if long() {
		longLife(t)
		return
	}
	if os.Getenv("TROUPE_BROKERS") != "" {
		t.Skip("sessions on a real broker are long: run with TROUPE_LONG=1")
	}
	d := newDrama(t, 6, 15*time.Millisecond, script{
		Session: 2500 * time.Millisecond, Rebalance: 2 * time.Second,
		Handler: 10 * time.Millisecond, Slow: 300 * time.Millisecond, SlowEvery: 100,
	})
	pause := 500 * time.Millisecond
	a := d.enter("a joins", "a", pause)
	b := d.enter("b joins", "b", pause)
	c := d.enter("c joins", "c", pause)
	d.kill("b dies", b, 2500*time.Millisecond+pause)
	d.freeze("c freezes", c, 3*time.Second, pause)
	e := d.enter("e joins", "e", pause)
	d.leave("a leaves", a, pause)
	d.end(c, e)
}

func longLife(t *testing.T) {
	d := newDrama(t, 12, 20*time.Millisecond, script{
		Session: 6 * time.Second, Rebalance: 4 * time.Second,
		Handler: 20 * time.Millisecond, Slow: 1500 * time.Millisecond, SlowEvery: 200,
	})
	pause := 4 * time.Second
	m1 := d.enter("m1 joins (empty group)", "m1", pause)
	m2 := d.enter("m2 joins", "m2", pause)
	m3 := d.enter("m3 joins", "m3", pause)
	d.leave("m2 leaves", m2, pause)
	m4 := d.enter("m4 joins", "m4", pause)
	d.kill("m3 SIGKILL", m3, 6*time.Second+pause)
	m5 := d.enter("m5 joins", "m5", pause)
	d.leave("rolling: m1 leaves", m1, pause)
	r1 := d.enter("rolling: r1 joins", "r1", pause)
	d.leave("rolling: m4 leaves", m4, pause)
	r4 := d.enter("rolling: r4 joins", "r4", pause)
	d.freeze("m5 SIGSTOP 9 s", m5, 9*time.Second, pause)
	d.step("calm")
	time.Sleep(pause)
	d.end(r1, r4, m5)
}

// drama is a group of processes, and what happens to them.
type drama struct {
	*place
	script
	dir        string
	partitions int
	actors     []*process
	steps      []step

	producing context.CancelFunc
	stopped   sync.WaitGroup
	watching  context.CancelFunc
	watched   sync.WaitGroup
	rewinds   []string
	// halted: this process, which has the embedded broker, did not run in time.
	halted atomic.Bool
}

type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	// hurt: it was killed or frozen, or the machine was too busy to let it run
	// in time; what it repeats is forgiven.
	hurt bool
	// killed is when, in Unix nanoseconds.
	killed atomic.Int64
	done   chan struct{}
}

type step struct {
	at   int64
	what string
}

func newDrama(t *testing.T, partitions int, every time.Duration, s script) *drama {
	d := &drama{place: somewhere(t), script: s, dir: t.TempDir(), partitions: partitions}
	d.Brokers, d.Group, d.Topic = d.brokers, unique("drama"), d.topic(partitions)
	d.produceEvery(every)
	d.watch()
	return d
}

// produceEvery appends a record to each partition at that interval.
func (d *drama) produceEvery(every time.Duration) {
	var ctx context.Context
	ctx, d.producing = context.WithCancel(context.Background())
	for p := range d.partitions {
		d.stopped.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					_ = d.append(d.Topic, p, 1) // some are lost while the broker is busy
				}
			}
		})
	}
	d.t.Cleanup(d.stopped.Wait)
	d.t.Cleanup(d.producing)
}

// watch looks all the time whether a committed offset goes backwards, and
// whether this process runs in time.
func (d *drama) watch() {
	var ctx context.Context
	ctx, d.watching = context.WithCancel(context.Background())
	d.watched.Go(func() {
		watchHalts(ctx, func(time.Duration) { d.halted.Store(d.fake != nil) })
	})
	d.watched.Go(func() {
		last := make([]int64, d.partitions)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(25 * time.Millisecond):
			}
			now, err := d.client.Committed(ctx, d.Group, d.Topic)
			if err != nil {
				continue
			}
			for p, offset := range now {
				if offset < last[p] && last[p] > 0 {
					d.rewinds = append(d.rewinds, fmt.Sprintf("%d: %d -> %d", p, last[p], offset))
				}
				last[p] = offset
			}
		}
	})
	d.t.Cleanup(d.watched.Wait)
	d.t.Cleanup(d.watching)
}

func (d *drama) step(what string) {
	d.steps = append(d.steps, step{time.Now().UnixNano(), what})
}

func (d *drama) enter(what, name string, pause time.Duration) *process {
	d.t.Helper()
	d.step(what)
	s := d.script
	s.Name, s.Log = name, filepath.Join(d.dir, name+".log")
	text, err := json.Marshal(s)
	if err != nil {
		d.t.Fatal(err)
	}
	p := &process{name: name, log: s.Log, done: make(chan struct{}), cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), playEnv+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		if err := p.cmd.Wait(); err != nil && p.killed.Load() == 0 {
			d.t.Errorf("%s: %v", name, err)
		}
	}()
	d.t.Cleanup(func() {
		select {
		case <-p.done:
		default:
			p.killed.Store(time.Now().UnixNano())
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	})
	d.actors = append(d.actors, p)
	time.Sleep(pause)
	return p
}

func (d *drama) leave(what string, p *process, pause time.Duration) {
	d.t.Helper()
	d.step(what)
	d.term(p)
	time.Sleep(pause)
}

func (d *drama) term(p *process) {
	d.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patient):
		d.t.Fatalf("%s does not leave", p.name)
	}
}

func (d *drama) kill(what string, p *process, pause time.Duration) {
	d.step(what)
	p.hurt = true
	p.killed.Store(time.Now().UnixNano())
	_ = p.cmd.Process.Kill()
	<-p.done
	time.Sleep(pause)
}

func (d *drama) freeze(what string, p *process, ice, pause time.Duration) {
	d.step(what)
	p.hurt = true
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(ice)
	d.step(p.name + " thaws")
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	time.Sleep(pause)
}

// end lets everything be handled and committed, ends the rest, and judges.
func (d *drama) end(rest ...*process) {
	d.t.Helper()
	d.producing()
	d.stopped.Wait()
	d.step("producing stops")
	ends, err := d.client.EndOffsets(d.ctx(), d.Topic)
	if err != nil {
		d.t.Fatal(err)
	}
	deadline := time.Now().Add(patient)
	for !slices.Equal(d.committed(d.Group, d.Topic), ends) {
		if time.Now().After(deadline) {
			d.t.Fatalf("committed %v of %v", d.committed(d.Group, d.Topic), ends)
		}
		time.Sleep(25 * time.Millisecond)
	}
	d.watching()
	d.watched.Wait()
	for _, p := range rest {
		d.term(p)
	}
	d.judge(ends)
}

// span is how long a process had a partition.
type span struct {
	by       *process
	from, to int64
	lost     bool
}

// record is what all processes did with one partition.
type record struct {
	spans  []span
	starts []start
	// ended has each offset's successes.
	ended map[int64][]*process
}

type start struct {
	at     int64
	by     *process
	offset int64
}

// read reads the logs: by partition, and the times at which generations began.
func (d *drama) read() (map[int]*record, map[string]int64) {
	records := make(map[int]*record)
	generations := make(map[string]int64)
	for p := range d.partitions {
		records[p] = &record{ended: make(map[int64][]*process)}
	}
	for _, a := range d.actors {
		f, err := os.Open(a.log)
		if err != nil {
			d.t.Fatal(err)
		}
		open := make(map[int]int64)
		last := int64(0)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var at, offset int64
			var kind, rest string
			var p int
			if n, _ := fmt.Sscan(lines.Text(), &at, &kind, &p); n < 3 {
				continue // the last words of one that was killed
			}
			last = at
			if words := strings.Fields(lines.Text()); len(words) > 3 {
				rest = words[3]
			}
			offset, _ = strconv.ParseInt(rest, 10, 64)
			r := records[p]
			switch kind {
			case "H":
				a.hurt = true
			case "J":
				g := strconv.Itoa(p)
				if first, ok := generations[g]; !ok || at < first {
					generations[g] = at
				}
			case "+":
				open[p] = at
			case "-":
				r.spans = append(r.spans, span{a, open[p], at, rest == "true"})
				delete(open, p)
			case "S":
				r.starts = append(r.starts, start{at, a, offset})
			case "E":
				r.ended[offset] = append(r.ended[offset], a)
			}
		}
		f.Close()
		for p, from := range open { // killed
			to := last
			if at := a.killed.Load(); at != 0 {
				to = at
			}
			records[p].spans = append(records[p].spans, span{a, from, to, false})
		}
	}
	return records, generations
}

func (d *drama) judge(ends []int64) {
	d.t.Helper()
	records, generations := d.read()
	total, missing, repeated, forgiven, overlaps, late := int64(0), 0, 0, 0, 0, 0
	for p := range d.partitions {
		r := records[p]
		slices.SortFunc(r.starts, func(a, b start) int { return int(a.at - b.at) })
		o, l := r.overlaps()
		overlaps, late = overlaps+o, late+l
		total += ends[p]
		for offset := range ends[p] {
			by := r.ended[offset]
			switch {
			case len(by) == 0:
				missing++
			case len(by) > 1 && (d.halted.Load() || slices.ContainsFunc(by, func(a *process) bool { return a.hurt })):
				forgiven += len(by) - 1
			case len(by) > 1:
				repeated += len(by) - 1
			}
		}
	}
	d.t.Logf("%d records: %d missing, %d repeated of killed or frozen members and %d of others; %d overlaps of ownership, %d late starts, %d rewinds; %d generations in %d steps",
		total, missing, forgiven, repeated, overlaps, late, len(d.rewinds), len(generations), len(d.steps))
	if missing > 0 || repeated > 0 || overlaps > 0 || late > 0 || len(d.rewinds) > 0 {
		d.t.Errorf("none of these may be (rewinds: %v)", d.rewinds)
		d.keepLogs()
	}
	if long() {
		d.table(records, generations)
	}
}

// keepLogs prints what the processes said, for the search for a cause.
func (d *drama) keepLogs() {
	for _, a := range d.actors {
		b, _ := os.ReadFile(a.log + ".err")
		d.t.Logf("%s:\n%s", a.name, b)
	}
}

// overlaps counts times when a partition had two owners who both believed it,
// and handlers that an old owner started after the new one had begun.
func (r *record) overlaps() (overlaps, late int) {
	slices.SortFunc(r.spans, func(a, b span) int { return int(a.from - b.from) })
	for i, old := range r.spans {
		for _, young := range r.spans[i+1:] {
			if young.from >= old.to {
				continue
			}
			if !old.lost { // one that was lost only drained
				overlaps++
			}
			for _, s := range r.starts {
				if s.by == old.by && s.at > young.from && s.at < old.to {
					late++
				}
			}
		}
	}
	return overlaps, late
}

// table logs for each step the longest gap between two handlers of a partition,
// for partitions that stay, and the gap at each move.
func (d *drama) table(records map[int]*record, generations map[string]int64) {
	var b strings.Builder
	fmt.Fprintf(&b, "longest gap in handling, ms\n%-26s %6s %22s %30s\n", "step", "rounds", "stays: n median max", "moves: n min median max")
	for i, s := range d.steps {
		to := int64(1<<63 - 1)
		if i+1 < len(d.steps) {
			to = d.steps[i+1].at
		}
		rounds := 0
		for _, at := range generations {
			if at >= s.at && at < to {
				rounds++
			}
		}
		var stays, moves []int64
		for _, p := range slices.Sorted(maps.Keys(records)) {
			stay, moved := records[p].gaps(s.at, to)
			if len(moved) > 0 {
				moves = append(moves, moved...)
			} else if stay > 0 {
				stays = append(stays, stay)
			}
		}
		slices.Sort(stays)
		slices.Sort(moves)
		fmt.Fprintf(&b, "%-26s %6d %8d %6s %6s %8d %6s %6s %6s\n", s.what, rounds,
			len(stays), quantile(stays, 0.5), quantile(stays, 1),
			len(moves), quantile(moves, 0), quantile(moves, 0.5), quantile(moves, 1))
	}
	d.t.Log(b.String())
}

// gaps are the longest gap between starts of one owner, and each at a change of
// owners, that end in a window.
func (r *record) gaps(from, to int64) (stay int64, moves []int64) {
	for i := 1; i < len(r.starts); i++ {
		s, before := r.starts[i], r.starts[i-1]
		if s.at < from || s.at >= to {
			continue
		}
		if s.by == before.by {
			stay = max(stay, s.at-before.at)
		} else {
			moves = append(moves, s.at-before.at)
		}
	}
	return stay, moves
}

func quantile(sorted []int64, q float64) string {
	if len(sorted) == 0 {
		return "-"
	}
	return strconv.FormatInt(sorted[int(q*float64(len(sorted)-1))]/int64(time.Millisecond), 10)
}
