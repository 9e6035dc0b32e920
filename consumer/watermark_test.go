package consumer

import (
	"testing"

	"pgregory.net/rapid"
)

func TestWatermark_NeverPassesAnUnfinishedOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w watermark
		w.next = -1
		type entry struct {
			offset int64
			ticket uint64
		}
		var open []entry
		next, last := int64(0), int64(-1)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			if len(open) == 0 || rapid.Bool().Draw(t, "add") {
				next += rapid.Int64Range(0, 3).Draw(t, "gap")
				open = append(open, entry{next, w.add(next)})
				last = next
				next++
			} else {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "finish")
				w.finish(open[i].ticket)
				open = append(open[:i], open[i+1:]...)
			}
			want := last + 1
			if last < 0 {
				want = -1
			}
			for _, e := range open {
				want = min(want, e.offset)
			}
			switch {
			case w.next > want:
				t.Fatalf("the mark is %d, but %d is not finished", w.next, want)
			case len(open) == 0 && w.next != want:
				t.Fatalf("all is finished, but the mark is %d, not %d", w.next, want)
			case w.span() < len(open):
				t.Fatalf("span %d, but %d are open", w.span(), len(open))
			}
		}
	})
}

func TestWatermark_ForgetsWhatIsFinished(t *testing.T) {
	var w watermark
	for i := range int64(1_000_000) {
		w.finish(w.add(i))
	}
	if cap(w.offsets) > 20_000 {
		t.Fatalf("holds room for %d offsets", cap(w.offsets))
	}
	if w.next != 1_000_000 {
		t.Fatalf("mark at %d", w.next)
	}
}
