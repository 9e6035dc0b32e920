package schema_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

// history is a registry whose subject s has so many versions; before sees the requests for them.
func history(t *testing.T, versions int, before http.HandlerFunc) *counted {
	t.Helper()
	h := registry(t, server.Config{Level: schema.None})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before != nil && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/subjects/s/versions/") {
			before(w, r)
			if r.Context().Err() != nil || w.Header().Get("X-Answered") != "" {
				return
			}
		}
		h.ServeHTTP(w, r)
	}))
	for n := range versions {
		register(t, srv.URL, "s", fixed(n+1))
	}
	return srv
}

// fixed is a schema that says which version it is.
func fixed(n int) *schema.Schema {
	return must(fmt.Sprintf(`{"type":"fixed","name":"V","size":%d}`, n))
}

func wantVersions(t *testing.T, c *schema.Client, last int) {
	t.Helper()
	versions, err := c.Versions(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if len(versions) != last {
		t.Fatalf("%d versions, not %d", len(versions), last)
	}
	for i, v := range versions {
		if v.Version != i+1 || !v.Schema.Equal(fixed(i+1)) {
			t.Fatalf("place %d is version %d, %s", i, v.Version, v.Schema)
		}
	}
}

// gate lets nobody through until so many wait, and knows how many waited at most.
type gate struct {
	mu            sync.Mutex
	inside, most  int
	wanted, after int // the first request alone is for the newest version
	opened        chan struct{}
}

func (g *gate) pass(_ http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	if g.after > 0 {
		g.after--
		g.mu.Unlock()
		return
	}
	g.inside++
	if g.most = max(g.most, g.inside); g.most == g.wanted {
		select {
		case <-g.opened:
		default:
			close(g.opened)
		}
	}
	g.mu.Unlock()
	select {
	case <-g.opened:
	case <-r.Context().Done():
	}
	g.mu.Lock()
	g.inside--
	g.mu.Unlock()
}

func TestClient_AsksForEightVersionsAtATime(t *testing.T) {
	g := &gate{wanted: 8, after: 1, opened: make(chan struct{})}
	srv := history(t, 60, g.pass)
	wantVersions(t, newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{}), 60)
	if g.most != 8 {
		t.Errorf("%d requests at a time, not 8", g.most)
	}
}

func TestClient_AsksOnceForAVersionOfASubject(t *testing.T) {
	srv := history(t, 20, nil)
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	wantVersions(t, c, 20)
	for _, want := range []struct{ requests, versions int }{{2, 20}, {2, 21}} {
		for n := 20; n < want.versions; n++ {
			register(t, srv.URL, "s", fixed(n+1))
		}
		before := srv.total()
		wantVersions(t, c, want.versions)
		if n := srv.total() - before; n != want.requests {
			t.Errorf("%d requests, not one for the list and one for the newest version", n)
		}
	}
}

func TestClient_ForgetsTheVersionsOfASubjectThatBeginsAnew(t *testing.T) {
	srv := history(t, 3, nil)
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	wantVersions(t, c, 3)
	for _, query := range []string{"", "?permanent=true"} {
		remove(t, srv.URL+"/subjects/s"+query)
	}
	for _, s := range []*schema.Schema{order, payment} {
		register(t, srv.URL, "s", s)
	}
	versions, err := c.Versions(t.Context(), "s")
	if err != nil || len(versions) != 2 || !versions[0].Schema.Equal(order) || !versions[1].Schema.Equal(payment) {
		t.Errorf("Versions = %v, %v", versions, err)
	}
}

func remove(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("DELETE %s: %s", url, res.Status)
	}
}

func TestClient_LeavesOutAVersionThatWasDeletedSinceItWasListed(t *testing.T) {
	srv := history(t, 5, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/2") || strings.HasSuffix(r.URL.Path, "/5") {
			w.Header().Set("X-Answered", "yes")
			status(404, `{"error_code":40402,"message":"Version not found."}`)(w, r)
		}
	})
	versions, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).Versions(t.Context(), "s")
	if err != nil || len(versions) != 3 || versions[0].Version != 1 || versions[1].Version != 3 || versions[2].Version != 4 {
		t.Errorf("Versions = %v, %v", versions, err)
	}
}

// One answer that settles it ends the requests that would have hung for Patience.
func TestClient_ADefiniteErrorAboutOneVersionEndsTheOthers(t *testing.T) {
	srv := history(t, 20, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/20"):
		case strings.HasSuffix(r.URL.Path, "/3"):
			w.Header().Set("X-Answered", "yes")
			status(401, `{"error_code":40101,"message":"Unauthorized"}`)(w, r)
		default:
			<-r.Context().Done()
		}
	})
	cfg := schema.ClientConfig{Timeout: time.Hour, Patience: time.Hour}
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, cfg).Versions(t.Context(), "s")
	if away := wantError[*schema.UnavailableError](t, "Versions", err); away.Status != 401 {
		t.Errorf("status %d, not 401", away.Status)
	}
	wantText(t, err, "versions/3", "401", "username and password")
}

func TestClient_CloseEndsTheVersionsUnderWay(t *testing.T) {
	hanging := make(chan struct{}, 100)
	srv := history(t, 20, func(_ http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/20") {
			hanging <- struct{}{}
			<-r.Context().Done()
		}
	})
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{Timeout: time.Hour, Patience: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { _, err := c.Versions(ctx, "s"); asked <- err }()
	for range 8 {
		<-hanging
	}
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	c.Close() // waits; TestMain finds what is left behind
}

// Registries that ignore defaults and docs give such versions one id; which text that stands for is what they say.
func TestClient_GivesVersionsThatShareAnIDTheirOwnTexts(t *testing.T) {
	dir := t.TempDir()
	texts := []string{order.String(), orderUndocumented.String()}
	for i, text := range texts {
		write(t, dir, fmt.Sprintf("orders/%d.avsc", i+1), text)
	}
	srv := serve(t, server.Config{Files: dir})
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	versions, err := c.Versions(t.Context(), "orders")
	if err != nil || len(versions) != 2 || versions[0].ID != versions[1].ID {
		t.Fatalf("Versions = %v, %v", versions, err)
	}
	for i, v := range versions {
		if v.Schema.String() != texts[i] {
			t.Errorf("version %d is %s", v.Version, v.Schema)
		}
	}
	if s, err := c.ByID(t.Context(), versions[0].ID); err != nil || s.String() != texts[0] {
		t.Errorf("ByID = %s, %v", s, err)
	}
}
