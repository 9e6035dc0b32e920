package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	right = `{"id":"right","writer":"int","reader":"long","expect":true,"data":[{"hex":"02","out":"02"}]}`
	wrong = `{"id":"wrong","writer":"int","reader":"long","expect":false}`
	open  = `{"id":"open","writer":"int","reader":"long","unsure":{"why":"a riddle"}}`
)

func file(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// zipped writes a file whose last bytes are lost, but not its first two.
func zipped(t *testing.T, lost int, lines ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, string(b.Bytes()[:max(2, b.Len()-lost)]))
}

func conform(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, strings.NewReader(right), &out, &errs)
	return status, out.String(), errs.String()
}

func TestRun_ExitsWithWhatCameOut(t *testing.T) {
	for name, test := range map[string]struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		"all agree":          {[]string{file(t, right, right)}, 0, "total: 2 agree, 0 disagree, 0 skipped", ""},
		"standard input":     {[]string{"-"}, 0, "-: 1 random rows: 1 agree, 0 disagree; 1 data equal", ""},
		"one is skipped":     {[]string{file(t, right, open)}, 0, "\t1 skipped: a riddle\n", ""},
		"every row is said":  {[]string{"-v", file(t, right, open)}, 0, "rows.jsonl:1: right: agrees: readable\n", ""},
		"one disagrees":      {[]string{file(t, right, wrong)}, 1, "rows.jsonl:2: wrong: DISAGREES: verdict: readable, expected not readable\n\twriter    \"int\"", ""},
		"one can't be read":  {[]string{file(t, right, "{}")}, 2, "1 could not be read", "rows.jsonl: line 2: its keys are of no known kind"},
		"no file":            {[]string{"nowhere.jsonl"}, 2, "", "nowhere.jsonl"},
		"a directory":        {[]string{t.TempDir()}, 2, "", "is a directory: name the files in it"},
		"nothing to check":   {[]string{file(t)}, 2, "", "nothing was checked"},
		"no row in one":      {[]string{file(t, right), file(t, " ", "")}, 2, "1 agree", "rows.jsonl: there is no row in it"},
		"gzip":               {[]string{zipped(t, 0, right, right)}, 0, "2 agree", ""},
		"gzip, cut off":      {[]string{zipped(t, 12, right, right)}, 2, "1 could not be read", ": the gzip data are cut off"},
		"gzip, cut to 2":     {[]string{zipped(t, 1<<20, right)}, 2, "1 could not be read", "rows.jsonl: the gzip data are cut off"},
		"all skipped":        {[]string{file(t, open)}, 2, "", "nothing was checked"},
		"no argument":        {nil, 2, "", "usage: conform"},
		"an unknown flag":    {[]string{"-x"}, 2, "", "-x"},
		"help":               {[]string{"--help"}, 0, "", "usage: conform"},
		"one file of two":    {[]string{"nowhere.jsonl", file(t, right)}, 2, "1 agree", "nowhere.jsonl"},
		"two files, two bad": {[]string{"nowhere.jsonl", file(t, wrong)}, 1, "1 disagree", "nowhere.jsonl"},
	} {
		status, stdout, stderr := conform(test.args...)
		if status != test.status || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) {
			t.Errorf("%s: status %d, want %d\nstdout: %s\nstderr: %s", name, status, test.status, stdout, stderr)
		}
	}
}

func TestRun_PrintsJSON(t *testing.T) {
	status, stdout, _ := conform("-json", file(t, right, wrong, open, "{}"))
	var got struct {
		Agree, Disagree, Skipped int
		Files                    []figures
		Disagreements            []disagreement
		Unreadable               []string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if status != 1 || got.Agree != 1 || got.Disagree != 1 || got.Skipped != 1 || len(got.Unreadable) != 1 || len(got.Files) != 2 {
		t.Errorf("status %d, %+v", status, got)
	}
	if d := got.Disagreements[0]; d.ID != "wrong" || d.Line != 2 || d.Schemas["writer"] != `"int"` {
		t.Errorf("%+v", d)
	}
}

func TestRun_ReportsInTheOrderOfTheFile(t *testing.T) {
	var lines []string
	for i := range 500 {
		lines = append(lines, strings.Replace(wrong, "wrong", strings.Repeat("x", i+1), 1))
	}
	_, stdout, _ := conform(file(t, lines...))
	at := 0
	for line := range strings.Lines(stdout) {
		if strings.Contains(line, "DISAGREES") {
			if at++; !strings.Contains(line, " "+strings.Repeat("x", at)+": ") {
				t.Fatalf("row %d is said as %s", at, line)
			}
		}
	}
	if at != 500 {
		t.Errorf("%d disagreements of 500 are said", at)
	}
}
