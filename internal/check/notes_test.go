package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/internal/git/gittest"
	"github.com/troupe-go/troupe/schema"
)

// configured reads a troupe.yaml for a check.
func (w *workplace) configured(yaml string, paths ...string) Options {
	w.Helper()
	w.write("troupe.yaml", yaml)
	config, err := ReadConfig(filepath.Join(w.dir, "troupe.yaml"), "troupe.yaml")
	if err != nil {
		w.Fatal(err)
	}
	o := w.options(paths...)
	o.Config = config
	return o
}

func TestNotes_TwoFilesThatDefineOneNameDifferently(t *testing.T) {
	w := newRepository(t)
	money := func(typ string) string { return `"price": ` + record("Money", `"value": "`+typ+`"`) }
	w.commit("a.avsc", record("StockMoved"), "x/b.avsc", record("StockMoved", `"id": "string", "default": ""`),
		"c.avsc", record("C", money("int")), "d.avsc", record("D", money("long")), "e.avsc", record("E", money("int")),
		"f/1.avsc", record("F", money("int")), "f/2.avsc", record("F", money("int"), `"n": "int", "default": 0`))
	w.commit("y", "y")
	got := text(t, w.check(w.options()))
	says(t, got, "! shop.StockMoved is defined in a.avsc and x/b.avsc, and they differ: which one is published?",
		"! shop.Money is defined in c.avsc and d.avsc, and they differ: which one is right?", "2 warnings")
	o := w.configured("schema:\n  exclude: [x, d.avsc]\n")
	o.Paths = nil
	if got := text(t, w.check(o)); strings.Contains(got, "differ") {
		t.Error(got)
	}
	o = w.options()
	o.Strict = true
	w.exits(o, 1, "✗ shop.StockMoved is defined in")
}

func TestNotes_ContractsAreCountedAndStrangeOnesFound(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1, "contracts/billing/a.avsc", orderV1, "contracts/billing/b.avsc", orderV1,
		"contracts/mail/order.avsc", orderV1)
	w.commit("y", "y")
	w.exits(w.options(), 0, "1 compatible, 3 contracts of 2 services checked (against")
	w.write("contracts/mail/order.avsc", record("Ordr", `"id": "string"`), "contracts/billing/b.avsc", "")
	w.exits(w.options(), 0, "service mail has a contract for shop.Ordr (contracts/mail/order.avsc), which no schema here is. Did you mean shop.Order?", "1 warning")
	o := w.options()
	o.Strict = true
	w.exits(o, 1, "✗ service mail")
	w.commit("contracts/mail/order.avsc", "")
	w.exits(w.options(), 0, "! contracts/mail/order.avsc is deleted here: what mail reads of shop.Order is no longer checked")
}

func TestNotes_AWrongContractIsItsOwnFault(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("OrderPlaced", `"order_id": "string"`, `"qty": "int"`),
		"contracts/billing/order.avsc", record("OrderPlaced", `"orderId": "string"`), "contracts/stock/order.avsc", record("OrderPlaced", `"qty": "int"`))
	w.commit("order.avsc", record("OrderPlaced", `"order_id": "string"`))
	w.exits(w.options(), 1, "contracts/billing/order.avsc:1:75  READER_FIELD_MISSING_DEFAULT_VALUE",
		"billing's contract asks for orderId, which shop.OrderPlaced has not, and had not before. Did you mean order_id?\n",
		"Service stock cannot read new shop.OrderPlaced (contract contracts/stock/order.avsc):")
}

func TestNotes_RulesForNoSchema(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("y", "y")
	o := w.configured("schema:\n  subjects:\n    - match: shpo.*\n      mode: FULL\n    - match: shop.Order\n    - match: acme.audit.X\n")
	o.Paths = nil
	w.exits(o, 0, "! troupe.yaml:3: match: shpo.* matches no schema. Did you mean shop.*?", "! troupe.yaml:6: match: acme.audit.X matches no schema\n", "2 warnings")
}

func TestRun_TheFirstSchemaCanBeAllowed(t *testing.T) {
	for _, c := range []struct {
		name    string
		commits [][]string
		says    string
	}{
		{"no commit", nil, "+ shop.Order  order.avsc: new\n"},
		{"one commit", [][]string{{"order.avsc", orderV1}}, "(against nothing: HEAD is the first commit)"},
		{"none before", [][]string{{"x", "x"}, {"order.avsc", orderV1}}, "does not have this schema"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRepository(t)
			for _, files := range c.commits {
				w.commit(files...)
			}
			w.write("order.avsc", orderV1)
			o := w.options()
			if r, err := Run(t.Context(), o); err == nil && r.Summary.Exit != 2 || err != nil && !strings.Contains(err.Error(), "--allow-new") {
				t.Errorf("error %v", err)
			}
			o.AllowNew = true
			w.exits(o, 0, "1 new", c.says)
			for _, yaml := range []string{"schema:\n  new: allow\n", "schema:\n  subjects:\n    - {match: shop.*, new: allow}\n"} {
				w.exits(w.configured(yaml, "."), 0, "1 new", c.says)
			}
			if r, err := Run(t.Context(), w.configured("schema:\n  new: allow\n  subjects:\n    - {match: shop.*, new: fail}\n", ".")); err == nil && r.Summary.Exit != 2 {
				t.Errorf("it passes: %s", text(t, r))
			}
		})
	}
	w, o := inFiles(t, "new/order.avsc", orderV1, "old/readme", "x")
	o.AllowNew = true
	w.exits(o, 0, "1 new")
}

func TestRun_TheLastSchemaCanBeDeleted(t *testing.T) {
	w := newRepository(t)
	w.commit("schemas/order.avsc", orderV1, "docs/x", "x", "other/a.avsc", record("A"))
	w.commit("schemas/order.avsc", "")
	for _, paths := range [][]string{{"schemas"}, {"schemas/order.avsc"}, {"schemas", "other"}} {
		o := w.options(paths...)
		w.exits(o, 1, "✗ shop.Order  schemas/order.avsc", "SUBJECT_DELETED", "subjects: [{match: shop.Order, deleted: allow}]")
		o.AllowDeleted = true
		w.exits(o, 0, "1 deleted")
	}
	w.exits(w.configured("schema:\n  paths: [schemas]\n"), 1, "SUBJECT_DELETED")
	if err := os.Remove(filepath.Join(w.dir, "schemas")); err != nil { // as a checkout has it
		t.Fatal(err)
	}
	w.exits(w.options("schemas"), 1, "SUBJECT_DELETED")
	w.fails(w.options("docs"), "no .avsc file in docs")
	w.fails(w.options("nowhere"), "nowhere does not exist")
	w.fails(w.configured("schema:\n\n  paths: [nowhere]\n"), "troupe.yaml:3: nowhere does not exist")
}

func TestRun_ADeletedSchemaThatIsElsewhereIsFound(t *testing.T) {
	for file, want := range map[string]string{
		"schemas/order.json":           "it is in schemas/order.json now, which is not looked at",
		"gen/order.avsc":               "it is in gen/order.avsc now, which is not looked at",
		"contracts/billing/order.avsc": "Service billing still reads it",
	} {
		w := newRepository(t)
		w.commit("schemas/order.avsc", orderV1, "schemas/a.avsc", record("A"))
		w.commit("schemas/order.avsc", "", file, orderV1)
		w.exits(w.configured("schema:\n  exclude: [gen]\n", "."), 1, "SUBJECT_DELETED", want)
	}
}

func TestRun_EventsInTheContractsDirectoryAreNotLost(t *testing.T) {
	w := newRepository(t)
	w.commit("contracts/order.avsc", orderV1)
	w.commit("contracts/order.avsc", orderV2)
	aside := `contracts/ is set aside for what services read (contracts/<service>/*.avsc); if your events are there, set "contracts: <another directory>" under schema: in troupe.yaml`
	for _, paths := range [][]string{{"contracts"}, {"."}} {
		w.fails(w.options(paths...), aside)
	}
	w.exits(w.options("contracts/order.avsc"), 2, aside)
	w.exits(w.configured("schema:\n  paths: [contracts]\n  contracts: needs\n"), 0, "1 compatible")
}

func TestHistory_FindsWhatIsMeant(t *testing.T) {
	w := newRepository(t)
	w.commit("old/order.avsc", orderV1)
	w.git("tag", "v1")
	w.commit("old/order.avsc", "", "order.avsc", orderV1)
	w.git("tag", "v2")
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("order.avsc", orderBad)
	o := w.options("order.avsc")
	for _, against := range []string{"v1:old/order.avsc", "git:v1:old", "main:order.avsc"} {
		o.Against = against
		w.exits(o, 1, "Field total (long) is new", strings.TrimPrefix(against, "git:")[strings.IndexByte(strings.TrimPrefix(against, "git:"), ':')+1:])
	}
	o.Against = "v1:nowhere"
	w.fails(o, "v1 has no .avsc file in nowhere")
	o.Against = "v9:old"
	w.fails(o, `no branch, tag or commit "v9"`)
	o.Against = strings.Repeat("0", 40)
	w.exits(o, 1, "merge base of HEAD and main; 000… is what the push of a new branch calls the commit before")
	o.Against, o.Tags, o.Mode = "v2", "v*", schema.FullTransitive
	w.exits(o, 1, "FULL_TRANSITIVE (from --mode), compared with v1–v2\n", "v2@")
	w.fails(w.configured("schema:\n  tags: w*\n", "."), `troupe.yaml:2: tags: no git tag matches "w*"`)
	w.fails(w.configured("schema:\n  against: nope\n", "."), `troupe.yaml:2: against: git knows no branch`)

	out := &workplace{t, gittest.Isolate(t)}
	out.write("v1.avsc", orderV1, "v2.avsc", orderV2)
	out.fails(out.options("v1.avsc", "v2.avsc"), "to compare two files: troupe schema check v2.avsc --against v1.avsc")
}

func TestGit_ACloneOfOneBranchSaysWhatToFetch(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.git("checkout", "--quiet", "-b", "feature")
	w.commit("order.avsc", orderBad)
	w.git("checkout", "--quiet", "main")
	clone := filepath.Join(t.TempDir(), "clone")
	w.git("clone", "--quiet", "--single-branch", "--branch", "feature", "file://"+w.dir, clone)
	o := Options{Dir: clone}
	w.fails(o, "this clone has only the branch feature: git fetch origin main:refs/remotes/origin/main")
	in := &workplace{t, clone}
	in.git("fetch", "--quiet", "origin", "main:refs/remotes/origin/main")
	in.exits(o, 1, "Field total")
	shallow := filepath.Join(t.TempDir(), "shallow")
	w.git("clone", "--quiet", "--depth", "1", "--branch", "feature", "file://"+w.dir, shallow)
	o.Dir = shallow
	w.fails(o, "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'")
	in.dir = shallow
	in.git("fetch", "--quiet", "--unshallow", "origin", "+refs/heads/*:refs/remotes/origin/*")
	in.exits(o, 1, "Field total")
}

func TestRegistry_FindsARenamedRecordByItsAlias(t *testing.T) {
	r := &fakeRegistry{level: schema.Backward, names: []string{"orders-shop.Order"}}
	old, err := schema.Parse(orderV1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Register(t.Context(), "orders-shop.Order", old); err != nil {
		t.Fatal(err)
	}
	w, o := inFiles(t, "new/order.avsc", aliased("Purchase", "Order", `"id": "int"`))
	o.Against, o.Open = "registry", func() (Registry, string, error) { return r, "http://r", nil }
	for _, rules := range [][]SubjectRule{nil, {{Match: "shop.*", Topic: "orders"}}} {
		o.Config = &Config{Subjects: rules}
		w.exits(o, 1, "of orders-shop.Order", "Field id was string and now is int",
			"Compared with registry http://r: schemas that were deleted here are not noticed: a registry has those of others, too.")
	}
}

func TestRegistry_NoticesWhatTheChangeDeletes(t *testing.T) {
	r := &fakeRegistry{level: schema.Backward, names: []string{"orders-shop.Order", "orders-shop.Gone", "orders-shop.Long", "theirs-shop.Other"}}
	for _, subject := range r.names {
		s, err := schema.Parse(record(strings.TrimPrefix(subject[strings.IndexByte(subject, '-'):], "-shop.")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Register(t.Context(), subject, s); err != nil {
			t.Fatal(err)
		}
	}
	w := newRepository(t)
	w.commit("s/order.avsc", record("Order"), "s/gone.avsc", record("Gone"), "s/draft.avsc", record("Draft"), "s/long.avsc", record("Long"))
	w.commit("s/long.avsc", "") // before the change
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("s/gone.avsc", "", "s/draft.avsc", "") // of which one was never registered
	o := w.options("s")
	o.Against, o.Open = "registry", func() (Registry, string, error) { return r, "http://r", nil }
	w.exits(o, 1, "Compared with registry http://r: schemas that were deleted here since main@", "✗ shop.Gone  s/gone.avsc", "s/gone.avsc, and the registry has it: orders-shop.Gone.",
		"1 subject breaking, 1 compatible (")
	o.AllowDeleted = true
	w.exits(o, 0, "1 deleted, 1 compatible (")
	o.AllowDeleted = false
	w.commit("s/order.avsc", "")
	w.exits(o, 1, "2 subjects breaking (")
	r.names = []string{"theirs-shop.Other"} // they were deleted there, too
	w.fails(o, "no .avsc file in s")
	w.write("s/order.avsc", record("Other"))
	w.exits(o, 0, "1 compatible (")
}

func TestText_AnUnnamedSchemaIsSaidToBeNoRecord(t *testing.T) {
	w, o := inFiles(t, "old/a.avsc", `["null", "string"]`, "new/a.avsc", `["null"]`)
	w.exits(o, 1, "✗ new/a.avsc  (a union, not a record)\n")
}

func TestReadConfig_FindsWaiversWithoutATroupeYAML(t *testing.T) {
	w := newRepository(t)
	w.write("waivers.yaml", "waivers:\n  - {subject: a, rule: TYPE_MISMATCH, old: x, new: y, reason: r, owner: o, expires: 2999-01-02}\n", "a/b", "x")
	found, err := FindConfig(filepath.Join(w.dir, "a"))
	if err != nil || !IsWaivers(found) {
		t.Fatalf("%q, %v", found, err)
	}
	c, err := ReadWaivers(found, "waivers.yaml")
	if err != nil || len(c.Waivers) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	w.write("troupe.yaml", "waivers:\n  - {}\n")
	if _, err := ReadConfig(filepath.Join(w.dir, "troupe.yaml"), "troupe.yaml"); err == nil || !strings.Contains(err.Error(), `troupe.yaml:1: unknown key "waivers": it belongs under schema:`) {
		t.Error(err)
	}
}
