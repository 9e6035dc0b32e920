package schema

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hamba/avro/v2"
)

type linked struct {
	Next *linked `avro:"next"`
}

func (*linked) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}`)
}

// Limits.Depth is the caller's: whatever it is, data must not kill the process.
func TestDepth_DepthOfTheCallersOwn(t *testing.T) {
	d := decoderOf[linked](t, Limits{Depth: 1 << 30})
	data := []byte(strings.Repeat("\x02", 20<<20) + "\x00")
	var got linked
	if err := d.Decode(context.Background(), 1, data, &got); err == nil || !strings.Contains(err.Error(), "nested deeper than the limit of 100000") {
		t.Errorf("%.200v", err)
	}
}

// Nothing that hamba's pool holds may change a value that was decoded before.
func TestDepth_PooledMemory(t *testing.T) {
	w := mustParse(t, `{"type":"record","name":"H","fields":[{"name":"when","type":"string"},{"name":"m","type":{"type":"map","values":"bytes"}},
		{"name":"name","type":"bytes"},{"name":"any","type":"string"},{"name":"blob","type":"string"}]}`)
	old, err := NewDecoder[handWritten](&one{schema: w}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			var all []*handWritten
			text := func(i int) string { return strings.Repeat(fmt.Sprintf("%d-%d.", g, i), 1+i%40) }
			str := func(s string) string { return string(appendLong(nil, int64(len(s)))) + s }
			for i := range 500 {
				s := str(text(i))
				data := []byte("\x02!" + "\x02" + s + s + "\x00" + s + s + s)
				v := new(handWritten)
				if err := old.Decode(context.Background(), 1, data, v); err != nil {
					t.Error(err)
					return
				}
				clear(data)
				all = append(all, v)
			}
			for i, v := range all {
				s := text(i)
				if v.Name != s || string(v.Blob) != s || v.M[s] != s || string(v.Any.([]byte)) != s {
					t.Errorf("%d: %+v", i, v)
					return
				}
			}
		})
	}
	wait.Wait()
}
