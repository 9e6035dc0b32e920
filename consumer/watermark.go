package consumer

// watermark knows which offsets of a partition are finished, in whatever order
// they finish. Offsets are added in ascending order; gaps between them
// (compaction, transactions) need no finishing.
type watermark struct {
	offsets []int64
	done    []bool
	head    int    // index of the lowest unfinished
	base    uint64 // number of entries removed in front of index 0
	next    int64  // every offset below it is finished
}

// add takes an offset up and returns the ticket to finish it with.
func (w *watermark) add(offset int64) uint64 {
	if w.head > 4096 && w.head > len(w.offsets)/2 {
		n := copy(w.offsets, w.offsets[w.head:])
		copy(w.done, w.done[w.head:])
		w.offsets, w.done = w.offsets[:n], w.done[:n]
		w.base += uint64(w.head)
		w.head = 0
	}
	w.offsets = append(w.offsets, offset)
	w.done = append(w.done, false)
	return w.base + uint64(len(w.offsets)-1)
}

// finish marks a ticket's offset as finished and moves the mark over everything
// finished at the front.
func (w *watermark) finish(ticket uint64) {
	w.done[ticket-w.base] = true
	for w.head < len(w.done) && w.done[w.head] {
		w.next = w.offsets[w.head] + 1
		w.head++
	}
}

// span is how many entries wait between the mark and the newest offset.
func (w *watermark) span() int { return len(w.offsets) - w.head }
