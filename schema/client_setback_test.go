package schema_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
)

// then answers the first request with first, and tells arrived of the second, which has no answer.
func then(first http.HandlerFunc, arrived chan<- struct{}) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client is gone
		if n.Add(1) == 1 {
			first(w, r)
			return
		}
		select {
		case arrived <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}
}

var storeDown = status(500, `{"error_code":50001,"message":"Error in the backend data store"}`)

func TestClient_SaysWhatWasAnsweredLastWhenItsPatienceEnds(t *testing.T) {
	for name, ask := range map[string]func(*schema.Client) error{
		"ByID":     func(c *schema.Client) error { _, err := c.ByID(t.Context(), 1); return err },
		"Versions": func(c *schema.Client) error { _, err := c.Versions(t.Context(), "orders"); return err },
		"Lookup":   func(c *schema.Client) error { _, err := c.Lookup(t.Context(), "orders", order); return err },
		"Register": func(c *schema.Client) error { _, err := c.Register(t.Context(), "orders", order); return err },
		"Level":    func(c *schema.Client) error { _, err := c.Level(t.Context(), "orders"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			srv := sick(t, always, then(storeDown, make(chan struct{}, 1)))
			cfg := schema.ClientConfig{Patience: 200 * time.Millisecond, Pause: time.Millisecond}
			err := ask(newClient(t, troupe.Registry{URL: srv.URL}, cfg))
			away := wantError[*schema.UnavailableError](t, name, err)
			wantText(t, err, srv.URL, "500", "50001", "Error in the backend data store", "context deadline exceeded")
			if away.Status != 500 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("status %d, deadline %v", away.Status, errors.Is(err, context.DeadlineExceeded))
			}
		})
	}
}

func TestClient_SaysWhatWasAnsweredLastToOneWhoGivesUp(t *testing.T) {
	arrived := make(chan struct{}, 1)
	srv := sick(t, always, then(storeDown, arrived))
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{Pause: time.Millisecond, Timeout: time.Hour, Patience: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := c.ByID(ctx, 1)
	away := wantError[*schema.UnavailableError](t, "ByID", err)
	wantText(t, err, "500", "Error in the backend data store", "context canceled")
	if away.Status != 500 || !errors.Is(err, context.Canceled) {
		t.Errorf("status %d, %v", away.Status, err)
	}
}

// That nobody listened is worth saying; an answer says more, whatever came after it.
func TestClient_KeepsAnAnswerRatherThanThatThereWasNone(t *testing.T) {
	var n atomic.Int64
	srv := sick(t, always, func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			status(502, "<html>Bad Gateway</html>")(w, r)
		case 2:
			hangUp(w, r)
		default:
			<-r.Context().Done()
		}
	})
	cfg := schema.ClientConfig{Patience: 200 * time.Millisecond, Pause: time.Millisecond}
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, cfg).ByID(t.Context(), 1)
	wantText(t, err, "502 Bad Gateway", "deadline exceeded")
}

func TestClient_SaysThatNobodyListenedToOneWhoGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := newClient(t, troupe.Registry{URL: "http://" + l.Addr().String()}, schema.ClientConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = c.ByID(ctx, 1)
	wantText(t, err, "refused", "context deadline exceeded")
}
