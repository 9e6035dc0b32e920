package group

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/internal/broker"
)

func TestRun_EndsWorkThatDoesNotDrain(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic}, func(c *Config) { c.DrainTimeout = 200 * time.Millisecond })
	a.has(2)
	stuck, done := a.stage.at(Partition{topic, 0}), a.stage.at(Partition{topic, 1})
	stuck.works(true)
	stuck.handled(3)
	done.handled(8)
	if err := a.exit(); err != nil {
		t.Fatal(err)
	}
	a.sees(Abandoned, stuck.Partition)
	if n := a.count(Abandoned); n != 1 {
		t.Errorf("%d partitions were abandoned", n)
	}
	if w := done.get(); w.pauses != 1 || !w.stopped {
		t.Errorf("what was idle: %+v", w)
	}
	if got := pl.committed(group, topic); !slices.Equal(got, []int64{3, 8}) {
		t.Errorf("committed %v", got)
	}
}

func TestRun_ReturnsWhenTheBrokersAreDown(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*wire){"refusing": (*wire).cut, "silent": (*wire).hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pl := somewhere(t)
			pl.patience.commit, pl.patience.leave = 500*time.Millisecond, 2*time.Second
			topic := pl.topic(2)
			a := pl.enter("a", unique("group"), []string{topic})
			a.has(2)
			fail(a.wire)
			a.stage.each(func(w *part) { w.handled(5) })
			begun := time.Now()
			if err := a.exit(); err != nil {
				t.Error(err)
			}
			if d, limit := time.Since(begun), groupTimeout; d > limit {
				t.Errorf("it took %v, more than %v", d, limit)
			}
			for _, w := range a.stage.parts {
				if !w.get().stopped {
					t.Errorf("the work on %s was not stopped", w.Partition)
				}
			}
		})
	}
}

func TestRun_WaitsForBrokersThatAreDownAtFirst(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic := pl.topic(2)
	w := newWire(t)
	w.cut()
	a := pl.enterBy(w, "a", unique("group"), []string{topic}, func(c *Config) { c.DrainTimeout = time.Second })
	w.refuses(t, 3)
	w.mend()
	a.has(2)
}

func TestRun_IsCalledOnce(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	a := pl.enter("a", unique("group"), []string{pl.topic(1)})
	a.has(1)
	if err := a.member.Run(context.Background()); err == nil {
		t.Error("a second Run works")
	}
}

func TestNew_ReportsEverythingThatIsWrong(t *testing.T) {
	_, err := New(Config{SessionTimeout: time.Second, Heartbeat: time.Second, DrainTimeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"Client", "Group", "Topics", "Engine", "Heartbeat 1s", "DrainTimeout"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in: %v", word, err)
		}
	}
	if _, err := New(Config{Client: &broker.Client{}, Group: "g", Topics: []string{"t", "t"}, Engine: &stage{}}); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
