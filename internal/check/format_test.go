package check

import (
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
	says(t, b.String(), "::error file=new/a%2Cb%3A100%25.avsc,line=2,col=1,title=", "%0AField total")
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
