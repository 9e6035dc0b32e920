package corpus

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// Outcome is what a check of a row found out.
type Outcome struct {
	// Wrong are the disagreements.
	Wrong []string
	// Skipped says why the row could not be judged, "" if it was. It was run all the same.
	Skipped string
	// Data is how many data were compared byte for byte, Unsettled how many have no settled answer.
	Data, Unsettled int
	// Said is what package schema said to the row, for people.
	Said string
	// Schemas are those of the row, for whoever has to look at a disagreement.
	Schemas [][2]string
	// Unreadable is why the row says nothing that could be checked.
	Unreadable error
}

// Agrees reports whether there was something to judge, and it was as the row says.
func (o *Outcome) Agrees() bool {
	return len(o.Wrong) == 0 && o.Skipped == "" && o.Unreadable == nil
}

func (o *Outcome) wrong(format string, args ...any) {
	o.Wrong = append(o.Wrong, fmt.Sprintf(format, args...))
}

// patience is how long a row may take. Each should take milliseconds.
const patience = 30 * time.Second

// alone lets a row that is measured run without others.
var alone sync.RWMutex

// Check holds package schema against a row. It is safe for concurrent use. A panic and a row that
// takes more than 30 seconds are disagreements; the latter goes on behind the caller's back.
func Check(row Row) Outcome {
	done := make(chan Outcome, 1)
	go func() { done <- check(row) }()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case o := <-done:
		return o
	case <-timer.C:
		return Outcome{Wrong: []string{fmt.Sprintf("no answer after %v", patience)}}
	}
}

func check(row Row) (o Outcome) {
	if row.Kind == Hostile {
		alone.Lock()
		defer alone.Unlock()
	} else {
		alone.RLock()
		defer alone.RUnlock()
	}
	defer func() {
		if p := recover(); p != nil {
			o.wrong("panic: %v\n%s", p, debug.Stack())
		}
	}()
	switch row.Kind {
	case Compat, Random:
		checkPair(&o, row.text)
	case Modes:
		checkModes(&o, row.text)
	case Canonical:
		checkCanonical(&o, row.text)
	case Hostile:
		checkHostile(&o, row.text)
	}
	return o
}

// read reads the keys of a row that matter to its kind.
func (o *Outcome) read(text []byte, keys any) bool {
	if err := json.Unmarshal(text, keys); err != nil {
		o.Unreadable = err
	}
	return o.Unreadable == nil
}

func (o *Outcome) unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		o.Unreadable = fmt.Errorf("bytes %.40q: %w", s, err)
	}
	return b
}

// avsc is a schema of a row: JSON, or a string that holds JSON.
type avsc json.RawMessage

func (a *avsc) UnmarshalJSON(b []byte) error {
	*a = append((*a)[:0], b...)
	return nil
}

func (a avsc) text() string {
	var within string
	if json.Unmarshal(a, &within) == nil && strings.TrimSpace(within) != "" {
		if within = strings.TrimSpace(within); strings.ContainsRune(`{["`, rune(within[0])) { // no name begins so
			return within
		}
	}
	return string(a)
}

// parse reads a schema as a registry holds it: some have defaults that are no values of their types.
func (o *Outcome) parse(role string, a avsc) (*schema.Schema, error) {
	text := a.text()
	o.Schemas = append(o.Schemas, [2]string{role, text})
	s, err := schema.Parse(text)
	if err == nil {
		return s, nil
	}
	if s, stored := schema.ParseStored(text); stored == nil {
		return s, nil
	}
	return nil, fmt.Errorf("%s: %w", role, err)
}
