package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/internal/git/gittest"
	"github.com/troupe-go/troupe/schema"
)

var (
	orderV1 = record("Order", `"id": "string"`)
	orderV2 = record("Order", `"id": "string"`, `"total": "long", "default": 0`)
	// orderBad cannot read what orderV1 wrote.
	orderBad = record("Order", `"id": "string"`, `"total": "long"`)
)

func TestGit_ComparesABranchWithWhereItLeftMain(t *testing.T) {
	w := newRepository(t)
	w.commit("schemas/order.avsc", orderV1)
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("schemas/order.avsc", orderBad)
	left := w.git("rev-parse", "--short=7", "main")
	w.git("checkout", "--quiet", "main")
	w.commit("schemas/order.avsc", orderBad, "more", "x") // what happens on main afterwards makes no difference
	w.git("checkout", "--quiet", "change")
	r := w.check(w.options("schemas"))
	says(t, text(t, r), "Compared with main@"+left+": merge base of HEAD and main",
		"New consumers cannot read the events of main that are still in the topic", "schemas/order.avsc:2:1",
		"1 subject breaking (against main@"+left+", BACKWARD)")
	if r.Summary.Exit != 1 {
		t.Errorf("exit %d", r.Summary.Exit)
	}
}

func TestGit_PrefersTheRemotesMainBranchAndWhatTheCISystemNames(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.git("update-ref", "refs/remotes/origin/trunk", "HEAD")
	w.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("order.avsc", orderV2)
	w.git("update-ref", "refs/remotes/origin/release", "HEAD")
	w.commit("order.avsc", orderV2+"\n")
	says(t, text(t, w.check(w.options())), "merge base of HEAD and origin/trunk")
	t.Setenv("GITHUB_BASE_REF", "release")
	says(t, text(t, w.check(w.options())), "merge base of HEAD and origin/release")
	t.Setenv("GITHUB_BASE_REF", "gone")
	w.fails(w.options(), "origin/gone", "GITHUB_BASE_REF", "git fetch origin gone")
}

func TestGit_OnMainComparesWithTheParentOrWhatIsCommitted(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.fails(w.options(), "first commit of main", "--against")
	w.commit("order.avsc", orderBad)
	says(t, text(t, w.check(w.options())), "the commit before HEAD, which is on main", "1 subject breaking")
	w.write("order.avsc", orderV1)
	says(t, text(t, w.check(w.options())), "only what is not committed yet differs", "against main@")
}

func TestGit_NamedRevisionsAreTakenAsTheyAre(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.git("tag", "v1")
	w.commit("order.avsc", orderV2)
	w.commit("order.avsc", orderBad)
	for _, revision := range []string{"v1", "git:v1", "HEAD~2", w.git("rev-parse", "v1")} {
		o := w.options()
		o.Against = revision
		says(t, text(t, w.check(o)), "1 subject breaking (against ")
	}
	o := w.options()
	o.Against = "v9"
	w.fails(o, `git knows no branch, tag or commit "v9"`)
	o.Against = "--upload-pack=x"
	w.fails(o, "git knows no branch")
	w.write("v1/order.avsc", orderV1)
	o.Against = "v1"
	w.fails(o, "git:v1 or dir:v1")
}

func TestGit_FollowsASchemaToAnotherFile(t *testing.T) {
	w := newRepository(t)
	w.commit("schemas/old name.avsc", orderV1, "elsewhere/b.avsc", record("B", `"id": "string"`))
	w.commit("schemas/old name.avsc", "", "elsewhere/b.avsc", "",
		"schemas/ordér placed.avsc", orderBad, "schemas/b.avsc", record("B", `"id": "int"`))
	r := w.check(w.options("schemas"))
	says(t, text(t, r), "schemas/ordér placed.avsc:2:1", "2 subjects breaking")
	if got := r.Subjects[1].Findings[0].Old.File; !strings.HasSuffix(got, ":schemas/old name.avsc") {
		t.Errorf("the old file is %q", got)
	}
}

func TestGit_FollowsARecordToAnotherName(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", strings.Replace(record("Purchase", `"id": "int"`), `"fields"`, `"aliases": ["Order"], "fields"`, 1))
	r := w.check(w.options())
	says(t, text(t, r), "✗ shop.Purchase", "Field id was string and now is int", "1 subject breaking (")
}

func TestGit_WorksInASubdirectoryAndAWorktree(t *testing.T) {
	w := newRepository(t)
	w.commit("team/schemas/order.avsc", orderV1, "team/x", "x")
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("team/schemas/order.avsc", orderBad)
	o := Options{Dir: filepath.Join(w.dir, "team")}
	r := w.check(o)
	says(t, text(t, r), "✗ shop.Order  schemas/order.avsc")
	if got := r.inRepository("schemas/order.avsc"); got != "team/schemas/order.avsc" {
		t.Errorf("in the repository it is %q", got)
	}
	other := filepath.Join(t.TempDir(), "tree")
	w.git("worktree", "add", "--quiet", "--detach", other, "change")
	says(t, text(t, w.check(Options{Dir: other})), "✗ shop.Order  team/schemas/order.avsc")
	// From a directory outside, the repository of the path counts.
	says(t, text(t, w.check(Options{Dir: t.TempDir(), Paths: []string{filepath.Join(w.dir, "team")}})), "1 subject breaking")
}

func TestGit_SaysHowToDeepenAShallowClone(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderV2)
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("order.avsc", orderBad)
	w.git("checkout", "--quiet", "main")
	w.commit("other", "x")
	for _, branch := range []string{"main", "change"} {
		clone := filepath.Join(t.TempDir(), "clone")
		w.git("clone", "--quiet", "--depth=1", "--no-single-branch", "--branch="+branch, "file://"+w.dir, clone)
		w.fails(Options{Dir: clone}, "shallow clone", "fetch-depth: 0")
	}
	clone := filepath.Join(t.TempDir(), "clone")
	w.git("clone", "--quiet", "--depth=1", "--branch=change", "file://"+w.dir, clone)
	t.Setenv("GITHUB_BASE_REF", "main")
	w.fails(Options{Dir: clone}, "origin/main", "fetch-depth: 0")
	w.fails(Options{Dir: clone, Against: "v1"}, "fetch-depth: 0")
	w.fails(Options{Dir: clone, Tags: "v*", Against: "HEAD"}, "fetch-depth: 0")
}

func TestGit_TagsAreTheHistoryOfTransitiveModes(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"id": "string"`, `"total": "string"`))
	w.git("tag", "v1.9.0")
	w.commit("order.avsc", record("Order", `"id": "string"`))
	for _, tag := range []string{"v1.10.0", "v1.11.0", "other"} {
		w.git("tag", tag)
	}
	w.commit("order.avsc", orderV2)
	w.git("checkout", "--quiet", "-b", "change")
	w.write("order.avsc", orderV2+"\n")
	o := w.options()
	o.Tags, o.Mode = "v*", schema.BackwardTransitive
	r := w.check(o)
	says(t, text(t, r), "compared with v1.9.0, v1.10.0–v1.11.0 and main",
		"New consumers cannot read the events of v1.9.0 that are still", "Field total was string and now is long", "3 tags (v*)")
	o.Mode = schema.Backward
	says(t, text(t, w.check(o)), "1 compatible")
	w.write("order.avsc", record("Order", `"total": "long", "default": 0`))
	says(t, text(t, w.check(o)), "! shop.Order cannot read the events of v1.9.0: BACKWARD asks about the last version only, BACKWARD_TRANSITIVE about all\n")
	o.Tags = "w*"
	w.fails(o, `no git tag matches "w*"`)
}

func TestGit_OneFindingNamesAllItsVersions(t *testing.T) {
	w := newRepository(t)
	for i, typ := range []string{"string", "boolean", "int"} {
		w.commit("order.avsc", record("Order", `"id": "`+typ+`"`))
		w.git("tag", "v"+string(rune('1'+i)))
	}
	w.write("order.avsc", record("Order", `"id": "int"`, `"total": "long"`))
	o := w.options()
	o.Tags, o.Mode = "v*", schema.FullTransitive
	r := w.check(o)
	for _, f := range r.Subjects[0].Findings {
		if f.Field == "shop.Order.total" && strings.Join(f.Versions, " ") != "v1 v2 v3–main" {
			t.Errorf("total breaks with %v", f.Versions)
		}
	}
	says(t, text(t, r), "New consumers cannot read the events of v1, v2 and v3–main that are still in the topic",
		"Consumers on v1 cannot read new events")
}

func TestGit_PassesByWhatGitIgnores(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1, ".gitignore", "build/\n")
	w.write("order.avsc", orderV2, "build/order.avsc", "no schema at all")
	says(t, text(t, w.check(w.options())), "1 compatible")
	w.fails(w.options("build"), "git ignores every .avsc file in build (1)")
}

func TestGit_IsNotThere(t *testing.T) {
	w := &workplace{t, gittest.Isolate(t)}
	w.write("order.avsc", orderV1)
	w.fails(w.options(), "not in a git repository", "--against DIR|FILE|registry")
	t.Setenv("PATH", t.TempDir())
	if _, err := exec.LookPath("git"); err == nil {
		t.Skip("git is found even with an empty PATH")
	}
	w.fails(w.options(), "git is not installed", "--against DIR")
	w.write("old/order.avsc", orderV1)
	o := w.options("order.avsc")
	o.Against = "old" // needs no git
	says(t, text(t, w.check(o)), "1 compatible (against old, BACKWARD)")
}

func TestGit_AnOldVersionThatIsNoSchemaIsAFinding(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", `{"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "strin"}]}`)
	w.commit("order.avsc", orderV1)
	r := w.check(w.options())
	says(t, text(t, r), "OLD_VERSION_UNREADABLE", `unknown type "strin"`, "1 subject breaking")
	w.commit("order.avsc", "{")
	w.commit("order.avsc", orderV1)
	says(t, text(t, w.check(w.options())), "OLD_VERSION_UNREADABLE", "1 subject breaking")
}

func TestGit_ADeletedSchemaThatLooksRenamedIsSaidToBe(t *testing.T) {
	w := newRepository(t)
	w.commit("a.avsc", record("OldAcceleration", `"x": "int"`), "b.avsc", record("OldRotation", `"x": "int"`))
	w.commit("a.avsc", "", "b.avsc", "", "c.avsc", record("Acceleration", `"x": "long"`), "d.avsc", record("Rotation", `"x": "int"`))
	says(t, text(t, w.check(w.options())), "if it is called shop.Acceleration now (c.avsc)", `"aliases": ["shop.OldAcceleration"]`, "if it is called shop.Rotation now (d.avsc)")
}

func TestGit_DeletedSchemasFailUntilSomebodyMeansIt(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1, "refund.avsc", record("Refund", `"id": "string"`),
		"contracts/billing/refund.avsc", record("Refund", `"id": "string"`))
	w.commit("order.avsc", "")
	r := w.check(w.options())
	says(t, text(t, r), "✗ shop.Order", "SUBJECT_DELETED", "--allow-deleted", "1 subject breaking, 1 compatible")
	o := w.options()
	o.AllowDeleted = true
	says(t, text(t, w.check(o)), "- shop.Order", "1 deleted, 1 compatible")
	o = w.options()
	o.Config = &Config{Subjects: []SubjectRule{{Match: "shop.O*", Deleted: "allow"}}}
	says(t, text(t, w.check(o)), "1 deleted, 1 compatible")
	// Whoever has a contract still reads it.
	w.commit("refund.avsc", "", "order.avsc", orderV1)
	o.AllowDeleted = true
	says(t, text(t, w.check(o)), "Service billing still reads it", "1 subject breaking")
	// A schema that becomes a part of another file is no event of its own any more.
	w.commit("order.avsc", record("Order", `"refund": `+record("Refund", `"id": "string"`)), "contracts/billing/refund.avsc", "", "refund.avsc", record("Refund", `"id": "string"`))
	w.commit("refund.avsc", "")
	says(t, text(t, w.check(w.options())), "SUBJECT_DELETED")
}

func TestRun_NothingButNewSchemasIsNotGreen(t *testing.T) {
	w := newRepository(t)
	w.commit("x", "x")
	w.commit("order.avsc", orderV1)
	r := w.check(w.options())
	if r.Summary.Exit != 2 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, "none of the 1 schema here; if they are all new, say so with --allow-new") {
		t.Errorf("%+v", r.Problems)
	}
	says(t, text(t, r), "+ shop.Order  order.avsc: new: HEAD^@", "does not have this schema")
	for _, format := range []string{"github", "markdown", "junit", "sarif", "json"} {
		var b strings.Builder
		if err := r.Write(&b, format, Style{}); err != nil {
			t.Fatal(err)
		}
		says(t, b.String(), "nothing was checked")
	}
	o := w.options()
	o.AllowNew = true
	says(t, text(t, w.check(o)), "1 new")
	o.Mode = schema.None
	w.commit("order.avsc", orderV2)
	if r := w.check(o); len(r.Problems) != 1 || r.Problems[0].Message != "nothing was checked: the mode of every subject is NONE (from --mode)" {
		t.Errorf("%+v", r.Problems)
	}
	w.commit("refund.avsc", record("Refund"))
	says(t, text(t, w.check(w.options())), "1 new, 1 compatible")
	if err := os.RemoveAll(filepath.Join(w.dir, "refund.avsc")); err != nil {
		t.Fatal(err)
	}
}

func TestGit_WhatABrokenFileMayHoldIsNotDeleted(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1, "other.avsc", record("Other"))
	w.commit("order.avsc", "", "other.avsc", "", "moved/order.avsc", strings.TrimSuffix(orderV1, "}"))
	r := w.check(w.options())
	if got := text(t, r); strings.Contains(got, "shop.Order ") || !strings.Contains(got, "✗ shop.Other") || r.Summary.Exit != 2 {
		t.Error(got)
	}
}

func TestGit_AFieldThatIsGoneIsShownWhereItWas(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"id": "string"`, `"total": "long"`, `"n": "int"`), "contracts/billing/order.avsc", record("Order", `"total": "long"`))
	old := w.git("rev-parse", "--short=7", "HEAD")
	w.commit("order.avsc", record("Order", `"zero": "int", "default": 0`, `"id": "string"`, `"n": "int"`))
	o := w.options()
	o.Mode = schema.Full
	says(t, text(t, w.check(o)), "order.avsc:2:1  READER_FIELD_MISSING_DEFAULT_VALUE\n      shop.Order.total ("+old+":order.avsc:2:1)\n",
		"shop.Order.total (contracts/billing/order.avsc:1:69)\n")
}

func TestGit_AMovedFileIsComparedWithItselfAlsoWhereOthersHaveItsName(t *testing.T) {
	v1, v2, v3 := orderV1, record("Order", `"id": "string"`, `"total": "long"`), record("Order", `"id": "string"`, `"sum": "long"`)
	w := newRepository(t)
	w.commit("a/Order/v1/Order.avsc", v1, "a/Order/v2/Order.avsc", v2, "a/Order/v3/Order.avsc", v3)
	w.commit("a/Order/v1/Order.avsc", "", "a/Order/v2/Order.avsc", "", "a/Order/v3/Order.avsc", "",
		"b/c/Order/v1/Order.avsc", v1, "b/c/Order/v2/Order.avsc", record("Order", `"id": "string"`, `"total": "double"`), "b/c/Order/v3/Order.avsc", v3)
	o := w.options()
	o.Mode = schema.Full
	says(t, text(t, w.check(o)), "b/c/Order/v2/Order.avsc:2:27", "Field total now is double", "1 subject breaking, 2 compatible, 1 warning (against ")
	w.commit("b/c/Order/v4/Order.avsc", record("Order", `"id": "string"`, `"total": "long"`, `"sum": "long"`))
	says(t, text(t, w.check(o)), "b/c/Order/v4/Order.avsc", "compared with HEAD^:v3/Order.avsc", "Field total (long) is new")

	w = newRepository(t)
	w.commit("geo/order_x.avsc", v1, "geo/order.avsc", v2)
	w.commit("geo/order_x.avsc", "", "geo/order-x.avsc", orderV2)
	says(t, text(t, w.check(w.options())), "2 compatible")
}

func TestGit_CommentsAreRead(t *testing.T) {
	w := newRepository(t)
	licence := "/* Licensed to \"somebody\"\n * under // terms */\n"
	w.commit("order.avsc", licence+record("Order", `"id": "string", "doc": "see http://a/*b*/"`)+"// the end")
	w.commit("order.avsc", licence+record("Order", `"id": "string", "doc": "see http://a/*b*/"`, `"total": "long"`))
	says(t, text(t, w.check(w.options())), "order.avsc:4:1", "Field total (long) is new")
	w.commit("order.avsc", licence+orderV1+"/* never closed")
	w.exits(w.options(), 2, "order.avsc:3:", "a comment that is never closed")
	w.commit("order.avsc", licence+orderV1)
	w.commit("order.avsc", orderV1)
	w.exits(w.options(), 0, "1 compatible")
	w.commit("line.avsc", licence+record("Line", `"id": "string"`), "order.avsc", "// uses another file\n"+record("Order", `"id": "string"`, `"line": ["null", "Line"], "default": null`))
	w.exits(w.options(), 0, "1 new, 1 compatible")
}

func TestGit_AFullCommitIDIsShownShort(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", orderV1)
	w.commit("order.avsc", orderBad)
	o := w.options()
	o.Against = w.git("rev-parse", "HEAD~")
	out := text(t, w.check(o))
	says(t, out, "cannot read the events of "+o.Against[:7]+" that", "(against "+o.Against[:7]+", BACKWARD)")
	if strings.Contains(out, o.Against) {
		t.Errorf("the report has all digits of the commit:\n%s", out)
	}
}

// What other tools let pass in the history is read as well as it can be: it must not block the commit that repairs it.
func TestGit_TheHistoryIsReadGenerously(t *testing.T) {
	state := `{"type": "enum", "doc": "it", "name": "State",
"symbols": ["A", "B"]}`
	twice := record("Order", `"a": `+state, `"b": ["null", `+strings.Replace(state, `"doc": "it", `, "", 1)+`], "default": null`, `"n": "int"`)
	once := record("Order", `"a": `+state, `"b": ["null", "State"], "default": null`, `"n": "int"`)
	w := newRepository(t)
	w.commit("order.avsc", twice)
	w.exits(w.options(), 2, "shop.State is defined a second time")
	w.commit("order.avsc", once)
	w.exits(w.options(), 0, "1 compatible")
	w.git("reset", "--quiet", "--hard", "HEAD^")
	o := w.options()
	o.Mode = schema.Full
	w.commit("order.avsc", strings.Replace(once, `,
{"name": "n", "type": "int"}`, "", 1))
	w.exits(o, 1, "order.avsc:5:1)", "Field n (int) is not in new events") // what breaks is seen, and where

	w = newRepository(t)
	illegal := strings.ReplaceAll(once, "shop", "shop_0.1")
	w.commit("order.avsc", illegal, "item.avsc", strings.Replace(illegal, "Order", "Item", 1))
	w.commit("order.avsc", strings.ReplaceAll(once, "shop", "shop_0_1"), "item.avsc", "")
	w.exits(w.options(), 0, "all consumers first, then producers")
	w.commit("order.avsc", strings.ReplaceAll(illegal, "Order", "Or-der"))
	w.commit("order.avsc", once)
	w.exits(w.options(), 1, "OLD_VERSION_UNREADABLE")
}
