package server_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema/server"
)

func TestServer_TakesNoVersionThatNobodyCouldAskFor(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	send("PUT", "/mode/x", `{"mode": "IMPORT"}`)
	if code, said := send("POST", "/subjects/x/versions", `{"schema": "\"int\"", "id": 7, "version": 3000000000}`); code != 422 || !strings.Contains(said, "42202") {
		t.Errorf("version 3000000000: %d %s", code, said)
	}
	if code, said := send("POST", "/subjects/a%0Ab/versions", `{"schema": "\"int\""}`); code != 422 || !strings.Contains(said, "42208") {
		t.Errorf("a subject of two lines: %d %s", code, said)
	}
}

func TestServer_DoesNotForgetChangesThatItDoesNotKnow(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "registry.jsonl"), []byte(`{"rename":{"subject":"a","to":"b"}}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Directory: dir})
	if err == nil {
		t.Error("no error", s.Close())
	} else if !strings.Contains(err.Error(), "line 1: no change that this release knows") {
		t.Error(err)
	}
}
