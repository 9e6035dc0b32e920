package check

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// aliased is a record that had another name.
func aliased(name, alias string, fields ...string) string {
	return strings.Replace(record(name, fields...), `"fields"`, `"aliases": ["`+alias+`"], "fields"`, 1)
}

func (w *workplace) exits(o Options, exit int, wants ...string) {
	w.Helper()
	r := w.check(o)
	if r.Summary.Exit != exit {
		w.Errorf("exit %d, want %d:\n%s", r.Summary.Exit, exit, text(w.T, r))
	}
	var problems strings.Builder
	for _, p := range r.Problems {
		problems.WriteString(p.Message + "\n")
	}
	says(w.T, text(w.T, r)+problems.String(), wants...)
}

func TestContracts_HoldForARecordThatWasRenamed(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1, "contracts/billing/order.avsc", orderV1)
	w.commit("order.avsc", aliased("Purchase", "Order", `"id": "string"`))
	w.exits(w.options(), 1, "Service billing cannot read new shop.Purchase", "NAME_MISMATCH")
}

func TestGit_TwoRecordsDoNotBecomeOneUnseen(t *testing.T) {
	w := newRepository(t)
	w.commit("a.avsc", record("A", `"id": "string"`), "b.avsc", record("B", `"total": "long"`))
	w.commit("a.avsc", "", "b.avsc", aliased("B", "A", `"total": "long"`))
	w.exits(w.options(), 1, "SUBJECT_DELETED", "✗ shop.A")
}

func TestGit_ABranchIsNotComparedWithItself(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderBad)
	w.git("update-ref", "refs/remotes/origin/main", "HEAD")
	for _, branch := range []string{"main", "origin/main"} {
		o := w.options()
		o.Against = branch
		w.exits(o, 1, "the commit before HEAD, which is on "+branch)
	}
}

func TestGit_ATagWithTheBranchsNameIsNotTheBranch(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("order.avsc", orderBad)
	w.commit("x", "x")
	w.git("tag", "main")
	w.exits(w.options(), 1, "merge base of HEAD and main")
}

func TestGit_InCIWhatABuildLeavesDoesNotHideTheLastCommit(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderBad)
	w.write("generated.avsc", record("Generated"))
	t.Setenv("CI", "true")
	w.exits(w.options(), 1, "the commit before HEAD")
}

func TestGit_FollowsLinks(t *testing.T) {
	w := newRepository(t)
	w.commit("common/c.avsc", record("C", `"id": "string"`), "real/r.avsc", record("R", `"id": "string"`), "a/a.avsc", orderV1)
	for link, target := range map[string]string{"a/common": "../common", "a/r.avsc": "../real/r.avsc", "a/loop": ".", "linked": "a"} {
		if err := os.Symlink(target, filepath.Join(w.dir, filepath.FromSlash(link))); err != nil {
			t.Skip("cannot make symbolic links here:", err)
		}
	}
	w.commit("x", "x")
	w.commit("common/c.avsc", record("C", `"id": "int"`), "real/r.avsc", record("R", `"id": "int"`))
	for _, path := range []string{"a", "linked", "."} {
		w.exits(w.options(path), 1, "✗ shop.C  common/c.avsc", "✗ shop.R  real/r.avsc", "2 subjects breaking, 1 compatible")
	}
	if err := os.Symlink("nowhere", filepath.Join(w.dir, "a/broken.avsc")); err != nil {
		t.Fatal(err)
	}
	w.exits(w.options("a"), 2, "a/broken.avsc: it is a link to nowhere: no such file")
}

func TestGit_WhatIsPassedByIsNotDeleted(t *testing.T) {
	w := newRepository(t)
	w.commit(".idea/a.avsc", record("A"), "x/node_modules/b/b.avsc", record("B"), "order.avsc", orderV1)
	w.commit("order.avsc", orderV2)
	w.exits(w.options(), 0, "1 compatible (")
	w.commit(".idea/a.avsc", record("A", `"id": "string"`))
	w.exits(w.options(".idea"), 1, "✗ shop.A")
}

func TestGit_IgnoredCopiesDefineNothing(t *testing.T) {
	w := newRepository(t)
	w.commit("schemas/order.avsc", record("Order", `"a": "Address"`), "types/address.avsc", record("Address", `"street": "string"`), ".gitignore", "target/\n")
	w.write("target/address.avsc", record("Address", `"street": "string"`))
	w.commit("types/address.avsc", record("Address", `"street": "string"`, `"city": "string"`))
	w.exits(w.options("schemas"), 1, "shop.Order.a.city")
}

func TestGit_ASubmoduleIsNotNew(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderV2, "module/c.avsc", record("C"))
	w.git("-C", "module", "init", "--quiet")
	w.exits(w.options(), 2, "module/c.avsc is in a git repository of its own, module (a submodule?)", "1 compatible, 1 problem")
	o := w.options()
	o.Config = &Config{Exclude: []string{"module"}}
	o.AllowDeleted = true
	w.exits(o, 0, "1 compatible")
}

func TestGit_AHookInAWorktreeSeesTheWholeTree(t *testing.T) {
	w := newRepository(t)
	w.commit("a/order.avsc", orderV1, "b/x.avsc", record("X"), "other/y.avsc", record("Y"))
	w.commit("a/order.avsc", orderBad)
	for _, dir := range []string{filepath.Join(w.dir, ".git"), ".git"} {
		t.Setenv("GIT_DIR", dir)
		w.exits(w.options("a", "b"), 1, "✗ shop.Order  a/order.avsc", "1 subject breaking, 1 compatible (")
	}
}

func TestGit_VersionsThatAreOutStayAsTheyAre(t *testing.T) {
	w := newRepository(t)
	w.commit("orders/1.avsc", orderV1, "orders/2.avsc", orderV2)
	w.commit("orders/1.avsc", strings.Replace(orderV1, `"name": "id"`, `"doc": "Ours.", "name": "id"`, 1), "orders/3.avsc", orderV2)
	w.exits(w.options(), 0, "1 compatible")
	w.exits(w.options("orders/3.avsc"), 0, "1 compatible")
	w.commit("orders/1.avsc", orderBad)
	w.exits(w.options(), 1, "OLD_VERSION_CHANGED", "orders/1.avsc is another schema than in")
	w.commit("orders/1.avsc", "")
	w.exits(w.options(), 1, "OLD_VERSION_CHANGED", "orders/1.avsc is not there any more")
}

func TestContracts_ThatCannotBeCheckedAreSaid(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"a": `+record("Address")), "contracts/billing/address.avsc", record("Address"),
		"contracts/billing/union.avsc", `["null", "string"]`)
	w.commit("x", "x")
	w.exits(w.options(), 0, "billing has a contract for shop.Address (contracts/billing/address.avsc), which is not checked: here it is only a part of order.avsc",
		"(contracts/billing/union.avsc) has no name, and is not checked")
	w.commit("contracts/order.avsc", orderV1)
	w.exits(w.options(), 2, "contracts/order.avsc belongs to no service: contracts/ is set aside for what services read (contracts/<service>/*.avsc)")
	w.commit("contracts/order.avsc", "", "elsewhere/order.avsc", record("Order", `"b": "int"`))
	if err := os.Symlink("../elsewhere", filepath.Join(w.dir, "contracts/shipping")); err != nil {
		t.Skip("cannot make symbolic links here:", err)
	}
	w.exits(w.options("order.avsc"), 1, "Service shipping cannot read shop.Order")
}

func TestContracts_GoFirstAndTheirFixBreaksNobodyElse(t *testing.T) {
	w := newRepository(t)
	note := `"note": "string", "default": ""`
	w.commit("order.avsc", record("Order", `"id": "string"`, note), "contracts/billing/order.avsc", record("Order", `"id": "string"`, `"note": "string"`))
	w.commit("order.avsc", orderV1)
	w.exits(w.options(), 1, "all the same: first service billing, with a schema that can read new events; then any order", `{"name": "note", "type": "string"}`)
	w.commit("x", "x") // now main has no note either
	w.exits(w.options(), 1, "billing's contract asks for note, which shop.Order has not, and had not before.", "contracts/billing/order.avsc:2:1")
}

func TestRun_EachPathHasSchemas(t *testing.T) {
	w := newRepository(t)
	w.commit("a/order.avsc", orderV1, "b/readme", "x")
	w.commit("x", "x")
	w.fails(w.options("a", "b"), "no .avsc file in b")
}

func TestRun_NothingIsCheckedInModeNoneBesideNewSchemas(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderBad, "new.avsc", record("New"))
	o := w.options()
	o.Mode, o.AllowNew = schema.None, true
	w.exits(o, 2, "nothing was checked: the mode of every subject is NONE")
}

func TestGit_TagsWithoutATransitiveModeAreNoted(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.git("tag", "v1")
	w.commit("order.avsc", orderV2)
	o := w.options()
	o.Tags = "v*"
	w.exits(o, 0, "the versions of the tags v* are for the _TRANSITIVE modes")
	o.Mode = schema.BackwardTransitive
	if got := text(t, w.check(o)); strings.Contains(got, "are for the _TRANSITIVE") {
		t.Error(got)
	}
	w.write("order.avsc", "{")
	if got := text(t, w.check(w.options())); strings.Contains(got, "are for the _TRANSITIVE") {
		t.Error(got)
	}
}

func TestFormat_AnnotationsAreFromTheRepositorysRootWhateverIsCompared(t *testing.T) {
	w := newRepository(t)
	w.commit("team/old/order.avsc", orderV1, "team/a:b.avsc", orderBad)
	o := Options{Dir: filepath.Join(w.dir, "team"), Paths: []string{"a:b.avsc"}, Against: "dir:old"}
	for format, want := range map[string]string{"github": "file=team/a%3Ab.avsc,", "sarif": `"uri": "team/a:b.avsc"`, "junit": `file="team/a:b.avsc"`} {
		var b strings.Builder
		if err := w.check(o).Write(&b, format, Style{}); err != nil {
			t.Fatal(err)
		}
		says(t, b.String(), want)
	}
}

func TestGit_AnotherUsersCheckoutSaysWhatToDo(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
	w.fails(w.options(), "dubious ownership", "git config --global --add safe.directory")
}

func TestGit_ATagCountsWhoseNameIsABranchsToo(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"total": "string"`))
	w.git("tag", "v1")
	w.git("branch", "v1")
	w.commit("order.avsc", record("Order"))
	w.git("tag", "v2")
	w.write("order.avsc", record("Order", `"total": "long", "default": 0`))
	o := w.options()
	o.Tags, o.Mode = "v*", schema.BackwardTransitive
	w.exits(o, 1, "Field total was string and now is long", "2 tags (v*)")
}

func TestGit_ALinkOutOfTheRepositoryIsReadAsItsOwnFile(t *testing.T) {
	w := newRepository(t)
	outside := filepath.Join(t.TempDir(), "x.avsc")
	if err := os.WriteFile(outside, []byte("no schema"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(w.dir, "x.avsc")); err != nil {
		t.Skip("cannot make symbolic links here:", err)
	}
	w.commit("order.avsc", orderV1, "gone.avsc", record("Gone"))
	w.commit("gone.avsc", "")
	w.exits(w.options(), 2, "x.avsc:1:1: not JSON", "✗ shop.Gone")
}

func TestGit_IgnoredCopiesDefineNothingBesideASubmoduleEither(t *testing.T) {
	w := newRepository(t)
	w.commit("schemas/order.avsc", record("Order", `"a": "Address"`), "types/address.avsc", record("Address", `"street": "string"`), ".gitignore", "target/\n")
	w.commit("types/address.avsc", record("Address", `"street": "string"`, `"city": "string"`))
	w.write("target/address.avsc", record("Address", `"street": "string"`), "module/c.avsc", record("C"))
	w.git("-C", "module", "init", "--quiet")
	w.git("-C", "module", "add", "--all")
	w.git("-C", "module", "commit", "--quiet", "--message", "x")
	w.git("add", "module")
	w.exits(w.options("schemas"), 1, "shop.Order.a.city")
}

func TestGit_ASparseCheckoutDeletesNothingAndHidesNothing(t *testing.T) {
	w := newRepository(t)
	w.commit("a/order.avsc", orderV1, "b/x.avsc", record("X"))
	w.commit("a/order.avsc", orderV2)
	w.git("sparse-checkout", "set", "a")
	w.exits(w.options(), 0, "1 compatible (")
	w.git("sparse-checkout", "disable")
	w.commit("b/x.avsc", record("X", `"id": "string"`))
	w.git("sparse-checkout", "set", "a")
	w.exits(w.options(), 2, "b/x.avsc has changed and is not checked out")
	w.exits(w.options("a"), 0, "1 compatible (")
}

func TestContracts_MayNameTheRecordAsAnAlias(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1, "contracts/billing/invoice.avsc", aliased("Invoice", "Order", `"total": "long"`))
	w.commit("x", "x")
	w.exits(w.options(), 1, "Service billing cannot read shop.Order")
}

func TestConfig_RulesThatMatchNothingAreNoted(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderV2)
	o := w.options()
	o.Paths, o.Config = nil, &Config{File: "troupe.yaml", Subjects: []SubjectRule{{Match: "shop.Ordr*", Mode: "FULL", line: 3}, {Match: "shop.*"}}}
	w.exits(o, 0, "troupe.yaml:3: match: shop.Ordr* matches no schema. Did you mean shop.Order?")
}

func TestFormat_ThatNothingWasCheckedIsInTheReport(t *testing.T) {
	w := newRepository(t)
	w.commit("x", "x")
	w.commit("order.avsc", orderV1)
	r := w.check(w.options())
	if r.Summary.Exit != 2 {
		t.Errorf("exit %d in the report", r.Summary.Exit)
	}
	for format, want := range map[string]string{"json": `"exit": 2`, "junit": `errors="1"`, "sarif": `"executionSuccessful": false`, "github": "::error title=Could not be checked::nothing was checked", "markdown": "nothing was checked"} {
		var b strings.Builder
		if err := r.Write(&b, format, Style{}); err != nil {
			t.Fatal(err)
		}
		says(t, b.String(), want)
	}
}

func TestWaivers_ThatArePrintedCanBePasted(t *testing.T) {
	w := newRepository(t)
	w.commit("x: #/p.avsc", `"string"`)
	w.commit("x: #/p.avsc", `"int"`)
	printed := w.check(w.options()).PrintWaivers(time.Now())
	printed = strings.NewReplacer(`reason: ""`, `reason: r`, `owner: ""`, `owner: o`).Replace(printed)
	w.write("troupe.yaml", "schema:\n  "+strings.ReplaceAll(printed, "\n", "\n  "))
	config, err := ReadConfig(filepath.Join(w.dir, "troupe.yaml"), "troupe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := w.options()
	o.Config = config
	w.exits(o, 0, "1 waived")
}

// levels is a registry whose subjects have modes of their own.
type levels struct {
	fakeRegistry
	of map[string]schema.Mode
}

func (l *levels) Level(_ context.Context, subject string) (schema.Mode, error) {
	return l.of[subject], nil
}

func TestRun_SubjectsOfOneRecordHaveTheirOwnModes(t *testing.T) {
	old, err := schema.Parse(orderV1)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []map[string]schema.Mode{{"a-shop.Order": schema.Full, "b-shop.Order": schema.None}, {"a-shop.Order": schema.None, "b-shop.Order": schema.Full}} {
		r := &levels{fakeRegistry{names: []string{"a-shop.Order", "b-shop.Order", "orders-value"}}, of}
		for _, subject := range r.names {
			if _, err := r.Register(t.Context(), subject, old); err != nil {
				t.Fatal(err)
			}
		}
		w, o := inFiles(t, "new/order.avsc", orderV2, "new/refund.avsc", record("Refund"))
		o.Against, o.Open = "registry", func() (Registry, string, error) { return r, "http://r", nil }
		got := text(t, w.check(o))
		says(t, got, "FULL (from the registry for ", "1 new, 1 compatible (", "does not have this schema, no subject shop.Refund or <topic>-shop.Refund")
		o.Config = &Config{Subjects: []SubjectRule{{Match: "shop.Refund", Subject: "refunds"}}}
		says(t, text(t, w.check(o)), "does not have this schema, no subject refunds")
	}
}

func TestGit_TheDeployOrderKnowsOlderVersions(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"total": "string"`))
	w.git("tag", "v1")
	w.commit("order.avsc", record("Order", `"id": "string"`))
	w.write("order.avsc", orderV2)
	o := w.options()
	o.Tags, o.Mode = "v*", schema.BackwardTransitive
	got := text(t, w.check(o))
	says(t, got, "TYPE_MISMATCH", "If it must go out all the same: producers first; consumers only when no old events are left to read")
}

func TestGit_FilesThatWereNoSchemasBeforeAreToldInShort(t *testing.T) {
	w := newRepository(t)
	bad := record("Bad", `"n": "int8"`)
	w.commit("a/1x.avsc", bad, "a/2x.avsc", bad, "a/3x.avsc", bad, "order.avsc", orderV1)
	w.commit("order.avsc", orderV2)
	w.exits(w.options(), 2, "a/1x.avsc:", "a/2x.avsc:", "a/3x.avsc:")
	w.commit("a/4x.avsc", bad, "a/5x.avsc", bad)
	w.commit("a/5x.avsc", strings.Replace(bad, "int8", "int16", 1), "z.avsc", "{")
	r := w.check(w.options())
	if len(r.Problems) != 3 || r.Problems[0].File != "a/5x.avsc" || r.Problems[1].File != "z.avsc" || len(r.Problems[2].Same) != 4 {
		t.Fatalf("%+v", r.Problems)
	}
	says(t, r.Problems[2].Message, "4 files were no schemas in HEAD^@", ` either: repair them, or leave them out ("exclude" under schema: in troupe.yaml); -o json has them all. The first: a/1x.avsc:1:`)
	says(t, r.String(), ", 6 problems (")
	if r.Summary.Exit != 2 {
		t.Error(r.Summary)
	}
}
