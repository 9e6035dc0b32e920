package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadConfig_SaysWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"empty", "", ""},
		{"only a comment", "# nothing\n", ""},
		{"of others", "other: {x: 1}\nschema:\n  paths: [a]\n", `troupe.yaml:1: unknown key "other": known are schema`},
		{"complete", `schema:
  paths: [schemas]
  exclude: ["**/testdata/**"]
  contracts: contracts
  against: origin/main
  tags: v*
  mode: FULL_TRANSITIVE
  deleted: fail
  subjects:
    - {match: "shop.*", mode: NONE, deleted: allow, topic: orders, naming: topic-record}
    - {match: "x", subject: x-value}
  waivers:
    - {subject: a, rule: TYPE_MISMATCH, path: /a, old: x, new: y, reason: r, owner: o, expires: 2026-01-02}
`, ""},
		{"misspelt key", "schema:\n  path: [a]\n", `troupe.yaml:2: unknown key "path": did you mean "paths"?`},
		{"unknown key", "schema:\n  subjects:\n    - match: x\n      colour: red\n", `troupe.yaml:4: unknown key "colour": known are match, mode, deleted, new, topic, naming, subject`},
		{"wrong type", "schema:\n  paths: {a: b}\n", "troupe.yaml:2: cannot unmarshal !!map into []string"},
		{"no YAML", "schema: [\n", "troupe.yaml:1: did not find expected node content"},
		{"mode", "schema:\n\n  mode: SIDEWAYS\n", `troupe.yaml:3: `},
		{"mode of a subject", "schema:\n  subjects:\n    - {match: a, mode: x}\n", "troupe.yaml:3: "},
		{"no match", "schema:\n  subjects:\n    - {mode: NONE}\n", `troupe.yaml:3: a rule for subjects needs "match"`},
		{"bad glob", "schema:\n  subjects:\n    - {match: '['}\n", `troupe.yaml:3: "[" is no glob`},
		{"naming", "schema:\n  subjects:\n    - {match: a, naming: topics}\n", `naming "topics" is none of topic-record, topic, record`},
		{"topic", "schema:\n  subjects:\n    - {match: a, naming: topic}\n", `needs the topic`},
		{"deleted", "schema:\n  deleted: yes please\n", `deleted "yes please" is none of allow, fail`},
		{"waiver without owner", "schema:\n  waivers:\n    - {subject: a, rule: TYPE_MISMATCH, reason: r}\n", `troupe.yaml:3: waiver needs "owner"`},
		{"waiver's rule", "schema:\n  waivers:\n    - {subject: a, rule: TYPE_MISMACH, reason: r, owner: o, expires: x}\n", `did you mean TYPE_MISMATCH?`},
		{"waiver's day", "schema:\n  waivers:\n    - {subject: a, rule: TYPE_MISMATCH, old: x, new: y, reason: r, owner: o, expires: soon}\n", `expires "soon", which is no day such as 2026-12-31`},
		{"waiver's schemas", "schema:\n  waivers:\n    - {subject: a, rule: TYPE_MISMATCH, reason: r, owner: o, expires: 2026-01-01}\n", `--print-waivers`},
		{"waiver's consumers", "schema:\n  waivers:\n    - {subject: a, rule: TYPE_MISMATCH, old: x, new: y, breaks: everybody, reason: r, owner: o, expires: 2026-01-01}\n", `breaks "everybody" is none of new consumers, old consumers`},
		{"waiver's service breaks", "schema:\n  waivers:\n    - {subject: a, rule: TYPE_MISMATCH, old: x, new: y, breaks: old consumers, service: s, reason: r, owner: o, expires: 2026-01-01}\n", `leave it out`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "troupe.yaml")
			if err := os.WriteFile(file, []byte(c.yaml), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadConfig(file, "troupe.yaml")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v does not say %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "\n"):
				t.Errorf("error %q has several lines", err)
			}
		})
	}
}

func TestFindConfig_StopsAtTheRepository(t *testing.T) {
	w := newRepository(t)
	w.write("troupe.yaml", "# nothing\n", "a/b/x", "x", "a/inner/y", "y")
	if found, err := FindConfig(filepath.Join(w.dir, "a/b")); err != nil || filepath.Base(filepath.Dir(found)) != filepath.Base(w.dir) {
		t.Errorf("%q, %v", found, err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "a/inner/.git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if found, err := FindConfig(filepath.Join(w.dir, "a/inner")); err != nil || found != "" {
		t.Errorf("%q, %v", found, err)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"testdata", "a/testdata/b.avsc", true}, {"*.avsc", "a/b.avsc", true}, {"a/*.avsc", "a/b/c.avsc", false},
		{"a/**/c.avsc", "a/b/d/c.avsc", true}, {"a/**", "a/b.avsc", true}, {"a/", "a/b.avsc", true}, {"b", "a.avsc", false},
		{"**/gen/**", "x/gen/y/z.avsc", true}, {"./a/b.avsc", "a/b.avsc", true},
	} {
		if got := matches(c.glob, c.path); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.glob, c.path, got)
		}
	}
}
