package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
)

// serveSchemas runs troupe schema serve on a free port until stop, which returns what it said on stderr.
func serveSchemas(t *testing.T, args ...string) (registry *schema.Client, stop func() (stderr string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"schema", "serve", "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), w, &errs)
		w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("exit code %d before it was ready: %s", <-ended, &errs)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "export TROUPE_REGISTRY=")
	if !ok {
		t.Errorf("stdout says %q", line)
	}
	registry, err = schema.NewClient(troupe.Registry{URL: url}, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return registry, func() string {
		registry.Close()
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d after Ctrl-C: %s", code, &errs)
		}
		return errs.String()
	}
}

func TestSchemaServe_ServesFilesAndKeepsWhatIsRegistered(t *testing.T) {
	dir := t.TempDir()
	files, err := schema.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, number := mustParseSchema(t, `"string"`), mustParseSchema(t, `"int"`)
	filed, err := files.Register(t.Context(), "orders-value", text)
	if err != nil {
		t.Fatal(err)
	}

	registry, stop := serveSchemas(t, dir)
	if v, err := registry.Latest(t.Context(), "orders-value"); err != nil || v.ID != filed.ID || !v.Schema.Equal(text) {
		t.Errorf("the file is %+v, %v, not %+v", v, err, filed)
	}
	first, err := registry.Register(t.Context(), "payments-value", text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = registry.Register(t.Context(), "payments-value", number)
	if err == nil || !strings.Contains(err.Error(), "TYPE_MISMATCH") {
		t.Errorf("an incompatible schema: %v", err)
	}
	_, err = registry.Register(t.Context(), "orders-value", number)
	if err == nil || !strings.Contains(err.Error(), "orders-value/2.avsc") {
		t.Errorf("a schema for a subject in files: %v", err)
	}
	said := stop()
	for _, want := range []string{"msg=registered subject=payments-value version=1", `msg="refused as incompatible" subject=payments-value level=BACKWARD`, "Ready", "Stopping"} {
		if !strings.Contains(said, want) {
			t.Errorf("stderr does not say %q: %s", want, said)
		}
	}

	registry, stop = serveSchemas(t, "--level", "none", dir)
	defer stop()
	if v, err := registry.Latest(t.Context(), "payments-value"); err != nil || v.ID != first.ID {
		t.Errorf("after a restart: %+v, %v", v, err)
	}
	if v, err := registry.Register(t.Context(), "payments-value", number); err != nil || v.Version != 2 {
		t.Errorf("at --level none: %+v, %v", v, err)
	}
}

func mustParseSchema(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaServe_SaysWhatItServesAndWhatNot(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"orders/1.avsc": `"int"`, "payments/1.avsc": `"int"`, "a.avsc": `"int"`, "b.avsc": `"int"`, "notes.txt": ""} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	registry, stop := serveSchemas(t, dir)
	if subjects, err := registry.Subjects(t.Context()); err != nil || len(subjects) != 2 {
		t.Errorf("%v, %v", subjects, err)
	}
	said := stop()
	for _, want := range []string{"! 2 .avsc files directly in " + dir + " are not served: put them at <subject>/1.avsc\n", "Ready: 2 subjects, with the schemas in " + dir} {
		if !strings.Contains(said, want) {
			t.Errorf("stderr does not say %q: %s", want, said)
		}
	}
}

func TestSchemaServe_SaysInOneLineWhyItCannotServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	broken, dir := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(broken, "orders"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.avsc", "2.avsc"} {
		if err := os.WriteFile(filepath.Join(broken, "orders", name), []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "needs the one directory"},
		{[]string{dir, dir}, "got 2 arguments; see troupe schema serve --help"},
		{[]string{dir, "--listen", taken}, taken + " is in use by another process"},
		{[]string{dir, "--listen", "8081"}, "--listen 8081"},
		{[]string{dir, "--listen", "127.0.0.1:x"}, "--listen 127.0.0.1:x"},
		{[]string{dir, "--level", "SOME"}, `"SOME" is no compatibility mode`},
		{[]string{broken}, "orders/1.avsc"},
		{[]string{"/dev/null/x"}, "/dev/null"},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), append([]string{"schema", "serve"}, c.args...), strings.NewReader(""), &out, &errs)
		if code != exitUsage || out.Len() > 0 || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", c.args, code, &out, &errs)
		}
	}
}
