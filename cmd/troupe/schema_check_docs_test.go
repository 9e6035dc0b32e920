package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/troupe-go/troupe/internal/check"
)

const (
	transcriptBegin = "-update-check rewrites it -->\n```console\n"
	transcriptEnd   = "```\n<!-- end of the transcript -->\n"
)

// The transcript in docs/ci.md is what happens.
func TestDocs_TheTranscriptIsReal(t *testing.T) {
	file, err := filepath.Abs("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	from, err := filepath.Abs("testdata/check/transcript")
	if err != nil {
		t.Fatal(err)
	}
	p := newCheckPlace(t)
	copyTree(t, filepath.Join(from, "main"))
	p.git("init", "--quiet", "--initial-branch=main")
	p.commit()
	p.git("update-ref", "refs/remotes/origin/main", "HEAD")
	p.git("checkout", "--quiet", "-b", "rename-amount")
	copyTree(t, filepath.Join(from, "change"))
	p.commit()

	var got strings.Builder
	diff, err := exec.Command("git", "diff", "--unified=0", "--no-color", "origin/main", "--", "schemas/order_placed.avsc").Output()
	if err != nil {
		t.Fatal(err)
	}
	got.WriteString("$ git diff origin/main -- schemas/order_placed.avsc | grep '^[-+] '\n")
	for l := range strings.Lines(string(diff)) {
		if changed := strings.HasPrefix(l, "+ ") || strings.HasPrefix(l, "- "); changed {
			got.WriteString(l)
		}
	}
	code, out, errs := p.check()
	fmt.Fprintf(&got, "$ troupe schema check\n%s%s$ echo $?\n%d\n", out, errs, code)

	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), transcriptBegin)
	old, after, ok2 := strings.Cut(rest, transcriptEnd)
	if !ok || !ok2 {
		t.Fatal("docs/ci.md has no transcript")
	}
	switch {
	case old == got.String():
	case *updateCheck:
		if err := os.WriteFile(file, []byte(before+transcriptBegin+got.String()+transcriptEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the transcript in docs/ci.md is not what happens (-update-check rewrites it):\n%s", &got)
	}
}

func copyTree(t *testing.T, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The YAML in docs/ci.md is valid, and troupe.yaml takes what is said of it.
func TestDocs_TheConfigurationIsValid(t *testing.T) {
	doc, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(doc), "```yaml\n")[1:]
	if len(blocks) != 6 {
		t.Fatalf("%d blocks of YAML", len(blocks))
	}
	for i, b := range blocks {
		text, _, _ := strings.Cut(b, "```\n")
		d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
		if err := d.Decode(new(map[string]any)); err != nil {
			t.Errorf("block %d: %v", i+1, err)
		}
		file, read := filepath.Join(t.TempDir(), check.ConfigFile), check.ReadConfig
		switch {
		case strings.HasPrefix(text, "waivers:"):
			read = check.ReadWaivers
		case !strings.HasPrefix(text, "schema:"):
			continue
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := read(file, check.ConfigFile); err != nil {
			t.Error(err)
		}
	}
}
