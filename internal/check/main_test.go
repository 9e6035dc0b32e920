package check

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/internal/git/gittest"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden compares text with a file, or rewrites it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test ./internal/check -update rewrites it); got:\n%s", file, got)
	}
}

// workplace is a directory with a git repository of its own.
type workplace struct {
	*testing.T
	dir string
}

// newRepository makes an empty git repository whose branch is main, independent of the machine's settings.
func newRepository(t *testing.T) *workplace {
	t.Helper()
	w := &workplace{t, gittest.Isolate(t)}
	w.git("init", "--quiet", "--initial-branch=main")
	return w
}

func (w *workplace) git(args ...string) string {
	w.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// write writes files: path and text in turn. "" as the text removes a file.
func (w *workplace) write(files ...string) {
	w.Helper()
	for i := 0; i < len(files); i += 2 {
		full := filepath.Join(w.dir, filepath.FromSlash(files[i]))
		if files[i+1] == "" {
			if err := os.Remove(full); err != nil {
				w.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			w.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(files[i+1]), 0o644); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *workplace) commit(files ...string) {
	w.Helper()
	w.write(files...)
	w.git("add", "--all")
	w.git("commit", "--quiet", "--message", "x")
}

func (w *workplace) options(paths ...string) Options {
	return Options{Dir: w.dir, Paths: paths}
}

// check runs and expects a report.
func (w *workplace) check(o Options) *Report {
	w.Helper()
	r, err := Run(w.Context(), o)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// fails runs and expects an error that says something.
func (w *workplace) fails(o Options, says ...string) {
	w.Helper()
	_, err := Run(w.Context(), o)
	if err == nil {
		w.Fatalf("no error; want one that says %q", says)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			w.Errorf("error %q does not say %q", err, s)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		w.Errorf("error %q has several lines", err)
	}
}

// text is a report as it is printed.
func text(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b, "text", Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func says(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

// record is a schema's text: shop.NAME with fields, such as `"id": "string"`.
func record(name string, fields ...string) string {
	var all []string
	for _, f := range fields {
		key, typ, _ := strings.Cut(f, ":")
		all = append(all, `{"name": `+key+`, "type":`+typ+`}`)
	}
	return `{"type": "record", "name": "` + name + `", "namespace": "shop", "fields": [` + strings.Join(all, ",\n") + `]}`
}
