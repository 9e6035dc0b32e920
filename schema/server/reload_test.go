package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

// said is a log that is read while requests write it.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

// take returns what was said since the last take.
func (s *said) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.b.Reset()
	return s.b.String()
}

func (s *said) log() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }

// sees waits until an answer is want: a look at the files that took long is not repeated at once.
func (a api) sees(request, want string) {
	a.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, got := a.call(request, ""); got == want || time.Now().After(deadline) {
			a.says(request, "", want)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func idOf(t *testing.T, text string) int {
	id, _ := schema.DirectoryIDs(parse(t, text))
	return id
}

func TestServer_SeesFilesThatChangeWithTheNextRequest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1})
	var log said
	a := start(t, server.Config{Directory: dir, Files: dir, Log: log.log()})
	a.says("GET /subjects", "", `["orders"]`)
	a.register("elsewhere", proposal(v1))
	log.take()

	write(t, dir, map[string]string{"orders/2.avsc": v2, "payments/1.avsc": other})
	a.sees("GET /subjects", `["elsewhere","orders","payments"]`)
	a.says("GET /subjects/orders/versions", "", `[1,2]`)
	a.says(fmt.Sprintf("GET /schemas/ids/%d/schema", idOf(t, v2)), "", parse(t, v2).String())
	a.says("DELETE /subjects/payments", "", 42205)
	got := log.take()
	for _, want := range []string{`msg="read files again" subject=orders versions="[1 2]"`, `msg="read files again" subject=payments`} {
		if !strings.Contains(got, want) {
			t.Errorf("the log does not say %s: %s", want, got)
		}
	}

	if err := os.RemoveAll(filepath.Join(dir, "payments")); err != nil {
		t.Fatal(err)
	}
	a.sees("GET /subjects", `["elsewhere","orders"]`)
	if got := log.take(); !strings.Contains(got, `msg="the files of a subject are gone" subject=payments`) {
		t.Errorf("the log says %s", got)
	}
	a.says("GET /subjects/elsewhere/versions/1/schema", "", parse(t, v1).String())
	a.says(fmt.Sprintf("GET /schemas/ids/%d/schema", idOf(t, other)), "", parse(t, other).String()) // events have it
}

func TestServer_KeepsTheIDsOfAFileThatIsRewritten(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1})
	var log said
	a := start(t, server.Config{Files: dir, Log: log.log()})
	write(t, dir, map[string]string{"orders/1.avsc": v1WithDefault})
	a.sees("GET /subjects/orders/versions/1/schema", parse(t, v1WithDefault).String())
	if got := log.take(); !strings.Contains(got, "level=INFO") || strings.Contains(got, "WARN") {
		t.Errorf("a default changes no byte of events, but the log says %s", got)
	}
	write(t, dir, map[string]string{"orders/1.avsc": other})
	a.sees("GET /subjects/orders/versions/1/schema", parse(t, other).String())
	if got, want := log.take(), fmt.Sprintf("subject=orders version=1 id=%d was=%d", idOf(t, other), idOf(t, v1)); !strings.Contains(got, "level=WARN") || !strings.Contains(got, want) {
		t.Errorf("the log does not say %s: %s", want, got)
	}
	a.says(fmt.Sprintf("GET /schemas/ids/%d/schema", idOf(t, v1)), "", parse(t, v1WithDefault).String())
}

func TestServer_ServesWhatFilesWereWhileTheyAreBroken(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1})
	var log said
	a := start(t, server.Config{Directory: dir, Files: dir, Log: log.log()})
	a.register("payments", proposal(other))
	log.take()
	for problem, files := range map[string]map[string]string{
		"orders/2.avsc":   {"orders/2.avsc": `{"type":`},
		"registered here": {"orders/2.avsc": v2, "payments/1.avsc": other},
	} {
		write(t, dir, files)
		got := ""
		for deadline := time.Now().Add(10 * time.Second); got == "" && time.Now().Before(deadline); got += log.take() {
			a.says("GET /subjects/orders/versions", "", `[1]`)
		}
		a.says("GET /subjects/orders/versions", "", `[1]`)
		if got += log.take(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, problem) {
			t.Errorf("the log does not say once what is wrong with %s: %s", problem, got)
		}
		for file := range files {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, dir, map[string]string{"orders/2.avsc": v2})
	a.sees("GET /subjects/orders/versions", `[1,2]`)
}

func TestServer_ReadsFilesAgainWhileOthersAsk(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1})
	a := start(t, server.Config{Files: dir})
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for range 50 {
				if status, got := a.call("GET /subjects/orders/versions", ""); status != 200 {
					t.Errorf("%d %s", status, got)
				}
			}
		})
	}
	for i := range 20 {
		write(t, dir, map[string]string{fmt.Sprintf("s%d/1.avsc", i): other})
	}
	askers.Wait()
	a.sees("GET /subjects/s19/versions", `[1]`)
}

// A schema that was registered may use a type of a file.
func TestNew_OpensARegistrationThatRefersToAFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1})
	cfg := server.Config{Directory: dir, Files: dir}
	reopenWith(t, cfg, func(a api) {
		status, got := a.call("POST /subjects/list/versions",
			`{"schema":"{\"type\":\"array\",\"items\":\"shop.Order\"}","references":[{"name":"shop.Order","subject":"orders","version":1}]}`)
		if status != 200 {
			t.Fatalf("%d %s", status, got)
		}
	})
	reopenWith(t, cfg, func(a api) { a.says("GET /subjects/list/versions", "", `[1]`) })
}
