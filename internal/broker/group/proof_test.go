package group

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestMayStart_EndsWithoutProofAndComesBackWithIt(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic := pl.topic(1)
	a := pl.enter("a", unique("group"), []string{topic})
	if a.member.MayStart() {
		t.Error("before the first generation")
	}
	p := a.has(1)[0]
	if !a.member.MayStart() {
		t.Error("work was assigned and may not start")
	}
	a.wire.hang()
	hung := time.Now()
	a.until("it is fenced", func() bool { return a.count(Fenced) == 1 })
	if d, limit := time.Since(hung), min(pl.session(), a.member.cfg.RebalanceTimeout)+500*time.Millisecond; d > limit {
		t.Errorf("fenced only after %v, not %v", d, limit)
	}
	if a.member.MayStart() {
		t.Error("fenced, and may start")
	}
	if w := a.stage.at(p).get(); w.paused || w.stopped {
		t.Errorf("the fence is no revocation: %+v", w)
	}
	a.wire.resume()
	a.until("it may start again", func() bool { return a.member.MayStart() && a.count(Unfenced) == 2 })
}

func TestMayStart_OutlivesConnectionsThatHang(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic := pl.topic(1)
	a := pl.enter("a", unique("group"), []string{topic}, func(c *Config) { c.SessionTimeout, c.RebalanceTimeout = 6*time.Second, 3*time.Second })
	a.has(1)
	a.until("it is proved", func() bool { return a.count(Unfenced) == 1 })
	a.wire.freeze()
	frozen := time.Now()
	a.until("its proof would be over", func() bool { return time.Since(frozen) > 3500*time.Millisecond })
	if n := a.count(Fenced); n != 0 || !a.member.MayStart() {
		t.Errorf("fenced %d times: %v", n, a.history())
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
