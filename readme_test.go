package troupe_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README names the tests that show its guarantees, and links to files.
func TestREADME_NamesTestsAndFilesThatAreThere(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		switch {
		case path == "build": // what services write there comes and goes
			return fs.SkipDir
		case err != nil, !strings.HasSuffix(path, "_test.go"):
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(code, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+_\\w+)`").FindAllSubmatch(readme, -1)
	if len(named) == 0 {
		t.Error("no test is named")
	}
	for _, m := range named {
		if !there[string(m[1])] {
			t.Errorf("there is no test %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([\w./-]+)\)`).FindAllSubmatch(readme, -1) {
		if _, err := os.Stat(string(m[1])); err != nil {
			t.Errorf("a link leads nowhere: %s", m[1])
		}
	}
}

// The excerpt of a failing check is one of what docs/ci.md shows, which the command's own tests keep true.
func TestREADME_ShowsWhatTheCheckPrints(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	_, excerpt, ok := strings.Cut(string(readme), "\n$ troupe schema check\n")
	excerpt, _, closed := strings.Cut(excerpt, "\n```")
	if !ok || !closed {
		t.Fatal("there is no excerpt")
	}
	rest := string(whole)
	for part := range strings.SplitSeq(excerpt, "\n...\n") {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			t.Errorf("docs/ci.md does not have, in this order:\n%s", part)
		}
	}
}
