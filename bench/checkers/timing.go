package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stopwatch does a work once and says what that cost.
type stopwatch func(ctx context.Context) (cost, error)

// cost is time: by the clock, and of processors; 0 of those of a server, which are not known.
type cost struct{ wall, cpu time.Duration }

// work is something to be timed: changes that all break when the new schema reads old data.
type work struct {
	key, name string
	changes   []change
}

func (w work) questions() []question {
	var qs []question
	for i := range w.changes {
		qs = append(qs, question{&w.changes[i], newReadsOld, &ruling{Verdict: breaks}})
	}
	return qs
}

// worksOf makes the works from the changes.
func worksOf(changes []change) []work {
	five := changes[slices.IndexFunc(changes, func(c change) bool { return c.Name == "five_breaks" })]
	many := make([]change, 200)
	for i := range many {
		many[i] = five.in(fmt.Sprintf("shop%d", i))
	}
	return []work{
		{"five", "one schema with five breaks", []change{five}},
		{"many", "200 of them", many},
		{"wide", "one record with 2,000 breaks", []change{wide(2_000)}},
	}
}

// in is the change in another namespace.
func (c change) in(namespace string) change {
	avro := strings.NewReplacer(`"namespace": "shop"`, `"namespace": "`+namespace+`"`)
	proto := strings.NewReplacer("package shop.v1;", "package "+namespace+".v1;")
	c.Old, c.New, c.OldProto, c.NewProto = avro.Replace(c.Old), avro.Replace(c.New), proto.Replace(c.OldProto), proto.Replace(c.NewProto)
	return c
}

// wide makes n fields strings that were int.
func wide(n int) change {
	avro := func(typ string) string {
		fields := make([]string, n)
		for i := range fields {
			fields[i] = fmt.Sprintf(`    {"name": "f%d", "type": "%s"}`, i, typ)
		}
		return "{\n  \"type\": \"record\",\n  \"name\": \"Wide\",\n  \"namespace\": \"shop\",\n  \"fields\": [\n" + strings.Join(fields, ",\n") + "\n  ]\n}\n"
	}
	proto := func(typ string) string {
		var b strings.Builder
		b.WriteString("syntax = \"proto3\";\npackage shop.v1;\nmessage Wide {\n")
		for i := range n {
			fmt.Fprintf(&b, "  %s f%d = %d;\n", typ, i, i+1)
		}
		return b.String() + "}\n"
	}
	return change{Name: "wide", Old: avro("int"), New: avro("string"), OldProto: proto("int32"), NewProto: proto("string")}
}

// allBreak makes sure that what was timed is the work that was meant.
func allBreak(answers []answer) error {
	for _, a := range answers {
		if a.Verdict != breaks {
			return fmt.Errorf("a schema that breaks was said to be %q: %s", a.Verdict, strings.Join(a.Said, "; "))
		}
	}
	return nil
}

// timing is how long a tool took for a work, in milliseconds.
type timing struct {
	Tool   string  `json:"tool"`
	Work   string  `json:"work"`
	Median float64 `json:"median_ms"`
	Least  float64 `json:"least_ms"`
	Most   float64 `json:"most_ms"`
	CPU    float64 `json:"cpu_ms"` // the median; 0 of a server, where it is not known
	Rounds int     `json:"rounds"`
}

// timeAll does each work with each tool in turn, rounds times after one to warm up.
func timeAll(ctx context.Context, tools []tool, works []work, rounds int) ([]timing, error) {
	var timings []timing
	for _, w := range works {
		watches := make([]stopwatch, len(tools))
		for i, t := range tools {
			var err error
			if watches[i], err = t.prepare(ctx, w); err != nil {
				return nil, fmt.Errorf("prepare %s for %s: %w", w.name, t.title(), err)
			}
		}
		wall, cpu := make([][]float64, len(tools)), make([][]float64, len(tools))
		for round := range rounds + 1 {
			for i, watch := range watches {
				c, err := watch(ctx)
				if err != nil {
					return nil, fmt.Errorf("time %s with %s: %w", w.name, tools[i].title(), errors.Join(ctx.Err(), err))
				}
				if round > 0 {
					wall[i], cpu[i] = append(wall[i], c.wall.Seconds()*1000), append(cpu[i], c.cpu.Seconds()*1000)
				}
			}
		}
		for i, t := range tools {
			timings = append(timings, timing{t.title(), w.name, median(wall[i]), slices.Min(wall[i]), slices.Max(wall[i]), median(cpu[i]), rounds})
		}
	}
	return timings, nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
