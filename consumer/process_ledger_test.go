package consumer_test

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// ledger is what a process has done, one line each, written at once, so that a
// SIGKILL takes nothing back:
//
//	S NS KEY N    a handler starts with the n-th event of a key
//	E NS KEY N    it has its effect
//	D NS KEY N    the store has acknowledged that the event is done
//	A NS KEY N    an attempt was charged that had not failed
type ledger struct{ file *os.File }

func openLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return &ledger{f}, err
}

// write panics when it fails: a test can't go on without its evidence.
func (l *ledger) write(what byte, id eventID) {
	if _, err := fmt.Fprintf(l.file, "%c %d %s %d\n", what, time.Now().UnixNano(), id.key, id.n); err != nil {
		panic(err)
	}
}

// eventID names the n-th event of a key, from 1.
type eventID struct {
	key string
	n   int
}

func (id eventID) String() string { return fmt.Sprintf("%s/%d", id.key, id.n) }

func parseEventID(s string) (id eventID, err error) {
	key, n, _ := strings.Cut(s, "/")
	id.key = key
	_, err = fmt.Sscan(n, &id.n)
	return id, err
}

// deed is one line of a ledger.
type deed struct {
	what byte
	at   int64 // ns
	id   eventID
	by   *witness
}

// witness is a process as the judge sees it.
type witness struct {
	name  string
	hurts []hurt
	dead  atomic.Bool // by SIGKILL
}

// hurt is a SIGKILL, or a SIGSTOP (in simulations, being cut off) and when it
// ended, in Unix nanoseconds.
type hurt struct {
	at, until int64
	killed    bool
}

func (w *witness) kill() {
	w.dead.Store(true)
	w.hurts = append(w.hurts, hurt{time.Now().UnixNano(), math.MaxInt64, true})
}

// read reads the lines that were completed.
func (w *witness) read(r io.Reader) (deeds []deed) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		d := deed{by: w}
		if n, _ := fmt.Sscanf(lines.Text(), "%c %d %s %d", &d.what, &d.at, &d.id.key, &d.id.n); n == 4 {
			deeds = append(deeds, d)
		}
	}
	return deeds
}

// figures are what is counted in every run.
type figures struct {
	events, effects int
	// lost events had no effect.
	lost int
	// repeated are effects beyond an event's first that IDEMPOTENCY.md allows:
	// a process was killed or stopped before the event's done was acknowledged.
	repeated int
	// twice are all other effects beyond the first.
	twice int
	// inversions are handlers that started before their key's event before had
	// its effect.
	inversions int
	// charged are calls with a number of attempts that the event did not fail.
	charged int
	// late are handlers that a process started after it had been stopped, for
	// events that another was done with.
	late, lateAllowed int
	// open is the most handlers and unacknowledged dones that a process had when
	// it was hurt, openAll their sum: what bounds repeated.
	open, openAll int
	// wrong tells the first cases.
	wrong []string
}

func (f *figures) String() string {
	return fmt.Sprintf("%d events, %d effects: lost %d, duplicates %d in the window of a death or a stop (%d were open, at most %d at once) and %d others, inversions %d, late starts %d, attempts charged wrongly %d",
		f.events, f.effects, f.lost, f.repeated, f.openAll, f.open, f.twice, f.inversions, f.late, f.charged)
}

func (f *figures) complain(n *int, format string, args ...any) {
	*n++
	if len(f.wrong) < 20 {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

// fine reports whether every guarantee held.
func (f *figures) fine() bool {
	return f.lost == 0 && f.twice == 0 && f.inversions == 0 && f.charged == 0 && f.repeated <= f.openAll && f.late <= f.lateAllowed
}

// judge counts. published says how many events each key has; lanes is how many
// handlers each process runs at once.
func judge(published map[string]int, deeds []deed, lanes int) *figures {
	f := &figures{}
	slices.SortStableFunc(deeds, func(a, b deed) int { return cmp.Compare(a.at, b.at) })
	byEvent := map[eventID][]deed{}
	for _, d := range deeds {
		byEvent[d.id] = append(byEvent[d.id], d)
	}
	for _, key := range slices.Sorted(maps.Keys(published)) {
		before := int64(math.MinInt64) // when the key's event before had its first effect
		for n := 1; n <= published[key]; n++ {
			id := eventID{key, n}
			f.events++
			before = f.event(id, byEvent[id], before)
		}
	}
	for id := range byEvent {
		if id.n < 1 || id.n > published[id.key] {
			f.complain(&f.twice, "%s was handled and never published", id)
		}
	}
	f.countOpen(deeds, lanes)
	return f
}

// event counts one event and returns when its first effect was.
func (f *figures) event(id eventID, deeds []deed, before int64) (first int64) {
	first = math.MaxInt64
	var effects, dones []deed
	for _, d := range deeds {
		switch d.what {
		case 'S':
			if d.at < before {
				f.complain(&f.inversions, "%s started in %s %v before the event in front of it had its effect", id, d.by.name, time.Duration(before-d.at))
			}
			if wasStopped(d) && slices.ContainsFunc(dones, func(o deed) bool { return o.by != d.by }) {
				f.late++
			}
		case 'E':
			effects = append(effects, d)
		case 'D':
			dones = append(dones, d)
		case 'A':
			f.complain(&f.charged, "%s was charged an attempt in %s", id, d.by.name)
		}
	}
	f.effects += len(effects)
	if len(effects) == 0 {
		f.complain(&f.lost, "%s was lost", id)
		return first
	}
	// Each repeat needs a run of its own that ended in a death or a stop.
	forgiven := 0
	for _, e := range effects {
		if inWindow(e, deeds) {
			forgiven++
		}
	}
	for i := range len(effects) - 1 {
		if i < forgiven {
			f.repeated++
			continue
		}
		f.complain(&f.twice, "%s had its effect %d times: %s", id, len(effects), story(deeds))
	}
	return effects[0].at
}

// wasStopped reports whether d came after its process had been stopped.
func wasStopped(d deed) bool {
	return slices.ContainsFunc(d.by.hurts, func(h hurt) bool { return !h.killed && d.at > h.until })
}

// inWindow reports whether an effect's process was killed or stopped between
// the start of the handler and the acknowledgement of its done. A handler that
// starts right after a stop was allowed to before it.
func inWindow(effect deed, deeds []deed) bool {
	start, done := int64(math.MinInt64), int64(math.MaxInt64)
	for _, d := range deeds {
		switch {
		case d.by != effect.by:
		case d.what == 'S' && d.at <= effect.at:
			start = d.at
		case d.what == 'D' && d.at >= effect.at:
			done = min(done, d.at)
		}
	}
	return slices.ContainsFunc(effect.by.hurts, func(h hurt) bool { return h.at <= done && (h.killed || start <= h.until+grace) })
}

// grace is how long after a stop a goroutine needs at most to write down what it
// had decided before.
const grace = int64(100 * time.Millisecond)

// countOpen counts what was under way in each process when it was hurt, or
// began before that ended.
// A worker that was stopped just before it wrote that its handler starts counts
// as open, too.
func (f *figures) countOpen(deeds []deed, lanes int) {
	hurts := map[*witness][]hurt{}
	for _, d := range deeds {
		hurts[d.by] = d.by.hurts
	}
	for w, hs := range hurts {
		for _, h := range hs {
			if !h.killed {
				f.lateAllowed += lanes
				f.openAll += lanes
			}
			open := map[eventID]bool{}
			for _, d := range deeds {
				switch {
				case d.by != w || d.at > h.until:
				case d.what != 'D':
					open[d.id] = true
				case d.at < h.at:
					delete(open, d.id)
				}
			}
			f.open = max(f.open, len(open))
			f.openAll += len(open)
		}
	}
}

func story(deeds []deed) string {
	var b strings.Builder
	for _, d := range deeds {
		fmt.Fprintf(&b, " %s:%c@%d", d.by.name, d.what, d.at/1e6%1e6)
	}
	return b.String()
}
