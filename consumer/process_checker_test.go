package consumer_test

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestJudge_CountsWhatALedgerShows: each ledger is of the key a with two events,
// and of the processes p, which lives, k, which was killed at 100, and f, which
// was stopped from 100 to 200.
func TestJudge_CountsWhatALedgerShows(t *testing.T) {
	for _, tc := range []struct {
		name   string
		ledger string // process, line, time in ms, event
		want   figures
		fine   bool
	}{
		{"all is well", "pS1/1 pE2/1 pD3/1 pS2/2 pE4/2 pD5/2", figures{effects: 2}, true},
		{"an event is lost", "pS1/1 pE2/1 pD3/1 pS3/2", figures{effects: 1, lost: 1}, false},
		{"a retry is no repeat", "pS1/1 pS5/1 pE6/1 pD7/1 pS8/2 pE9/2 pD9/2", figures{effects: 2}, true},
		{"a member repeats for no reason", "pS1/1 pE2/1 pS3/1 pE4/1 pS5/2 pE6/2", figures{effects: 3, twice: 1}, false},
		{"killed before done", "kS90/1 kE95/1 pS150/1 pE160/1 pD161/1 pS165/2 pE166/2", figures{effects: 3, repeated: 1, open: 1, openAll: 1}, true},
		{"killed after done", "kS90/1 kE95/1 kD97/1 pS150/1 pE160/1 pD161/1 pS165/2 pE166/2", figures{effects: 3, twice: 1}, false},
		{"killed once, repeated twice", "kS90/1 kE95/1 pS150/1 pE160/1 pD161/1 pS161/1 pE163/1 pS165/2 pE166/2", figures{effects: 4, repeated: 1, twice: 1, open: 1, openAll: 1}, false},
		{"stopped in the handler", "fS90/1 pS150/1 pE160/1 pD161/1 pS165/2 pE166/2 fE205/1", figures{effects: 3, repeated: 1, open: 1, openAll: 3, lateAllowed: 2}, true},
		{"stopped between effect and done", "fS90/1 fE99/1 pS150/1 pE160/1 pD161/1 fD206/1 pS165/2 pE166/2", figures{effects: 3, repeated: 1, open: 1, openAll: 3, lateAllowed: 2}, true},
		{"started long after the stop", "fS10/1 fE11/1 fD12/1 pS150/2 pE160/2 pD161/2 fS900/2 fE910/2", figures{effects: 3, twice: 1, late: 1, openAll: 2, lateAllowed: 2}, false},
		{"out of order", "pS1/2 pE2/2 pS3/1 pE4/1", figures{effects: 2, inversions: 1}, false},
		{"two of a key at once", "pS1/1 pS2/2 pE3/1 pE4/2", figures{effects: 2, inversions: 1}, false},
		{"repeated and out of order by that", "kS90/1 kE95/1 kS96/2 kE97/2 kD98/2 pS150/1 pE160/1 pD161/1", figures{effects: 3, repeated: 1, open: 1, openAll: 1}, true},
		{"an attempt charged", "pS1/1 pE2/1 pS3/2 pA3/2 pE4/2", figures{effects: 2, charged: 1}, false},
		{"never published", "pS1/1 pE2/1 pS3/2 pE4/2 pS5/3 pE6/3", figures{effects: 2, twice: 1}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := judge(map[string]int{"a": 2}, deedsOf(t, tc.ledger), 2)
			tc.want.events = 2
			if f.String() != tc.want.String() || f.lateAllowed != tc.want.lateAllowed || f.fine() != tc.fine {
				t.Errorf("got  %s, fine: %v\nwant %s, fine: %v\n%v", f, f.fine(), &tc.want, tc.fine, f.wrong)
			}
		})
	}
}

func deedsOf(t *testing.T, text string) (deeds []deed) {
	const ms = int64(time.Millisecond)
	cast := map[string]*witness{
		"p": {name: "p"},
		"k": {name: "k", hurts: []hurt{{at: 100 * ms, until: math.MaxInt64, killed: true}}},
		"f": {name: "f", hurts: []hurt{{at: 100 * ms, until: 200 * ms}}},
	}
	for _, word := range strings.Fields(text) {
		at, n, _ := strings.Cut(word[2:], "/")
		line := word[1:2] + " " + at + "000000 a " + n
		d := cast[word[:1]].read(strings.NewReader(line))
		if len(d) != 1 {
			t.Fatalf("%q is no line of a ledger", line)
		}
		deeds = append(deeds, d...)
	}
	return deeds
}

// TestRun_PlantedBugsAreCaughtByTheCount proves that the count of effects can
// fail: it kills one member of a group whose store has a bug.
func TestRun_PlantedBugsAreCaughtByTheCount(t *testing.T) {
	for plant, caught := range map[string]func(*figures) bool{
		"":          (*figures).fine,
		"hasty":     func(f *figures) bool { return f.lost > 0 },
		"rude":      func(f *figures) bool { return f.lost > 0 },
		"forgetful": func(f *figures) bool { return f.twice > 0 },
		"blind":     func(f *figures) bool { return f.twice > 0 },
	} {
		name := plant
		if name == "" {
			name = "none"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := hurried()
			p.Plant, p.Lease, p.Commits, p.Quick = plant, p.Session+2*time.Second, time.Second, 100*time.Millisecond
			c := newCompany(t, 4, p)
			c.enter()
			c.enter()
			c.publish(40, 200)
			c.working()
			c.whilePublishing(100)
			c.kill(c.any())
			c.whilePublishing(100)
			f := c.end()
			t.Log(f)
			if !caught(f) {
				t.Errorf("the count does not see it: %s", f)
			}
			if plant == "" {
				c.check(f)
			}
		})
	}
}
