package corpus

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/troupe-go/troupe/schema"
)

type hostileRow struct {
	Schema avsc   `json:"schema"`
	Hex    string `json:"hex"`
	// Expect is "ok", "error", or missing where the specification does not say.
	Expect string `json:"expect"`
	// Limit is set where the bytes are a value, but ask for far more than they carry: to refuse them is as right.
	Limit string `json:"limit"`
}

// What a reader of one payload may take: time, and memory over and above 64 bytes for each of the payload's.
const (
	hostileTime   = 3 * time.Second
	hostileMemory = 4 << 20
)

func checkHostile(o *Outcome, text []byte) {
	var row hostileRow
	if !o.read(text, &row) {
		return
	}
	data := o.unhex(row.Hex)
	switch row.Expect {
	case "ok", "error":
	case "":
		o.Skipped = "the specification does not say"
	default:
		o.Unreadable = fmt.Errorf("expect is %q, neither ok nor error", row.Expect)
	}
	if o.Unreadable != nil {
		return
	}
	s, err := o.parse("schema", row.Schema)
	if err != nil {
		o.wrong("%v", err)
		return
	}
	plan, err := schema.Resolve(s, s)
	if err != nil {
		o.wrong("Resolve of a schema with itself: %v", err)
		return
	}
	for _, reader := range []struct {
		name string
		read func() error
	}{
		{"Validate", func() error { return s.Validate(data, schema.Limits{}) }},
		{"Append", func() error { _, err := plan.Append(nil, data, schema.Limits{}); return err }},
		{"AppendJSON", func() error { _, err := s.AppendJSON(nil, data, schema.Limits{}); return err }},
	} {
		took, memory, err := measure(reader.read)
		o.Said += fmt.Sprintf("%s took %v and %d bytes of memory: %v; ", reader.name, took.Round(time.Microsecond), memory, err)
		if took > hostileTime || memory > hostileMemory+64*int64(len(data)) {
			o.wrong("%s of %d bytes took %v and %d bytes of memory", reader.name, len(data), took, memory)
		}
		if bad := new(schema.DataError); err != nil && !errors.As(err, &bad) {
			o.wrong("%s: a %T, not a *DataError: %v", reader.name, err, err)
		}
		switch {
		case row.Expect == "error" && err == nil:
			o.wrong("%s takes what is no value", reader.name)
		case row.Expect == "ok" && row.Limit == "" && err != nil:
			o.wrong("%s: %v", reader.name, err)
		}
	}
}

// measure runs f and returns what it took: all that it allocated, also what it gave back, and the
// stack that it grew. Others must not run meanwhile.
func measure(f func() error) (took time.Duration, memory int64, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what a collection does is not its fault
	var panicked any
	ran := make(chan struct{})
	go func() { // whose stack is new
		defer close(ran)
		defer func() { panicked = recover() }()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		err = f()
		took = time.Since(began)
		runtime.ReadMemStats(&after)
		memory = int64(after.TotalAlloc-before.TotalAlloc) + max(0, int64(after.StackInuse)-int64(before.StackInuse))
	}()
	<-ran
	if panicked != nil {
		panic(panicked)
	}
	return took, memory, err
}
