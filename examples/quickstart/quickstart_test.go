package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func figures(t *testing.T, ctx context.Context, stdin string, args ...string) (code int, r report, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(stdin), &out, &errs)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil && code != 1 {
		t.Fatalf("%v in %s%s", err, out.String(), errs.String())
	}
	return code, r, errs.String()
}

func TestQuickstart_LosesNothingAndRunsNoEffectTwice(t *testing.T) {
	code, r, stderr := figures(t, t.Context(), "", "-json")
	if code != 0 || r.Lost != 0 || r.EffectsTwice != 0 {
		t.Fatalf("exit %d, %+v\n%s", code, r, stderr)
	}
	// Of 1,000 lines one is broken; one order in twenty is published twice, and
	// both of its readers absorb the repeat; nine orders have no acquirer.
	if r.Orders != 999 || r.MalformedLines != 1 || r.DuplicatesAbsorbed < 2*49 || r.DeadLettered != 9 || r.Retried == 0 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(stderr, "line 503:") {
		t.Errorf("the broken line is not named: %s", stderr)
	}
	if r.Published < 999+49+990+999 {
		t.Errorf("%d published", r.Published)
	}
}

func TestQuickstart_TakesOrdersFromStandardInput(t *testing.T) {
	sample, err := os.ReadFile("orders.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(sample), "\n")
	code, r, stderr := figures(t, t.Context(), strings.Join(lines[:30], "")+"not an order\n", "-json", "-orders", "-")
	if code != 0 || r.Orders != 30 || r.MalformedLines != 1 || r.Lost != 0 {
		t.Fatalf("exit %d, %+v\n%s", code, r, stderr)
	}
}

func TestQuickstart_ClearErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"no such file":        {"-orders", "nowhere.jsonl"},
		"no orders":           {"-orders", "-"},
		"not defined: -ordrs": {"-ordrs", "x"},
		"unexpected argument": {"orders.jsonl"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code == 0 || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: exit %d, %s", args, code, errs.String())
		}
	}
}

func TestQuickstart_InterruptDrainsAndReports(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	// Input that never ends by itself: the interruption comes in its middle.
	sample, err := os.ReadFile("orders.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(ctx, []string{"-json", "-orders", "-"}, &interrupting{text: sample, at: len(sample) / 2, interrupt: interrupt}, &out, &errs)
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("exit %d: %v\n%s", code, err, errs.String())
	}
	if code != 130 || !r.Interrupted || r.EffectsTwice != 0 || r.Lost != 0 {
		t.Fatalf("exit %d, %+v", code, r)
	}
}

// interrupting calls interrupt when it has been read up to at.
type interrupting struct {
	text      []byte
	at, read  int
	interrupt func()
}

func (i *interrupting) Read(b []byte) (int, error) {
	if i.read >= i.at {
		i.interrupt()
	}
	n := copy(b, i.text[i.read%len(i.text):])
	i.read += n
	return n, nil
}

func TestQuickstart_NamesACheckThatWorksInAFreshClone(t *testing.T) {
	program := filepath.Join(t.TempDir(), "troupe")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/troupe").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, r := range []report{{}, {embedded: true}} {
		_, line, found := strings.Cut(r.next(), "\n  go run ./cmd/troupe schema check ")
		line, _, _ = strings.Cut(line, "\n")
		if !found {
			t.Fatalf("no check in %s", r.next())
		}
		check := exec.Command(program, append([]string{"schema", "check"}, strings.Fields(line)...)...)
		check.Dir = filepath.Join("..", "..")
		out, err := check.CombinedOutput()
		if check.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "New consumers cannot read the events of examples/evolution/v2") {
			t.Errorf("%v: %s", err, out)
		}
	}
}
