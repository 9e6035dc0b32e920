package schema

import (
	"maps"
	"reflect"
	"runtime"
	"slices"
	"testing"
)

// FuzzDirect holds the direct decoder against the walk and hamba: the same verdict, the same value, in memory
// that the bytes account for.
func FuzzDirect(f *testing.F) {
	all := directions(f)
	names := slices.Sorted(maps.Keys(all))
	for i, name := range names {
		for seed := range 3 {
			f.Add(uint8(i), uint8(0), anyData(all[name].plan.writer).Example(seed))
		}
		for _, sample := range samples(all[name].plan.writer.root) {
			f.Add(uint8(i), uint8(i), sample)
		}
	}
	for i, row := range rows[hostileRow](f, "testdata/avro-hostile.jsonl") {
		if len(row.Hex) < 4096 {
			f.Add(uint8(i), uint8(3), unhex(f, row.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, which, limit uint8, data []byte) {
		d := all[names[int(which)%len(names)]]
		limits := Limits{Depth: int(limit % 16), Items: int(limit / 16)}
		if _, err := d.compare(data, limits); err != nil {
			t.Fatalf("%s, %+v: %v", names[int(which)%len(names)], limits, err)
		}
		var before, after runtime.MemStats
		v := reflect.New(d.t)
		runtime.ReadMemStats(&before)
		d.direct.read(data, limits.withDefaults(), v.UnsafePointer())
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<18+1024*len(data)) {
			t.Fatalf("%s: %d bytes made it allocate %d", names[int(which)%len(names)], len(data), used)
		}
	})
}
