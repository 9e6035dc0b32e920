package schema_test

import (
	"errors"
	"strings"
	"testing"
)

// wantError fails t unless err is an E on one line, and returns it.
func wantError[E error](t *testing.T, doing string, err error) (e E) {
	t.Helper()
	if !errors.As(err, &e) {
		t.Fatalf("%s: error %v (%T), not a %T", doing, err, err, e)
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("%s: the error has several lines: %q", doing, err)
	}
	return e
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %s", part, err)
		}
	}
}
