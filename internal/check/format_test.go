package check

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
)

func TestText_HasColoursOnlyWhenAsked(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", orderV1, "new/order.avsc", orderBad)
	r := w.check(o)
	for _, color := range []bool{false, true} {
		var b strings.Builder
		if err := r.Write(&b, "text", Style{Color: color}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\x1b[") != color {
			t.Errorf("Color %v: %q", color, b.String())
		}
	}
}

func TestText_DoesNotPassOnWhatSteersATerminal(t *testing.T) {
	w, o := inFiles(t, "old/a.avsc", orderV1, "new/\x1b[31ma.avsc", orderBad)
	if got := text(t, w.check(o)); strings.Contains(got, "\x1b") || !strings.Contains(got, "·[31ma.avsc") {
		t.Errorf("%q", got)
	}
}

func TestGitHub_EscapesWhatWouldEndACommand(t *testing.T) {
	w, o := inFiles(t, "old/a.avsc", orderV1, "new/a,b:100%.avsc", orderBad)
	var b strings.Builder
	if err := w.check(o).Write(&b, "github", Style{}); err != nil {
		t.Fatal(err)
	}
	says(t, b.String(), "::error file=new/a%2Cb%3A100%25.avsc,line=2,endLine=2,col=1,endColumn=34,title=", "%0AField total")
}

func TestText_ListsManyNewSchemasOnlyWhenAsked(t *testing.T) {
	files := []string{"old/order.avsc", orderV1, "new/order.avsc", orderV1}
	for _, name := range strings.Split("ABCDEFGHIJKLMNOPQRSTU", "") {
		files = append(files, "new/"+name+".avsc", record(name))
	}
	w, o := inFiles(t, files...)
	r := w.check(o)
	says(t, text(t, r), "+ 21 new schemas: nothing to compare with (--all lists them)")
	var b strings.Builder
	if err := r.Write(&b, "text", Style{All: true}); err != nil {
		t.Fatal(err)
	}
	says(t, b.String(), "+ shop.U  new/U.avsc", "✓ shop.Order  new/order.avsc: unchanged")
}

func TestGitLab_EveryIssueHasWhatTheFormatRequires(t *testing.T) {
	w := newRepository(t)
	w.commit("a.avsc", orderV1, "b/1.avsc", record("Gone"), "c.avsc", record("C", `"n": "long"`), "troupe.yaml", "x: y\n")
	// two files of one name break in the same way, one schema is gone, one is only to look at, one can't be read
	w.commit("a.avsc", orderBad, "x/a.avsc", orderBad, "b/1.avsc", "", "c.avsc", record("C", `"n": "double"`), "é %.avsc", "{")
	var b strings.Builder
	if err := w.check(w.options()).Write(&b, "gitlab", Style{}); err != nil {
		t.Fatal(err)
	}
	var issues []map[string]any
	if err := json.Unmarshal([]byte(b.String()), &issues); err != nil || strings.HasPrefix(b.String(), "\ufeff") {
		t.Fatal(err, b.String())
	}
	fingerprints, severities := map[any]bool{}, map[any]int{}
	for _, i := range issues {
		at := i["location"].(map[string]any)
		if line := at["lines"].(map[string]any)["begin"].(float64); line < 1 || at["path"] == "" || strings.HasPrefix(at["path"].(string), "./") {
			t.Errorf("place %v", at)
		}
		if i["description"] == "" || strings.Contains(i["description"].(string), "\n") || i["check_name"] == "" {
			t.Errorf("%v", i)
		}
		if fingerprints[i["fingerprint"]] {
			t.Errorf("two issues have the fingerprint %v: GitLab shows one", i["fingerprint"])
		}
		fingerprints[i["fingerprint"]] = true
		severities[i["severity"]]++
	}
	if want := map[any]int{"critical": 3, "minor": 1, "blocker": 1}; !maps.Equal(severities, want) {
		t.Errorf("severities %v, want %v:\n%s", severities, want, &b)
	}
	b.Reset()
	if err := Unable(errors.New("no repository")).Write(&b, "gitlab", Style{}); err != nil {
		t.Fatal(err)
	}
	says(t, b.String(), `"description": "no repository"`, `"path": "troupe.yaml"`)
}
