package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// inFiles is a directory without git: old/ is compared with new/.
func inFiles(t *testing.T, files ...string) (*workplace, Options) {
	t.Helper()
	w := &workplace{t, t.TempDir()}
	w.write(files...)
	return w, Options{Dir: w.dir, Paths: []string{"new"}, Against: "old"}
}

func TestRun_FilesMayUseTypesOfEachOther(t *testing.T) {
	order := record("Order", `"price": "Money"`, `"lines": {"type": "array", "items": "shop.Line"}`)
	line := record("Line", `"status": "shop.inner.Status"`, `"price": "shop.Money"`)
	money := record("Money", `"status": {"type": "enum", "name": "shop.inner.Status", "symbols": ["A", "B"]}`)
	w, o := inFiles(t, "old/order.avsc", order, "old/line.avsc", line, "old/z/money.avsc", money,
		"new/a.avsc", order, "new/line.avsc", line, "new/z/money.avsc", strings.Replace(money, `, "B"`, "", 1))
	r := w.check(o)
	says(t, text(t, r), "3 subjects breaking", "new/z/money.avsc:1:", "shop.Order.price.status", "As for shop.Line above.")
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			if f.New.File != "new/z/money.avsc" {
				t.Errorf("%s: the place is %v", s.Name, f.New)
			}
		}
	}
}

func TestRun_PointsAtTheFieldWhoseTypeIsOnlyNamed(t *testing.T) {
	status := `"status": {"type": "enum", "name": "Status", "symbols": ["A"]}`
	w, o := inFiles(t, "old/money.avsc", record("Money"), "old/order.avsc", record("Order", status, `"next": "string"`, `"price": "long"`),
		"new/money.avsc", record("Money"), "new/order.avsc", record("Order", status, `"next": "Status"`, `"price": "Money"`))
	o.Mode = schema.Full
	for _, f := range w.check(o).Subjects[1].Findings {
		if want := map[string]string{"shop.Order.next": "new/order.avsc:2:1", "shop.Order.price": "new/order.avsc:3:1"}[f.Field]; f.New.String() != want {
			t.Errorf("%s %s is at %v, want %s", f.Kind, f.Field, f.New, want)
		}
	}
}

func TestRun_OneFileFindsTheTypesOfItsNeighbours(t *testing.T) {
	w := newRepository(t)
	w.commit("schemas/order.avsc", record("Order", `"price": "Money"`), "types/money.avsc", record("Money", `"value": "long"`),
		"schemas/broken.avsc", "{")
	w.write("types/money.avsc", record("Money", `"value": "int"`))
	r := w.check(w.options("schemas/order.avsc"))
	says(t, text(t, r), "Field value was long and now is int", "1 subject breaking (")
}

func TestRun_WhatCannotBeReadIsAProblemAndTheRestIsChecked(t *testing.T) {
	ring := func(name, uses string) string { return record(name, `"next": "`+uses+`"`) }
	w, o := inFiles(t, "old/order.avsc", orderV1, "new/order.avsc", orderBad,
		"new/json.avsc", "{\n  \"type\": }", "new/unknown.avsc", record("U", `"x": "Strng"`),
		"new/twice.avsc", record("T", `"x": `+record("T")),
		"new/a.avsc", ring("A", "B"), "new/b.avsc", ring("B", "C"), "new/c.avsc", ring("C", "A"),
		"new/needs.avsc", record("N", `"u": "shop.U"`))
	r := w.check(o)
	if r.Summary.Exit != 2 || r.Summary.Breaking != 1 {
		t.Errorf("%+v", r.Summary)
	}
	var all []string
	for _, p := range r.Problems {
		all = append(all, p.Message)
	}
	got := strings.Join(all, "\n")
	says(t, got, "new/json.avsc:2:11: ", `new/unknown.avsc:1:87: unknown type "Strng"`, "new/twice.avsc:1:", "defined a second time",
		"the files need each other in a circle: shop.A (new/a.avsc) -> shop.B (new/b.avsc) -> shop.C (new/c.avsc) -> shop.A",
		"new/needs.avsc: it needs shop.U, and new/unknown.avsc is wrong")
	if len(r.Problems) != 5 {
		t.Errorf("%d problems:\n%s", len(r.Problems), got)
	}
	says(t, text(t, r), "1 subject breaking, 5 problems")
}

func TestRun_HugeAndDeepFilesAreOneLine(t *testing.T) {
	deep := strings.Repeat(`{"type": "array", "items": `, 10_000) + `"int"` + strings.Repeat("}", 10_000)
	w, o := inFiles(t, "old/order.avsc", orderV1, "new/order.avsc", orderV1,
		"new/deep.avsc", deep, "new/huge.avsc", `"`+strings.Repeat("x", 10_000_000)+`"`)
	r := w.check(o)
	if len(r.Problems) != 2 || r.Summary.Exit != 2 {
		t.Fatalf("%v", r.Problems)
	}
	says(t, r.Problems[0].Message, "new/deep.avsc:", "1000")
	says(t, r.Problems[1].Message, "new/huge.avsc", "10.0 MB")
}

func TestRun_ManyNestedTypesAreChecked(t *testing.T) {
	var fields []string
	for i := range 10_000 {
		fields = append(fields, fmt.Sprintf(`"f%d": {"type": "record", "name": "R%d", "fields": []}`, i, i))
	}
	wide := record("Wide", fields...)
	w, o := inFiles(t, "old/wide.avsc", wide, "new/wide.avsc", strings.Replace(wide, `"f9999"`, `"g"`, 1))
	says(t, text(t, w.check(o)), "Field g", "1 subject breaking")
}

func TestRun_ALongChainOfFilesIsChecked(t *testing.T) {
	var files []string
	for i := range 360 {
		next := fmt.Sprintf("R%d", i+1)
		files = append(files, fmt.Sprintf("old/r%d.avsc", i), record(fmt.Sprintf("R%d", i), `"next": "`+next+`"`),
			fmt.Sprintf("new/r%d.avsc", i), record(fmt.Sprintf("R%d", i), `"next": "`+next+`"`))
	}
	w, o := inFiles(t, append(files, "old/r360.avsc", record("R360"), "new/r360.avsc", record("R360", `"x": "int"`))...)
	if r := w.check(o); r.Summary.Breaking != 361 {
		t.Errorf("%v", r)
	}
}

func TestRun_ADirectoryOfVersionsIsAHistory(t *testing.T) {
	w, o := inFiles(t, "old/orders-shop.Order/1.avsc", record("Order", `"id": "string"`, `"total": "string"`),
		"old/orders-shop.Order/9.avsc", record("Order", `"id": "string"`, `"total": "int", "default": 1`),
		"old/orders-shop.Order/10.avsc", orderV1, "new/order.avsc", orderV2)
	says(t, text(t, w.check(o)), "1 compatible")
	o.Mode = schema.BackwardTransitive
	says(t, text(t, w.check(o)), "compared with v1, v9 and v10", "events of v1 that are still")
}

func TestRun_TwoFilesAreComparedWhateverTheirNames(t *testing.T) {
	w, o := inFiles(t, "a.avsc", orderV1, "b.json", record("Purchase", `"id": "string"`))
	o.Paths, o.Against = []string{"b.json"}, "a.avsc"
	says(t, text(t, w.check(o)), "NAME_MISMATCH", `"aliases": ["shop.Order"]`)
}

func TestRun_ASchemaWithoutANameIsCalledByItsFile(t *testing.T) {
	w, o := inFiles(t, "old/a.avsc", `["null", "string"]`, "new/a.avsc", `["null"]`, "new/b.avsc", `"int"`)
	says(t, text(t, w.check(o)), "✗ new/a.avsc", "Old events may hold string", "+ new/b.avsc")
}

func TestRun_TheBaseWithinThePathsIsNoCandidate(t *testing.T) {
	w, o := inFiles(t, "schemas/order.avsc", orderV2, "schemas/old/order.avsc", orderV1)
	o.Paths, o.Against = []string{"schemas"}, "schemas/old"
	says(t, text(t, w.check(o)), "1 compatible (against schemas/old, BACKWARD)")
}

func TestRun_NamesWhatDoesNotExist(t *testing.T) {
	w, o := inFiles(t, "new/order.avsc", orderV1, "empty/x.txt", "x")
	o.Against = "dir:nowhere"
	w.fails(o, "nowhere does not exist")
	o.Against = "empty"
	w.fails(o, "no .avsc file in empty", "compare with")
	o.Paths = []string{"gone"}
	w.fails(o, "gone does not exist: name a .avsc file or a directory of them")
	o.Paths = []string{"empty"}
	w.fails(o, "no .avsc file in empty: name the directory")
}

func TestRun_ContractsOfServicesAreKept(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", orderV2, "new/order.avsc", orderV1,
		"contracts/billing/order.avsc", record("Order", `"total": "long"`),
		"contracts/mail/order.avsc", orderV1, "contracts/mail/parcel.avsc", record("Parcel"))
	r := w.check(o)
	says(t, text(t, r), "Service billing cannot read new shop.Order", "Field total (long) is not in new events, but billing needs it",
		"service mail has a contract for shop.Parcel (contracts/mail/parcel.avsc), which no schema here is", "1 subject breaking")
	if got := r.Subjects[0].Contracts; len(got) != 2 {
		t.Errorf("contracts %v", got)
	}
	o.Contracts = "nowhere"
	w.fails(o, "nowhere")
}

func TestRun_AContractIsKeptInEveryMode(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", orderV1, "new/order.avsc", orderV1, "contracts/billing/order.avsc", record("Order", `"total": "long"`))
	o.Mode = schema.None
	says(t, text(t, w.check(o)), "Service billing cannot read", "1 subject breaking")
}

func TestRun_WarningsFailOnlyWhenAsked(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", record("Order", `"n": "long"`), "new/order.avsc", record("Order", `"n": "double"`))
	r := w.check(o)
	says(t, text(t, r), "PRECISION_LOSS", "1 compatible if deployed in order, 1 warning")
	o.Strict = true
	if r := w.check(o); r.Summary.Exit != 1 {
		t.Error(text(t, r))
	}
}

func TestRun_ModesComeFromTheFlagTheFileOrTheDefault(t *testing.T) {
	w, o := inFiles(t, "old/a.avsc", record("A", `"x": "int"`), "new/a.avsc", record("A", `"x": "int", "default": 1`),
		"old/b.avsc", record("B"), "new/b.avsc", record("B"),
		"troupe.yaml", "schema:\n  mode: full\n  subjects:\n    - {match: 'shop.A', mode: forward}\n")
	config, err := ReadConfig(w.dir+"/troupe.yaml", "troupe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o.Config = config
	r := w.check(o)
	for i, want := range []string{"FORWARD (from troupe.yaml:4)", "FULL (from troupe.yaml:2)"} {
		if got := r.Subjects[i].compared(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	o.Mode = schema.BackwardTransitive
	if got := w.check(o).Subjects[0].compared(); !strings.HasPrefix(got, "BACKWARD_TRANSITIVE (from --mode)") {
		t.Error(got)
	}
	says(t, w.check(Options{Dir: w.dir, Paths: o.Paths, Against: o.Against}).Subjects[0].compared(), "BACKWARD (from the default)")
}

// fakeRegistry has subjects in memory; the command's tests use a real server.
type fakeRegistry struct {
	schema.Memory
	names []string
	level schema.Mode
}

func (f *fakeRegistry) Subjects(context.Context) ([]string, error) { return f.names, nil }

func (f *fakeRegistry) Level(context.Context, string) (schema.Mode, error) { return f.level, nil }

func TestRun_ARegistryHasSubjectsModesAndVersions(t *testing.T) {
	r := &fakeRegistry{level: schema.BackwardTransitive, names: []string{"carts-shop.Order", "orders-shop.Order", "orders-value"}}
	for _, reg := range []struct{ subject, text string }{
		{"orders-shop.Order", record("Order", `"total": "string"`)}, {"orders-shop.Order", orderV1},
		{"carts-shop.Order", orderV1}, {"orders-value", record("Order", `"id": "int"`)},
	} {
		s, err := schema.Parse(reg.text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Register(t.Context(), reg.subject, s); err != nil {
			t.Fatal(err)
		}
	}
	w, o := inFiles(t, "new/order.avsc", orderV2, "new/new.avsc", record("New"))
	o.Against, o.Open = "registry", func() (Registry, string, error) { return r, "http://r", nil }
	got := text(t, w.check(o))
	says(t, got, "BACKWARD_TRANSITIVE (from the registry), compared with v1, v1 and v2 of carts-shop.Order, orders-shop.Order",
		"events of v1 that are still in the topic", "+ shop.New", "1 subject breaking, 1 new (against registry http://r, BACKWARD_TRANSITIVE)")
	o.Config = &Config{Subjects: []SubjectRule{{Match: "shop.Order", Topic: "orders", Naming: "topic"}}}
	says(t, text(t, w.check(o)), "of orders-value", "Field id was int and now is string")
	o.Paths, o.Against = []string{"new/order.avsc"}, "registry:carts-shop.Order"
	says(t, text(t, w.check(o)), "1 compatible (against subject carts-shop.Order of registry http://r, BACKWARD_TRANSITIVE)")
	o.Against = "registry:nope"
	w.fails(o, "nope", "not found")
	o.Paths = []string{"new"}
	w.fails(o, "there are 2: name its file")
	o.Against, o.Open = "registry", func() (Registry, string, error) { return nil, "", errors.New("which registry?") }
	w.fails(o, "which registry?")
}

func TestWaivers_LetABreakPassUntilTheyExpire(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", orderV1, "new/order.avsc", orderBad)
	o.Now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	yaml := strings.Replace(strings.ReplaceAll(w.check(o).PrintWaivers(o.Now), `owner: ""`, `owner: "me"`), `reason: ""`, `reason: "because"`, 1)
	w.write("waivers.yaml", yaml, "troupe.yaml", "# nothing\n")
	var err error
	if o.Config, err = ReadConfig(w.dir+"/troupe.yaml", "troupe.yaml"); err != nil {
		t.Fatal(err, yaml)
	}
	r := w.check(o)
	says(t, text(t, r), "Waived until 2026-05-31 by me: because", "1 waived (against")
	if r.Summary.Exit != 0 {
		t.Error(text(t, r))
	}
	o.Now = o.Now.AddDate(0, 0, 30)
	if r := w.check(o); r.Summary.Exit != 0 {
		t.Errorf("it counts on its last day: %s", text(t, r))
	}
	o.Now = o.Now.AddDate(0, 0, 1)
	r = w.check(o)
	says(t, text(t, r), "✗ waivers.yaml:3: the waiver for shop.Order (READER_FIELD_MISSING_DEFAULT_VALUE, owner me) expired on 2026-05-31",
		"1 subject breaking, 1 waiver to look at")
	if r.Summary.Exit != 1 {
		t.Errorf("exit %d", r.Summary.Exit)
	}
	o.Now = o.Now.AddDate(0, 0, -10)
	w.write("old/order.avsc", orderBad) // it was merged
	r = w.check(o)
	says(t, text(t, r), "! waivers.yaml:3: the waiver for shop.Order (READER_FIELD_MISSING_DEFAULT_VALUE) has done its work")
	if r.Summary.Exit != 0 {
		t.Error(text(t, r))
	}
	w.write("old/order.avsc", orderV1, "new/order.avsc", record("Order", `"id": "string"`, `"sum": "long"`)) // another break at the same place
	r = w.check(o)
	says(t, text(t, r), "is not used: no such break between these two schemas; delete it", "1 subject breaking")
	w.write("new/order.avsc", orderV1)
	if r := w.check(o); r.Summary.Exit != 1 {
		t.Errorf("an unused waiver passes: %s", text(t, r))
	}
}

// waived has the waivers that a report prints, completed and changed as one likes.
func (w *workplace) waived(o Options, r *Report, changes ...string) Options {
	w.Helper()
	changes = append(changes, `reason: ""`, `reason: r`, `owner: ""`, `owner: o`)
	w.write("waivers.yaml", strings.NewReplacer(changes...).Replace(r.PrintWaivers(time.Now())))
	config, err := ReadWaivers(filepath.Join(w.dir, "waivers.yaml"), "waivers.yaml")
	if err != nil {
		w.Fatal(err)
	}
	o.Config = config
	return o
}

func TestWaivers_ForNewConsumersAreNotForOldOnes(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", record("Order", `"n": "int"`), "new/order.avsc", record("Order", `"n": "string"`))
	full, forward := o, o
	full.Mode, forward.Mode = schema.Full, schema.Forward
	backward := w.check(o)
	says(t, backward.PrintWaivers(time.Now()), "\n    breaks: new consumers\n")
	for name, c := range map[string]struct {
		made    *Report
		changes []string
		runs    Options
		exit    int
		says    []string
	}{
		"new in BACKWARD": {backward, nil, o, 0, []string{"1 waived"}},
		"new in FULL":     {backward, nil, full, 1, []string{"New consumers cannot read", "Waived until", "Consumers on old cannot read new events:", "1 subject breaking ("}},
		"both in FULL":    {w.check(full), nil, full, 0, []string{"1 waived"}},
		"old in FULL":     {w.check(forward), nil, full, 1, []string{"Consumers on old cannot read new events:", "1 subject breaking ("}},
		"old in BACKWARD": {w.check(forward), nil, o, 1, []string{`(TYPE_MISMATCH at "/fields/0/type", breaks old consumers, owner o) is not used`}},
		// as they were before waivers said it
		"unsaid in BACKWARD": {backward, []string{"    breaks: new consumers\n", ""}, o, 0, []string{"1 waived"}},
		"unsaid in FORWARD":  {backward, []string{"    breaks: new consumers\n", ""}, forward, 0, []string{"1 waived"}},
		"unsaid in FULL": {backward, []string{"    breaks: new consumers\n", ""}, full, 1, []string{"Consumers on old cannot read new events:", "1 subject breaking (",
			`! waivers.yaml:3: the waiver for shop.Order (TYPE_MISMATCH at "/fields/0/type") does not say whom it breaks, and is for new consumers only`}},
		"unsaid beside old in FULL": {w.check(full), []string{"    breaks: new consumers\n", ""}, full, 0, []string{"1 waived"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &workplace{t, w.dir}
			o := w.waived(c.runs, c.made, c.changes...)
			w.exits(o, c.exit, c.says...)
			if got := text(t, w.check(o)); c.exit == 0 && strings.Contains(got, "waivers.yaml:") {
				t.Errorf("a waiver is complained of:\n%s", got)
			}
		})
	}
}

func TestWaivers_OneOfSeveralVersionsIsNotAll(t *testing.T) {
	w, o := inFiles(t, "old/o/1.avsc", orderV1, "old/o/2.avsc", record("Order", `"id": "bytes"`), "new/order.avsc", orderBad)
	o.Mode = schema.BackwardTransitive
	all := w.check(o)
	f := all.Subjects[0].Findings[0]
	if len(f.old) != 2 {
		t.Fatalf("%+v", f)
	}
	o.Config = &Config{Waivers: []Waiver{{Subject: "shop.Order", Rule: string(f.Rule), Path: f.Path, Old: f.old[:1], New: f.new,
		Reason: "r", Owner: "o", Expires: "2999-01-01", file: "w", line: 1}}}
	r := w.check(o)
	says(t, text(t, r), "cannot read the events of v2 that are still", "cannot read the events of v1 that are still", "Waived until 2999-01-01")
	if r.Summary.Exit != 1 || r.Summary.Breaking != 1 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestRun_IsDeterministic(t *testing.T) {
	files := []string{"contracts/a/x.avsc", record("X5", `"z": "int"`), "contracts/b/x.avsc", record("X5", `"z": "int"`)}
	for i := range 30 {
		name := fmt.Sprintf("X%d", i)
		files = append(files, "old/"+name+".avsc", record(name, `"a": "int"`), "new/"+name+".avsc", record(name, `"a": "string"`, `"b": "int"`))
	}
	w, o := inFiles(t, files...)
	first := text(t, w.check(o))
	for range 5 {
		if again := text(t, w.check(o)); again != first {
			t.Fatalf("it differs:\n%s\n%s", first, again)
		}
	}
}
