package schema

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

// asked is a registry that answers as told.
type asked struct {
	Registry
	times  atomic.Int64
	answer func(ctx context.Context) (*Schema, error)
}

func (r *asked) ByID(ctx context.Context, _ int) (*Schema, error) {
	r.times.Add(1)
	return r.answer(ctx)
}

func stockDecoder(t *testing.T, reg Registry) (*Decoder[shop.StockMoved, *shop.StockMoved], func(context.Context, int) error) {
	t.Helper()
	d, err := NewDecoder[shop.StockMoved](reg, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	data := encoded(t, moved())
	return d, func(ctx context.Context, id int) error {
		var v shop.StockMoved
		return d.Decode(ctx, id, data, &v)
	}
}

func TestDecoder_AsksOnceForEachSchema(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schemaOf(t, moved())
		reg := &asked{answer: func(context.Context) (*Schema, error) {
			time.Sleep(time.Second)
			return s, nil
		}}
		_, decode := stockDecoder(t, reg)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := decode(t.Context(), 1); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		time.Sleep(24 * time.Hour)
		if err := decode(t.Context(), 1); err != nil || reg.times.Load() != 1 {
			t.Errorf("%v, asked %d times", err, reg.times.Load())
		}
		if err := decode(t.Context(), 2); err != nil || reg.times.Load() != 2 {
			t.Errorf("of another id: %v, asked %d times", err, reg.times.Load())
		}
	})
}

func TestDecoder_AsksAgainForWhatWasNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := &asked{answer: func(context.Context) (*Schema, error) { return nil, &NotFoundError{What: "schema 1"} }}
		_, decode := stockDecoder(t, reg)
		var missing *NotFoundError
		for range 3 {
			if err := decode(t.Context(), 1); !errors.As(err, &missing) {
				t.Fatal(err)
			}
			time.Sleep(notFoundFor / 4)
		}
		if reg.times.Load() != 1 {
			t.Errorf("asked %d times at once", reg.times.Load())
		}
		s := schemaOf(t, moved())
		reg.answer = func(context.Context) (*Schema, error) { return s, nil }
		time.Sleep(notFoundFor)
		if err := decode(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}

func TestDecoder_SparesARegistryThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := &asked{answer: func(context.Context) (*Schema, error) { return nil, errors.New("EOF") }}
		d, decode := stockDecoder(t, reg)
		var down *UnavailableError
		for range 100 {
			if err := d.Warm(t.Context(), 1); !errors.As(err, &down) {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := reg.times.Load(); n < 3 || n > 5 {
			t.Errorf("asked %d times in a second", n)
		}
		s := schemaOf(t, moved())
		reg.answer = func(context.Context) (*Schema, error) { return s, nil }
		time.Sleep(time.Second)
		if err := decode(t.Context(), 1); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestDecoder_AHerdAsksARegistryThatIsDownOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schemaOf(t, moved())
		var back atomic.Bool
		reg := &asked{answer: func(context.Context) (*Schema, error) {
			time.Sleep(100 * time.Millisecond)
			if !back.Load() {
				return nil, &UnavailableError{Registry: "r", Err: errors.New("EOF")}
			}
			return s, nil
		}}
		_, decode := stockDecoder(t, reg)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				for decode(t.Context(), 1) != nil {
					time.Sleep(time.Millisecond)
				}
			})
		}
		time.Sleep(10 * time.Second)
		if n := reg.times.Load(); n < 20 || n > 30 { // each takes 100 ms and is believed for 250 ms
			t.Errorf("asked %d times in 10 seconds", n)
		}
		asked := reg.times.Load()
		back.Store(true)
		all.Wait()
		if n := reg.times.Load() - asked; n > 2 {
			t.Errorf("asked %d times when it was back", n)
		}
	})
}

func TestDecoder_OneWhoGivesUpDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schemaOf(t, moved())
		reg := &asked{answer: func(ctx context.Context) (*Schema, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
				return s, nil
			}
		}}
		_, decode := stockDecoder(t, reg)
		hasty, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { first <- decode(hasty, 1) }()
		synctest.Wait()
		impatient, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		second, third := make(chan error, 1), make(chan error, 1)
		go func() { second <- decode(impatient, 1) }()
		go func() { third <- decode(t.Context(), 1) }()
		synctest.Wait()
		var down *UnavailableError
		if err := <-second; !errors.As(err, &down) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits no longer: %v", err)
		}
		cancel()
		if err := <-first; !errors.As(err, &down) || !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
		if err := <-third; err != nil {
			t.Errorf("who went on waiting: %v", err)
		}
	})
}

func TestDecoder_SurvivesARegistryThatPanics(t *testing.T) {
	s := schemaOf(t, moved())
	reg := &asked{answer: func(context.Context) (*Schema, error) { panic("a bug") }}
	_, decode := stockDecoder(t, reg)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is hidden")
			}
		}()
		decode(t.Context(), 1)
	}()
	reg.answer = func(context.Context) (*Schema, error) { return s, nil }
	if err := decode(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestAnswers_RememberABoundedNumberOfFailures(t *testing.T) {
	a := newAnswers(strconv.Itoa, func(context.Context, int) (int, error) { return 0, &NotFoundError{What: "it"} })
	for id := range 10 * maxFailures {
		if _, err := a.get(context.Background(), id); err == nil {
			t.Fatal("found")
		}
	}
	if len(a.failed) > maxFailures {
		t.Errorf("%d failures are remembered", len(a.failed))
	}
}
