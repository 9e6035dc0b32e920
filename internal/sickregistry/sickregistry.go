// Package sickregistry is a schema registry with the illnesses that real ones
// have, for tests of what depends on one.
package sickregistry

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Front stands in front of a registry that is well.
type Front struct {
	URL string

	mu       sync.Mutex
	illness  http.HandlerFunc
	requests []string
}

// New returns a Front of the registry at target. It is well, and ends with t.
func New(t testing.TB, target string) *Front {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{}
	well := httputil.NewSingleHostReverseProxy(u)
	well.Transport = &http.Transport{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ill := f.note(r); ill != nil {
			ill(w, r)
			return
		}
		well.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		f.Heal()
		srv.CloseClientConnections() // whatever hangs
		srv.Close()
		well.Transport.(*http.Transport).CloseIdleConnections()
	})
	f.URL = srv.URL
	return f
}

func (f *Front) note(r *http.Request) http.HandlerFunc {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	return f.illness
}

// Ail makes every request be answered by illness, until Heal.
func (f *Front) Ail(illness http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.illness = illness
}

// Heal lets requests through again.
func (f *Front) Heal() { f.Ail(nil) }

// Requests returns how many requests have come so far that begin with prefix,
// such as "GET /schemas/ids/1".
func (f *Front) Requests(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// Illnesses are what registries, and what stands in front of them, answer
// instead of an answer. None of them says anything about a schema.
var Illnesses = map[string]http.HandlerFunc{
	"500":           status(http.StatusInternalServerError, "application/json", `{"error_code":50001,"message":"Error in the backend data store"}`),
	"500 HTML":      status(http.StatusInternalServerError, "text/html", "<html>oops</html>"),
	"503":           status(http.StatusServiceUnavailable, "", ""),
	"401":           status(http.StatusUnauthorized, "application/json", `{"error_code":401,"message":"Unauthorized"}`),
	"403":           status(http.StatusForbidden, "text/plain", "no"),
	"404 HTML":      status(http.StatusNotFound, "text/html", "<html>no such page</html>"),
	"a login page":  status(http.StatusOK, "text/html", "<html>please log in</html>"),
	"not JSON":      status(http.StatusOK, "application/json", "{"),
	"other JSON":    status(http.StatusOK, "application/json", `["hello"]`),
	"hangs":         hang,
	"hangs midway":  hangMidway,
	"breaks it off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func status(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else a server does not see that its client is gone
	<-r.Context().Done()
}

func hangMidway(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"schema":`)
	w.(http.Flusher).Flush()
	hang(w, r)
}
