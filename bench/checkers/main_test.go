package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test's binary be the program of a library, as the real one is.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == asLibrary {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestRun_SaysWhoIsRightAndWhoIsLeftOut(t *testing.T) {
	t.Setenv("TROUPE_REGISTRY", "")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-tools", "troupe,hamba", "-time", "1"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	for _, want := range []string{
		"Left out: Avro Java: -tools does not name java",
		"Left out: Python avro: ",
		"Left out: buf: ",
		"| decimal_scale_changed                       | old reads new | breaks | breaks                 | **works** |",
		"decimal_scale_changed (decimal: scale 2 to 4), old reads new: Logical Types, Decimal: ",
		"- Troupe, schema.Resolve: DECIMAL_MISMATCH at shop.OrderPlaced.total",
		"one record with 2,000 breaks",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
}

// The README tells how often hamba is right.
func TestRun_CountsInJSON(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-tools", "troupe,hamba", "-o", "json"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	want := []score{
		{Checker: "Troupe, schema.Resolve", Version: "this checkout", Right: 64, RightHard: 8, Five: 5},
		{Checker: "hamba", Version: r.Checkers[1].Version, Right: 59, Wrong: 5, RightHard: 3, Five: 1},
	}
	if !slices.Equal(r.Checkers, want) {
		t.Errorf("got %+v, want %+v", r.Checkers, want)
	}
}

func TestRun_FailsWhenANamedToolIsMissing(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-tools", "python"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "Python avro: -python does not name") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}

func TestRun_RefusesWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"all"}, {"-o", "yaml"}, {"-time", "-1"}, {"-tools", "confluent"}, {"-nonsense"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, %s", args, code, &errs)
		}
	}
}

func TestRun_HelpHasAnExample(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &out, &errs); code != 0 || !strings.Contains(errs.String(), "go run ./checkers -python") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}

func TestRun_WritesTheChanges(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-write", dir}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "five_breaks", "old.avsc")); err != nil {
		t.Error(err)
	}
}
