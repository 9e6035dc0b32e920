package wire

import (
	"maps"
	"sync"
	"sync/atomic"
)

// internLimit bounds the table, internSize what goes into it: what others write
// can make it useless to themselves, not large.
const (
	internLimit = 512
	internSize  = 300
)

// known holds the sources and types seen so far in this process: few, and
// repeated in every record.
var known interned

// interned maps bytes to one string of that content. Reading takes no lock;
// adding copies the table, which happens at most internLimit times.
type interned struct {
	table atomic.Pointer[map[string]string]
	mu    sync.Mutex
}

// get returns the string of b's content, or "" when the table is full or b too long for it.
func (t *interned) get(b []byte) string {
	if len(b) == 0 || len(b) > internSize {
		return ""
	}
	if m := t.table.Load(); m != nil {
		if s, ok := (*m)[string(b)]; ok {
			return s
		}
		if len(*m) >= internLimit {
			return ""
		}
	}
	return t.add(string(b))
}

func (t *interned) add(s string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.table.Load()
	if old == nil {
		old = &map[string]string{}
	}
	if same, ok := (*old)[s]; ok {
		return same
	}
	if len(*old) >= internLimit {
		return ""
	}
	grown := make(map[string]string, len(*old)+1)
	maps.Copy(grown, *old)
	grown[s] = s
	t.table.Store(&grown)
	return s
}
