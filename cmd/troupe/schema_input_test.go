package main

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var updateSchema = flag.Bool("update-schema", false, "rewrite the golden files of troupe schema's reading commands")

// troupeSchema runs troupe schema with those arguments.
func troupeSchema(ctx context.Context, stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(ctx, append([]string{"schema"}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return outcome{stdout.String(), stderr.String(), code}
}

// testdata is where golden files are, also for a test that works elsewhere.
var testdata, _ = filepath.Abs("testdata")

// goldenText compares text with a file of testdata.
func goldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(testdata, name+".golden")
	if *updateSchema {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs, %v (go test -update-schema rewrites it); got\n%s", path, err, got)
	}
}

// inDirectory writes files into a new directory and works there, without any TROUPE_*.
func inDirectory(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, variable := range []string{"", "_USERNAME", "_PASSWORD", "_TOKEN"} {
		t.Setenv("TROUPE_REGISTRY"+variable, "")
	}
	return dir
}

// commit makes dir a git repository with all its files in one commit on main.
func commit(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "All"}} {
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
}

const orderV1 = `{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": "string"},
  {"name": "total", "type": "double"}
]}`

func TestSchemaInput_SaysWhatIsWrongInOneLine(t *testing.T) {
	inDirectory(t, map[string]string{
		"good.avsc":  orderV1,
		"bad.avsc":   "{\"type\": \"record\",\n \"name\": 7}",
		"text.avsc":  "hello",
		"empty.avsc": "",
		"page.avsc":  "<html></html>",
		"uses.avsc":  `{"type": "array", "items": "shop.Address"}`,
		"idl.avsc":   "protocol Orders {}",
		"dir/x.avsc": orderV1,
		"typo.avsc":  `"integer"`,
		"loop.avsc":  `{"type": "record", "name": "A", "fields": [{"name": "b", "type": "B"}]}`,
		"twice.avsc": `[{"type": "fixed", "name": "A", "size": 1}, {"type": "fixed", "name": "A", "size": 1}]`,
		"deep.avsc":  strings.Repeat(`{"type": "array", "items": `, 10_000) + `"int"` + strings.Repeat("}", 10_000),
		"huge.avsc":  `{"type": "record", "name": "A", "doc": "` + strings.Repeat("x", 17<<20) + `", "fields": []}`,
	})
	for _, c := range []struct{ name, says string }{
		{"nope.avsc", "there is no file nope.avsc here"},
		{"nope", "there is no file nope here, and no registry to ask"},
		{"dir", "dir is a directory: name one schema file in it"},
		{"bad.avsc", "bad.avsc:2:10"},
		{"text.avsc", "text.avsc:1:1: not JSON"},
		{"empty.avsc", "empty.avsc:1:1: the file is empty"},
		{"page.avsc", "it looks like HTML"},
		{"idl.avsc", "avro-tools idl2schemata"},
		{"uses.avsc", "if another file defines it, name that with --references"},
		{"loop.avsc", "unknown type"},
		{"typo.avsc", "unknown type \"integer\": did you mean \"int\"?\n"}, // and nothing of --references
		{"twice.avsc", "is defined a second time"},
		{"deep.avsc", "nested more than 1000 deep"},
		{"huge.avsc", "more than the limit of"},
		{"main:good.avsc", "this is no git repository"},
		{"id:41", "no registry: set TROUPE_REGISTRY or --registry"},
		{"id:x", "is not id: and a number"},
		{"guid:x", "is not guid: and a UUID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := troupeSchema(context.Background(), "", "diff", "good.avsc", c.name)
			expect(t, o, 2, c.says)
			if o.stdout != "" {
				t.Errorf("stdout %q", o.stdout)
			}
		})
	}
	expect(t, troupeSchema(context.Background(), orderV1, "diff", "-", "-"), 2, "only one of them can be -")
	expect(t, troupeSchema(context.Background(), orderV1, "diff", "-", "good.avsc"), 0)
	expect(t, troupeSchema(context.Background(), "", "diff", "good.avsc"), 2, "needs two schemas, the old one and the new one, but got 1 argument; see troupe schema diff --help")
	expect(t, troupeSchema(context.Background(), "", "diff", "uses.avsc", "uses.avsc", "--references", "nope.avsc"), 2, "read nope.avsc: no such file")
	expect(t, troupeSchema(context.Background(), "", "diff", "good.avsc", "good.avsc", "-o", "yaml"), 2, `-o "yaml" is none of text, json`)
}

func TestSchemaInput_ReadsFilesOfGit(t *testing.T) {
	dir := inDirectory(t, map[string]string{"schemas/order.avsc": orderV1})
	commit(t, dir)
	ctx := context.Background()
	if err := os.WriteFile("schemas/order.avsc", []byte(strings.Replace(orderV1, "double", "string", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	o := troupeSchema(ctx, "", "diff", "main:schemas/order.avsc", "schemas/order.avsc")
	expect(t, o, 0)
	if !strings.Contains(o.stdout, "main:schemas/order.avsc:3:") || !strings.Contains(o.stdout, "type changed: double -> string") {
		t.Errorf("stdout %s", o.stdout)
	}
	expect(t, troupeSchema(ctx, "", "diff", "mian:schemas/order.avsc", "schemas/order.avsc"), 2, `git knows no branch, tag or commit "mian"`)
	expect(t, troupeSchema(ctx, "", "diff", "main:schemas/other.avsc", "schemas/order.avsc"), 2, "main has no file schemas/other.avsc")
	expect(t, troupeSchema(ctx, "", "diff", "main:schemas", "schemas/order.avsc"), 2, "is a directory")
	expect(t, troupeSchema(ctx, "", "diff", "--", "-x:order.avsc", "schemas/order.avsc"), 2, "git knows no branch")
	t.Chdir("schemas")
	expect(t, troupeSchema(ctx, "", "diff", "main:order.avsc", "order.avsc"), 2, "main:./order.avsc")
	expect(t, troupeSchema(ctx, "", "diff", "main:./order.avsc", "order.avsc"), 0)
}

func TestSchemaInput_SaysWhatIsWrongWithTheRegistry(t *testing.T) {
	inDirectory(t, map[string]string{"good.avsc": orderV1})
	release := make(chan struct{})
	answer := func(status int, contentType, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); hanging.Close() })
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct{ name, url, says string }{
		{"401", answer(401, "application/json", `{"error_code":401,"message":"no"}`), "TROUPE_REGISTRY_USERNAME and _PASSWORD, or _TOKEN"},
		{"500", answer(500, "application/json", `{"error_code":50001,"message":"boom"}`), "500 Internal Server Error [50001]: boom"},
		{"html", answer(200, "text/html", "<html>hello</html>"), "is the URL the root of a schema registry?"},
		{"html 404", answer(404, "text/html", "<html>hello</html>"), "is the URL the root of a schema registry?"},
		{"hanging", hanging.URL, "--timeout (now 500ms) says how long to wait"},
		{"down", gone.URL, "is it up"},
		{"ftp", "ftp://host", "--registry: ftp://host is not http://host:port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			commands := [][]string{{"diff", "good.avsc", "orders"}, {"get", "orders"}, {"ls"}, {"config"}, {"register", "orders", "good.avsc"}}
			if c.name == "500" || c.name == "hanging" || c.name == "down" { // these are tried again
				commands = commands[:2]
			}
			timeout := "500ms"
			if c.name == "500" || c.name == "down" {
				timeout = "1m" // the attempts end sooner by themselves
			}
			for _, args := range commands {
				o := troupeSchema(context.Background(), "", append(args, "--registry", c.url, "--timeout", timeout)...)
				expect(t, o, 2, c.says)
				if o.stdout != "" {
					t.Errorf("%v: stdout %q", args, o.stdout)
				}
			}
		})
	}
	expect(t, troupeSchema(context.Background(), "", "ls", "--registry", gone.URL, "--timeout", "0s"), 2, "--timeout 0s is not positive")
}

func TestSchemaInput_StopsWhenInterrupted(t *testing.T) {
	inDirectory(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan struct{}, 16)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer s.Close()
	go func() {
		<-asked
		cancel()
	}()
	began := time.Now()
	o := troupeSchema(ctx, "", "get", "orders", "--registry", s.URL, "--timeout", "1m")
	expect(t, o, 130, "interrupted")
	if time.Since(began) > 30*time.Second {
		t.Error("it waited for its timeout")
	}
}
