package event_test

import (
	"context"
	"testing"

	"github.com/troupe-go/troupe/event"
)

func TestHeaders_TheLastOfANameCounts(t *testing.T) {
	hs := event.Headers{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}, {Key: "a", Value: []byte("3")}}
	if got := hs.Get("a"); got != "3" {
		t.Errorf("Get gives %q, want the last one", got)
	}
	if got := hs.Get("missing"); got != "" {
		t.Errorf("Get of a missing header gives %q", got)
	}
}

func TestHeaders_LookupTellsNullEmptyAndMissingApart(t *testing.T) {
	hs := event.Headers{{Key: "null"}, {Key: "empty", Value: []byte{}}}
	if v, ok := hs.Lookup("null"); v != nil || !ok {
		t.Errorf("null: %v, %v", v, ok)
	}
	if v, ok := hs.Lookup("empty"); v == nil || !ok {
		t.Errorf("empty: %v, %v", v, ok)
	}
	if _, ok := hs.Lookup("missing"); ok {
		t.Error("a missing header was found")
	}
}

func TestFromContext_IsNilOutsideAHandler(t *testing.T) {
	if c := event.FromContext(context.Background()); c != nil {
		t.Errorf("got %+v", c)
	}
}

func TestFromContext_SaysWhichEventIsHandledAndByWhom(t *testing.T) {
	m := &event.Meta{ID: "1"}
	ctx, cancel := context.WithCancel(event.NewContext(context.Background(), "stock", m))
	defer cancel()
	if c := event.FromContext(ctx); c == nil || c.Event != m || c.Group != "stock" {
		t.Errorf("got %+v", c)
	}
}

func TestNewContext_TheInnermostHandlerIsTheCause(t *testing.T) {
	outer := event.NewContext(context.Background(), "a", &event.Meta{ID: "1"})
	inner := event.NewContext(outer, "b", &event.Meta{ID: "2"})
	if c := event.FromContext(inner); c.Event.ID != "2" {
		t.Errorf("the cause is %s, want 2", c.Event.ID)
	}
}
