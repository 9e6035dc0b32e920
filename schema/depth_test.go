package schema

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// chain is a union of records of which each holds the one before.
func chain1(n int, innermost string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `[{"type":"record","name":"a0","fields":[%s]}`, innermost)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,{"type":"record","name":"a%d","fields":[{"name":"f","type":"a%d"}]}`, i, i-1)
	}
	b.WriteString("]")
	return b.String()
}

func TestDepth_DeepChain(t *testing.T) {
	const n = 200_000
	wt, rt := chain1(n, `{"name":"x","type":"int"}`), chain1(n, `{"name":"x","type":"long"},{"name":"y","type":"int","default":1}`)
	t.Log(len(wt))
	start := time.Now()
	say := func(s string) { t.Log(s, time.Since(start)); start = time.Now() }
	w, r := mustParse(t, wt), mustParse(t, rt)
	say("parse")
	w.identity()
	say("identity")
	_ = r.String()
	say("string")
	w.walk()
	say("compile")
	p, err := Resolve(w, r)
	if err != nil {
		t.Fatal(err)
	}
	say("resolve")
	p.Steps()
	say("steps")
	data := append(appendLong(nil, n-1), 2)
	out, err := p.Append(nil, data, Limits{Depth: 1 << 30})
	say(fmt.Sprintf("append %x %v", out, err))
	if out, err := r.AppendJSON(nil, out, Limits{Depth: 1 << 30}); err == nil || true {
		say(fmt.Sprintf("json %d %v", len(out), err))
	}
	_, err = Resolve(w, mustParse(t, chain1(n, `{"name":"x","type":"long"},{"name":"y","type":"int"}`)))
	say(fmt.Sprintf("violation %.100v", err))
}
