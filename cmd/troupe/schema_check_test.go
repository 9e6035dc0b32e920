package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/check"
	"github.com/troupe-go/troupe/internal/git/gittest"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

// checkPlace is a directory to run schema check in, independent of the machine's settings.
type checkPlace struct{ *testing.T }

func newCheckPlace(t *testing.T, files ...string) *checkPlace {
	t.Helper()
	for _, name := range []string{"TROUPE_REGISTRY", "TROUPE_REGISTRY_USERNAME", "TROUPE_REGISTRY_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Chdir(gittest.Isolate(t))
	p := &checkPlace{t}
	p.write(files...)
	return p
}

// write writes files into the working directory: path and text in turn. "" as the text removes a file.
func (p *checkPlace) write(files ...string) {
	p.Helper()
	for i := 0; i < len(files); i += 2 {
		if files[i+1] == "" {
			if err := os.Remove(files[i]); err != nil {
				p.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(files[i]), 0o755); err != nil {
			p.Fatal(err)
		}
		if err := os.WriteFile(files[i], []byte(files[i+1]), 0o644); err != nil {
			p.Fatal(err)
		}
	}
}

func (p *checkPlace) git(args ...string) {
	p.Helper()
	if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
		p.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (p *checkPlace) commit(files ...string) {
	p.Helper()
	p.write(files...)
	p.git("add", "--all")
	p.git("commit", "--quiet", "--message", "x")
}

// check runs schema check and returns its exit code and what it printed.
func (p *checkPlace) check(args ...string) (code int, out, errs string) {
	p.Helper()
	var o, e bytes.Buffer
	code = run(p.Context(), append([]string{"schema", "check"}, args...), strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// fails runs schema check and expects exit code 2 and one line on stderr.
func (p *checkPlace) fails(args []string, says ...string) {
	p.Helper()
	code, out, errs := p.check(args...)
	if code != 2 || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "troupe: ") {
		p.Errorf("%v: exit code %d, stdout %q, stderr %q; want 2 and one line", args, code, out, errs)
	}
	for _, s := range says {
		if !strings.Contains(errs, s) {
			p.Errorf("%v: stderr %q does not say %q", args, errs, s)
		}
	}
	if strings.Contains(errs+out, "goroutine ") {
		p.Errorf("%v: a stack trace: %s%s", args, out, errs)
	}
}

const (
	checkOrder    = `{"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "string"}]}`
	checkOrderTwo = `{"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "string"}, {"name": "total", "type": "long", "default": 0}]}`
	checkOrderBad = `{"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "string"}, {"name": "total", "type": "long"}]}`
)

func TestSchemaCheck_SaysWithItsExitCodeWhatItFound(t *testing.T) {
	p := newCheckPlace(t, "old.avsc", checkOrder, "two.avsc", checkOrderTwo, "bad.avsc", checkOrderBad, "none.avsc", "{")
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"two.avsc", "--against", "old.avsc"}, 0},
		{[]string{"bad.avsc", "--against", "old.avsc"}, 1},
		{[]string{"bad.avsc", "--against", "old.avsc", "--mode", "forward"}, 0},
		{[]string{"bad.avsc", "none.avsc", "--against", "old.avsc"}, 2},
		{[]string{"two.avsc", "--against", "old.avsc", "--mode", "NONE"}, 2},
	} {
		for _, format := range check.Formats {
			if code, out, errs := p.check(append(c.args, "-o", format)...); code != c.code {
				t.Errorf("%v -o %s: exit code %d, want %d\n%s%s", c.args, format, code, c.code, out, errs)
			} else if code < 2 && (errs != "" || out == "") {
				t.Errorf("%v -o %s: stdout %q, stderr %q", c.args, format, out, errs)
			}
		}
	}
}

func TestSchemaCheck_BadInputIsOneLineThatSaysWhatToDo(t *testing.T) {
	old := []string{"--against", "old"}
	p := newCheckPlace(t, "old/order.avsc", checkOrder, "empty/readme.txt", "nothing here",
		"json/a.avsc", "this is no JSON",
		"unknown/a.avsc", `{"type": "record", "name": "A", "fields": [{"name": "x", "type": "Mony"}]}`,
		"twice/a.avsc", `{"type": "record", "name": "A", "fields": [{"name": "x", "type": {"type": "record", "name": "A", "fields": []}}]}`,
		"circle/a.avsc", `{"type": "record", "name": "A", "fields": [{"name": "b", "type": "B"}]}`,
		"circle/b.avsc", `{"type": "record", "name": "B", "fields": [{"name": "a", "type": "A"}]}`,
		"huge/a.avsc", `{"type": "record", "name": "A", "doc": "`+strings.Repeat("x", 10_000_000)+`", "fields": []}`,
		"deep/a.avsc", strings.Repeat(`{"type": "array", "items": `, 10_000)+`"int"`+strings.Repeat("}", 10_000),
		"nested/a.avsc", nestedRecords(10_000),
		"directory.avsc/x.txt", "x")
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"json"}, []string{"json/a.avsc:1:1: not JSON"}},
		{[]string{"unknown"}, []string{`unknown/a.avsc:1:66: unknown type "Mony"`}},
		{[]string{"twice"}, []string{"twice/a.avsc:1:", "A is defined a second time"}},
		{[]string{"circle"}, []string{"in a circle: A (circle/a.avsc) -> B (circle/b.avsc) -> A", "define these types in one file"}},
		{[]string{"huge"}, []string{"huge/a.avsc", "10.0 MB"}},
		{[]string{"deep"}, []string{"deep/a.avsc:1:", "nested"}},
		{[]string{"nested"}, []string{"nested/a.avsc:1:", "nested"}},
		{[]string{"empty"}, []string{"no .avsc file in empty"}},
		{[]string{"gone"}, []string{"gone does not exist: name a .avsc file or a directory of them"}},
		{[]string{"directory.avsc"}, []string{"no .avsc file in directory.avsc"}},
		{[]string{"old", "--against", "empty"}, []string{"no .avsc file in empty, which is what to compare with"}},
		{[]string{"old", "--against", "dir:gone"}, []string{"gone does not exist"}},
		{[]string{"old", "--against", "gone"}, []string{"old is not in a git repository", "--against DIR|FILE|registry"}},
		{[]string{"old", "--against", ""}, []string{"not in a git repository"}},
		{[]string{"old", "--against", "registry"}, []string{"which registry?", "TROUPE_REGISTRY"}},
		{[]string{"old", "--against", "registry", "--registry", "nonsense"}, []string{"http://host:port"}},
		{[]string{"old", "--mode", "SIDEWAYS"}, []string{"--mode", "SIDEWAYS"}},
		{[]string{"old", "-o", "html"}, []string{`-o "html" is none of text, json, github, gitlab, sarif, junit, markdown`}},
		{[]string{"old", "--emulate", "karapace"}, []string{"only confluent is known"}},
		{[]string{"old", "--timeout", "0s"}, []string{"--timeout"}},
		{[]string{"old", "--config", "gone.yaml"}, []string{"gone.yaml"}},
		{[]string{"old", "--againts", "x"}, []string{"did you mean --against?"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			args := c.args
			if !strings.Contains(strings.Join(args, " "), "--against") {
				args = append(args, old...)
			}
			(&checkPlace{t}).fails(args, c.says...)
		})
	}
	p.git("init", "--quiet", "--initial-branch=main")
	p.fails([]string{"old"}, "no commit yet")
	p.commit("x", "x")
	p.commit("y", "y")
	p.fails([]string{"old", "--against", "v9"}, `git knows no branch, tag or commit "v9"`)
	p.fails([]string{"old", "--tags", "*"}, "no git tag matches")
	p.write("troupe.yaml", "schema:\n  mood: FULL\n")
	p.fails([]string{"old"}, `troupe.yaml:2: unknown key "mood": did you mean "mode"?`)
	p.write("troupe.yaml", "# nothing\n")
	t.Setenv("PATH", t.TempDir())
	p.fails([]string{"old"}, "git is not installed")
}

func TestSchemaCheck_SaysInEveryFormatWhyNothingWasChecked(t *testing.T) {
	p := newCheckPlace(t, "order.avsc", checkOrder)
	p.git("init", "--quiet", "--initial-branch=main")
	for _, format := range []string{"json", "github", "sarif", "junit", "markdown"} {
		code, out, errs := p.check("-o", format)
		if code != 2 || !strings.Contains(out, "no commit yet") || !strings.Contains(errs, "no commit yet") || strings.Count(errs, "\n") != 1 {
			t.Errorf("-o %s: exit code %d\n%s%s", format, code, out, errs)
		}
	}
	p.write("troupe.yaml", "schema:\n  new: allow\n")
	if code, out, errs := p.check("-o", "github"); code != 0 || !strings.Contains(out, "1 new") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestSchemaCheck_FindsWaiversOfTheirOwn(t *testing.T) {
	p := newCheckPlace(t, "old/order.avsc", checkOrder, "new/order.avsc", checkOrderBad)
	_, printed, _ := p.check("new", "--against", "old", "--print-waivers")
	p.write("waivers.yaml", strings.NewReplacer(`reason: ""`, "reason: r", `owner: ""`, "owner: o").Replace(printed))
	if code, out, errs := p.check("new", "--against", "old"); code != 0 || !strings.Contains(out, "1 waived") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// nestedRecords is a record in a record in a record.
func nestedRecords(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type": "record", "name": "R%d", "fields": [{"name": "x", "type": `, i)
	}
	return b.String() + `"int"` + strings.Repeat("}]}", n)
}

func TestSchemaCheck_ARegistryThatIsIllIsOneLine(t *testing.T) {
	p := newCheckPlace(t, "order.avsc", checkOrder)
	hang := make(chan struct{})
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		says   []string
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"error_code": 50001, "message": "the store is down"}`)
		}, []string{"500 Internal Server Error", "the store is down"}},
		{"401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, []string{"401 Unauthorized", "check the registry's username and password"}},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>\n<body>Welcome to nginx</body>\n</html>")
		}, []string{"schema registry http://"}},
		{"404", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			_, _ = io.WriteString(w, "<html>no</html>")
		}, []string{"404", "is the URL the root of a schema registry?"}},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, []string{"no answer within"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			defer s.Close()
			defer s.CloseClientConnections()
			(&checkPlace{t}).fails([]string{"--against", "registry", "--registry", s.URL, "--timeout", "300ms"}, c.says...)
		})
	}
	close(hang)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	p.fails([]string{"--against", "registry", "--registry", gone.URL, "--timeout", "300ms"}, "schema registry "+gone.URL, "refused")
}

func TestSchemaCheck_ComparesWithARealRegistry(t *testing.T) {
	p := newCheckPlace(t, "order.avsc", checkOrderTwo)
	reg, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	s := httptest.NewServer(reg)
	defer s.Close()
	client, err := schema.NewClient(troupe.Registry{URL: s.URL}, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	args := []string{"--against", "registry", "--registry", s.URL}
	p.fails(append(args, "--subject", "nope"), `subject "nope"`, "not found")
	if code, out, errs := p.check(args...); code != 2 || !strings.Contains(errs, "registry "+s.URL+" has none of the 1 schema here") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	old, err := schema.Parse(checkOrder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Register(t.Context(), "orders-shop.Order", old); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := p.check(args...); code != 0 || !strings.Contains(out, "BACKWARD (from the registry), compared with v1 of orders-shop.Order") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if err := client.SetLevel(t.Context(), "orders-shop.Order", schema.FullTransitive); err != nil {
		t.Fatal(err)
	}
	p.write("order.avsc", checkOrderBad)
	t.Setenv("TROUPE_REGISTRY", s.URL)
	code, out, _ := p.check("--against", "registry")
	if code != 1 || !strings.Contains(out, "1 subject breaking (against registry "+s.URL+", FULL_TRANSITIVE)") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestSchemaCheck_TakesItsPathsFromTheNearestConfiguration(t *testing.T) {
	p := newCheckPlace(t, "troupe.yaml", "schema:\n  paths: [schemas]\n  exclude: [gen]\n", "schemas/order.avsc", checkOrder,
		"schemas/gen/x.avsc", "no schema", "other/x.avsc", "no schema", "schemas/deep/readme", "x")
	p.git("init", "--quiet", "--initial-branch=main")
	p.commit()
	p.commit("schemas/order.avsc", checkOrderTwo)
	t.Chdir("schemas/deep")
	code, out, errs := p.check()
	if code != 0 || !strings.Contains(out, "✓ shop.Order  ../order.avsc") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	p.commit("../order.avsc", checkOrder)
	p.write("../order.avsc", checkOrderBad)
	if _, out, _ := p.check("-o", "github"); !strings.Contains(out, "::error file=schemas/order.avsc,line=1,endLine=1,col=87,endColumn=120,") {
		t.Errorf("paths are not the repository's:\n%s", out)
	}
}

func TestSchemaCheck_PrintsWaiversToPaste(t *testing.T) {
	p := newCheckPlace(t, "old/order.avsc", checkOrder, "new/order.avsc", checkOrderBad)
	code, out, _ := p.check("new", "--against", "old", "--print-waivers")
	if code != 1 || !strings.Contains(out, "\nwaivers:\n  - subject: shop.Order\n    rule: READER_FIELD_MISSING_DEFAULT_VALUE\n") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	filled := strings.Replace(strings.Replace(out, `reason: ""`, `reason: "nobody wrote it yet"`, 1), `owner: ""`, "owner: shop-team", 1)
	p.write("waivers.yaml", filled, "troupe.yaml", "schema:\n  mode: BACKWARD\n")
	code, out, errs := p.check("new", "--against", "old")
	if code != 0 || !strings.Contains(out, "by shop-team: nobody wrote it yet") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	p.write("waivers.yaml", strings.Replace(filled, "expires: ", "expires: 1999-01-01 # ", 1))
	if code, out, _ = p.check("new", "--against", "old"); code != 1 || !strings.Contains(out, "expired on 1999-01-01") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// Everything that a report may say, in each format.
func TestSchemaCheck_PrintsEveryFormat(t *testing.T) {
	from, err := filepath.Abs("testdata/check")
	if err != nil {
		t.Fatal(err)
	}
	p := newCheckPlace(t)
	if err := os.CopyFS(".", os.DirFS(filepath.Join(from, "tree"))); err != nil {
		t.Fatal(err)
	}
	for _, format := range check.Formats {
		code, out, errs := p.check("schemas", "--against", "old", "-o", format, "--emulate", "confluent")
		if code != 1 || errs != "" {
			t.Errorf("-o %s: exit code %d, stderr %s", format, code, errs)
		}
		goldenOutput(t, filepath.Join(from, "report."+format), out)
		switch format {
		case "json", "gitlab", "sarif":
			if !json.Valid([]byte(out)) {
				t.Errorf("-o %s is no JSON", format)
			}
		case "junit":
			var suites struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Suite    struct {
					Cases []struct {
						Failure *string `xml:"failure"`
					} `xml:"testcase"`
				} `xml:"testsuite"`
			}
			if err := xml.Unmarshal([]byte(out), &suites); err != nil || suites.Tests != len(suites.Suite.Cases) || suites.Failures == 0 {
				t.Errorf("-o junit: %v, %+v", err, suites)
			}
		}
	}
}

// The properties that SARIF 2.1.0 requires, and those that code scanning needs.
func TestSchemaCheck_SARIFHasWhatItsSpecificationRequires(t *testing.T) {
	text, err := os.ReadFile("testdata/check/report.sarif")
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID               string
						ShortDescription struct{ Text string }
					}
				}
			}
			Invocations []struct{ ExecutionSuccessful *bool }
			Results     []struct {
				RuleID, Level string
				RuleIndex     int
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
				PartialFingerprints map[string]string
				Suppressions        []struct{ Kind string }
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || run.Tool.Driver.Name == "" || run.Invocations[0].ExecutionSuccessful == nil || len(run.Results) == 0 {
		t.Errorf("%+v", log)
	}
	seen := map[string]bool{}
	for _, r := range run.Results {
		rule := run.Tool.Driver.Rules[r.RuleIndex]
		if rule.ID != r.RuleID || rule.ShortDescription.Text == "" || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("%+v", r)
		}
		if l := r.Level; l != "error" && l != "warning" {
			t.Errorf("level %q", l)
		}
		at := r.Locations[0].PhysicalLocation
		if at.ArtifactLocation.URI == "" || strings.ContainsAny(at.ArtifactLocation.URI, " \\") || at.Region != nil && at.Region.StartLine < 1 {
			t.Errorf("%+v", at)
		}
		for _, id := range r.PartialFingerprints {
			if seen[id] {
				t.Errorf("two results have the fingerprint %s", id)
			}
			seen[id] = true
		}
		for _, s := range r.Suppressions {
			if s.Kind != "external" && s.Kind != "inSource" {
				t.Errorf("%+v", s)
			}
		}
	}
}

var updateCheck = flag.Bool("update-check", false, "rewrite the golden files of troupe schema check, and its transcript in docs/ci.md")

// goldenOutput compares text with a file, or rewrites it.
func goldenOutput(t *testing.T, file, got string) {
	t.Helper()
	if *updateCheck {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update-check rewrites it); got:\n%s", file, got)
	}
}

func TestSchemaCheck_CanBeInterrupted(t *testing.T) {
	newCheckPlace(t, "order.avsc", checkOrder)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	defer s.CloseClientConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"schema", "check", "--against", "registry", "--registry", s.URL, "--timeout", "1m"}, strings.NewReader(""), &out, &errs)
	if code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}
