package group

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-go/troupe/internal/broker"
)

func TestMayStart_EndsWithoutProofAndComesBackWithIt(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic := pl.topic(1)
	a := pl.enter("a", unique("group"), []string{topic}, func(c *Config) { c.RebalanceTimeout = time.Second })
	p := a.has(1)[0]
	a.until("work that was assigned may start", a.member.MayStart)
	a.wire.hang()
	hung, before := time.Now(), a.count(Fenced)
	a.until("it is fenced", func() bool { return a.count(Fenced) > before && !a.member.MayStart() })
	if d, limit := time.Since(hung), 8*time.Second; d > limit { // long before anything that hangs is an error
		t.Errorf("fenced only after %v, not %v", d, limit)
	}
	if a.member.MayStart() {
		t.Error("fenced, and may start")
	}
	if w := a.stage.at(p).get(); w.paused || w.stopped {
		t.Errorf("the fence is no revocation: %+v", w)
	}
	a.wire.mend()
	a.until("it may start again", a.member.MayStart)
}

func TestMayStart_OutlivesConnectionsThatHang(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	pl.patience.leave = time.Second // kafka-go's connections hang for good
	topic := pl.topic(1)
	a := pl.enter("a", unique("group"), []string{topic})
	a.has(1)
	a.until("it is proved", a.member.MayStart)
	a.wire.freeze()
	frozen, before := time.Now(), a.count(Fenced)
	a.until("its proof would be over", func() bool { return time.Since(frozen) > a.member.proof.holds+500*time.Millisecond })
	if n := a.count(Fenced) - before; n != 0 || !a.member.MayStart() {
		t.Errorf("fenced %d times: %v", n, a.history())
	}
}

func TestMayStart_IsFalseBeforeTheFirstGeneration(t *testing.T) {
	m, err := New(Config{Client: &broker.Client{}, Group: "g", Topics: []string{"t"}, Engine: &stage{}})
	if err != nil {
		t.Fatal(err)
	}
	if m.MayStart() {
		t.Error("it may start handlers and is in no group")
	}
}

func BenchmarkMayStart(b *testing.B) {
	m := &Member{proof: newProof(10*time.Second, 5*time.Second)}
	m.proof.extend(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		m.MayStart()
	}
}

func TestProof_StoppedProcessStartsNothingUntilItIsProvedAgain(t *testing.T) {
	p := newProof(10*time.Second, 5*time.Second)
	asked := time.Now()
	p.extend(asked)
	if !p.valid() {
		t.Fatal("proved, and not valid")
	}
	stop := func(clock *atomic.Int64, d time.Duration) { clock.Add(-int64(d)) }

	stop(&p.pulsed, 3*time.Second)
	if p.valid() {
		t.Error("valid right after the process was stopped, before it has noticed")
	}
	p.pulse()
	if p.valid() || p.reason() != errStopped {
		t.Errorf("valid after the process has noticed, or not for that reason: %v", p.reason())
	}
	p.extend(asked)
	if p.valid() {
		t.Error("a proof from before the stop counts")
	}
	p.extend(time.Now())
	if !p.valid() {
		t.Error("a proof from after the stop does not count")
	}

	stop(&p.pulsedWall, 3*time.Second) // the machine slept: its monotonic clock stood still
	if p.valid() {
		t.Error("valid after the machine slept")
	}
	p.pulse()
	p.extend(time.Now())
	stop(&p.pulsed, time.Second)
	if !p.valid() {
		t.Error("a short stop is harmless")
	}
}
