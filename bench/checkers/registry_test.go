package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema/server"
)

// Troupe's own registry stands for one that knows all rules.
func TestRegistry_GetsTheRightVerdictsOfARightRegistryAndLeavesNothingBehind(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	defer srv.Close()
	r, err := openRegistry(t.Context(), troupe.Registry{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	qs := questions(load(t))
	answers, err := r.judge(t.Context(), qs)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range qs {
		want := q.right.Verdict
		if q.direction == deleted {
			want = unasked
		}
		if got := answers[i]; got.Verdict != want || (got.Verdict == breaks || got.Verdict == refused) != (len(got.Said) > 0) {
			t.Errorf("%s, %s: %+v, want %s", q.change.Name, q.direction, got, want)
		}
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	var left []string
	if _, err := r.call(t.Context(), http.MethodGet, "/subjects?deleted=true", nil, &left); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	r.client.CloseIdleConnections()
}

func TestPlace_SplitsApicuriosReasons(t *testing.T) {
	const list = "expected: 16, found: 32 at /fields/10/type/size, [LOST, VOID] at /fields/4/type/symbols]"
	got := place.FindAllString(list, -1)
	if len(got) != 2 || got[0] != "expected: 16, found: 32 at /fields/10/type/size" {
		t.Errorf("%q", got)
	}
}
