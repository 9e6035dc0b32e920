package main

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"

	"github.com/troupe-go/troupe/schema"
)

func load(t *testing.T) []change {
	t.Helper()
	changes, err := loadChanges()
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestChanges_AreAsManyAsTheReadmeSays(t *testing.T) {
	changes := load(t)
	valid, verdicts, hard, protos := map[string]bool{}, 0, 0, 0
	for _, q := range questions(changes) {
		if q.counts() {
			verdicts++
			valid[q.change.Name] = true
		}
	}
	for _, c := range changes {
		if c.Hard {
			hard++
		}
		if c.OldProto != "" {
			protos++
		}
	}
	if got, want := [...]int{len(changes), len(valid), verdicts, hard, protos}, [...]int{34, 32, 64, 5, 19}; got != want {
		t.Errorf("changes, with two valid schemas, verdicts, hard, in Protobuf: %v, want %v", got, want)
	}
}

func TestChanges_AreWhatTroupeSays(t *testing.T) {
	for _, q := range questions(load(t)) {
		var got answer
		for _, p := range q.pairs() {
			got = worst(got, askTroupe(p))
		}
		if q.direction != deleted && got.Verdict != q.right.Verdict {
			t.Errorf("%s, %s: Troupe says %s %q, right is %s: %s", q.change.Name, q.direction, got.Verdict, got.Said, q.right.Verdict, q.right.Because)
		}
	}
}

func TestChanges_AreComplete(t *testing.T) {
	sections := []string{"Schema Resolution: ", "Aliases: ", "Logical Types", "Complex Types, Records: ", "no rule of Avro's: "}
	for _, c := range load(t) {
		if c.What == "" || c.Why == "" {
			t.Errorf("%s does not say what it is and why people make it", c.Name)
		}
		if (c.NewReadsOld == nil) != (c.New == "") || (c.OldReadsNew == nil) != (c.New == "") || (c.Deleted == nil) != (c.New != "") || (c.NewReadsOlder == nil) != (c.Older == "") {
			t.Errorf("%s: its rulings are not those that its schemas need", c.Name)
		}
		for _, r := range []*ruling{c.NewReadsOld, c.OldReadsNew, c.NewReadsOlder, c.Deleted} {
			if r == nil {
				continue
			}
			if !slices.Contains([]verdict{works, breaks, refused}, r.Verdict) {
				t.Errorf("%s: there is no verdict %q", c.Name, r.Verdict)
			}
			if !slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(r.Because, s) }) {
				t.Errorf("%s: %q starts with no section", c.Name, r.Because)
			}
		}
		for _, text := range []string{c.Older, c.Old} {
			if _, err := schema.Parse(text); text != "" && err != nil {
				t.Errorf("%s: an old schema: %v", c.Name, err)
			}
		}
		if c.Old == c.New || c.Old == "" {
			t.Errorf("%s changes nothing", c.Name)
		}
	}
}

func TestChanges_HaveNoFilesThatNobodyReads(t *testing.T) {
	known := []string{"change.json", "older.avsc", "old.avsc", "new.avsc", "old.proto", "new.proto"}
	err := fs.WalkDir(changeFiles, "changes", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !slices.Contains(known, path.Base(name)) {
			t.Errorf("nobody reads %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestChanges_AreValidProtobuf(t *testing.T) {
	for _, c := range load(t) {
		for name, text := range map[string]string{"old.proto": c.OldProto, "new.proto": c.NewProto} {
			if text == "" {
				continue
			}
			if err := compileProto(t.Context(), text); err != nil {
				t.Errorf("%s/%s: %v", c.Name, name, err)
			}
		}
		if c.OldProto == c.NewProto && c.OldProto != "" {
			t.Errorf("%s changes nothing in Protobuf", c.Name)
		}
	}
}

func compileProto(ctx context.Context, text string) error {
	files := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{"order.proto": text})}
	_, err := (&protocompile.Compiler{Resolver: protocompile.WithStandardImports(files)}).Compile(ctx, "order.proto")
	return err
}

// What is timed has to be the work that the report names.
func TestWorks_BreakAsOftenAsTheySay(t *testing.T) {
	for _, w := range worksOf(load(t)) {
		names, said := map[string]bool{}, 0
		for _, q := range w.questions() {
			a := askTroupe(q.pairs()[0])
			said += len(a.Said)
			s, err := schema.Parse(q.change.New)
			if err != nil {
				t.Fatal(err)
			}
			names[s.FullName()] = true
			if err := compileProto(t.Context(), q.change.NewProto); err != nil {
				t.Error(err)
			}
		}
		want := map[string][2]int{"five": {1, 5}, "many": {200, 1_000}, "wide": {1, 2_000}}[w.key]
		if got := [2]int{len(names), said}; got != want {
			t.Errorf("%s: %d schemas with %d breaks, want %d", w.name, got[0], got[1], want)
		}
	}
}
