package corpus

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The values of a row, in the order of its keys, are what is said about it.
const (
	promotion = `{"writer":"int","reader":"long","expect":true,"data":[{"hex":"02","out":"02"}]}`
	widening  = `{"writer":"int","reader":"double","expect":true,"data":[{"hex":"02","out":"000000000000f03f"}]}`
	narrowing = `{"writer":"long","reader":"int","expect":false,"expect_violations":[{"type":"TYPE_MISMATCH","path":""}]}`
	one       = `{"schema":"int","canonical":"\"int\"","rabin":"7275d51a3f395c8f","rabin_le":"8f5c393f1ad57572","md5":"ef524ea1b91e73173d938ade36c1db32","sha256":"3f2b87a9fe7cc9b13835598c3981cd45e3e355309e5090aa0933d7becb6fba45"}`
)

func rowOf(t *testing.T, text string) Row {
	t.Helper()
	for row, err := range Rows(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	t.Fatal("no row")
	return Row{}
}

func TestCheck_AgreesWithWhatIsTrue(t *testing.T) {
	for _, row := range []string{
		promotion, widening, narrowing, one,
		`{"reader":"\"long\"","writer":" {\"type\":\"int\"}","expect":true}`,
		`{"id":7,"writer":"int","reader":"double","spec_readable":true}`,
		`{"writer":"float","reader":"int","expect":false,"types":["TYPE_MISMATCH"],"paths":["/"]}`,
		`{"writer":{"type":"enum","name":"E","symbols":["A"]},"reader":{"type":"enum","name":"E","symbols":["A"],"default":"B"},"expect":true}`,
		`{"writer":"nonsense","reader":"int","expect":false}`,
		`{"writer":"bytes","reader":"string","expect":true,"data":[{"hex":"02ff","out":"02ff","invalid_utf8":true}]}`,
		`{"writer":"int","reader":"double","expect":true,"data":[{"hex":"02","out":"00","expect_out":"000000000000f03f"}]}`,
		`{"history":["int"],"candidate":"long","mode":"BACKWARD","compatible":true}`,
		`{"history":["int"],"candidate":"long","mode":"full","compatible":false}`,
		`{"history":["string","int"],"candidate":"long","mode":"BACKWARD","compatible":true}`,
		`{"history":["string","int"],"candidate":"long","mode":"BACKWARD_TRANSITIVE","compatible":false}`,
		`{"history":[],"candidate":"long","mode":"FULL","compatible":true}`,
		`{"schema":"boolean","hex":"02","expect":"error"}`,
		`{"schema":"boolean","hex":"01","expect":"ok"}`,
		`{"schema":{"type":"array","items":"null"},"hex":"80c2d72f00","expect":"ok","limit":"items"}`,
	} {
		if o := Check(rowOf(t, row)); !o.Agrees() {
			t.Errorf("%s: %+v", row, o)
		}
	}
}

func TestCheck_DisagreesWithWhatIsFalse(t *testing.T) {
	for row, want := range map[string]string{
		strings.Replace(promotion, "true", "false", 1):                               "verdict: readable",
		strings.Replace(narrowing, "false", "true", 1):                               "verdict: not readable",
		strings.Replace(narrowing, "TYPE_MISMATCH", "NAME_MISMATCH", 1):              "violations: ",
		strings.Replace(widening, "f03f", "f0bf", 1):                                 "became 000000000000f03f, expected 000000000000f0bf",
		`{"writer":"int","reader":"long","expect":true,"data":[{"hex":"80"}]}`:       "the bytes end",
		`{"writer":"bytes","reader":"string","expect":true,"data":[{"hex":"02ff"}]}`: "UTF-8",
		`{"writer":"nonsense","reader":"int","expect":true}`:                         "nonsense",
		`{"history":["int"],"candidate":"long","mode":"FORWARD","compatible":true}`:  "expected compatible: true",
		`{"history":["int"],"candidate":"long","mode":"NONE","compatible":false}`:    "expected compatible: false",
		strings.Replace(one, "int", "long", 1):                                       "canonical form",
		strings.Replace(one, "7275", "7276", 1):                                      "rabin 7275d51a3f395c8f, expected 7276d51a3f395c8f",
		strings.Replace(one, "8f5c", "8f5d", 1):                                      "little endian",
		strings.Replace(one, "ef52", "ef53", 1):                                      "md5",
		strings.Replace(one, "3f2b", "3f2c", 1):                                      "sha256",
		`{"schema":"nonsense","canonical":"\"int\""}`:                                "nonsense",
		`{"schema":"boolean","hex":"02","expect":"ok"}`:                              "Validate",
		`{"schema":"boolean","hex":"01","expect":"error"}`:                           "Append takes what is no value",
	} {
		o := Check(rowOf(t, row))
		if len(o.Wrong) == 0 || !strings.Contains(strings.Join(o.Wrong, "\n"), want) {
			t.Errorf("%s: %q, want %q", row, o.Wrong, want)
		}
		if o.Agrees() || len(o.Schemas) == 0 {
			t.Errorf("%s: %+v", row, o)
		}
	}
}

func TestCheck_SkipsWhatIsNotSettled(t *testing.T) {
	for row, want := range map[string]string{
		`{"writer":"int","reader":"long","unsure":{"why":"a riddle","first":true},"data":[{"hex":"02","out":"04"}]}`: "a riddle",
		`{"writer":"int","reader":"long"}`:                     "no verdict is expected",
		`{"writer":"int","reader":"long","expect":null}`:       "no verdict is expected",
		`{"history":["int"],"candidate":"long","mode":"FULL"}`: "no verdict is expected",
		`{"schema":"long","hex":"80808080808080808000"}`:       "the specification does not say",
	} {
		if o := Check(rowOf(t, row)); o.Skipped != want || len(o.Wrong) > 0 || o.Data > 0 {
			t.Errorf("%s: %+v", row, o)
		}
	}
	twins := `{"writer":"int","reader":"double","expect":true,"twin_branches":true,"data":[{"hex":"02","out":"00"}]}`
	if o := Check(rowOf(t, twins)); !o.Agrees() || o.Unsettled != 1 || o.Data != 0 {
		t.Errorf("%+v", o)
	}
}

func TestCheck_SaysWhatItCannotRead(t *testing.T) {
	for _, row := range []string{
		`{"writer":"int","reader":"long","expect":"yes"}`,
		`{"writer":"int","reader":"long","expect":true,"data":[{"hex":"0"}]}`,
		`{"history":["int"],"candidate":"long","mode":"SIDEWARD","compatible":true}`,
		`{"schema":"int","hex":"xx","expect":"ok"}`,
		`{"schema":"int","hex":"00","expect":"maybe"}`,
		`{"schema":"int","canonical":7}`,
	} {
		if o := Check(rowOf(t, row)); o.Unreadable == nil || o.Agrees() {
			t.Errorf("%s: %+v", row, o)
		}
	}
}

func TestMeasure_SeesMemoryAndStack(t *testing.T) {
	var kept []byte
	if _, memory, _ := measure(func() error { kept = make([]byte, 5<<20); return nil }); memory < 5<<20 {
		t.Errorf("%d bytes of %d seen", memory, len(kept))
	}
	var deep func(n int) int
	deep = func(n int) int {
		var room [1 << 10]byte
		if n == 0 {
			return len(room)
		}
		room[n%len(room)] = 1
		return deep(n-1) + int(room[0])
	}
	if _, memory, _ := measure(func() error { deep(8 << 10); return nil }); memory < 8<<20 {
		t.Errorf("a stack of some 8 MiB is seen as %d bytes", memory)
	}
}

func TestRows_TellsKindsByKeys(t *testing.T) {
	for text, want := range map[string]Kind{
		`{"reader":"int","id":"x","writer":"int"}`:            Compat,
		`{"data":[],"reader":"int","writer":"int"}`:           Random,
		`{"mode":"NONE","candidate":"int","history":[]}`:      Modes,
		`{"sha256":"00","schema":"int"}`:                      Canonical,
		`{"hex":"","schema":"int","java":{"outcome":"ok"}}`:   Hostile,
		"\xef\xbb\xbf" + `{"writer":"int","reader":"long"}  `: Compat,
	} {
		if row := rowOf(t, text); row.Kind != want {
			t.Errorf("%s: %s", text, row.Kind)
		}
	}
}

func TestRows_GoesOnBehindABadLine(t *testing.T) {
	text := promotion + "\n\n" + `{"what":1}` + "\r\n" + `[1]` + "\n" + `{"writer"` + "\n" + one
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(text))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{text, zipped.String()} {
		var good, bad []int
		for row, err := range Rows(strings.NewReader(in)) {
			line := new(LineError)
			switch {
			case err == nil:
				good = append(good, row.Line)
			case errors.As(err, &line):
				bad = append(bad, line.Line)
			default:
				t.Error(err)
			}
		}
		if len(good) != 2 || good[0] != 1 || good[1] != 6 || len(bad) != 3 || bad[0] != 3 || bad[2] != 5 {
			t.Errorf("good %v, bad %v", good, bad)
		}
	}
	for _, in := range []string{zipped.String()[:zipped.Len()-9], "\x1f\x8bnonsense"} {
		var last error
		for _, err := range Rows(strings.NewReader(in)) {
			last = err
		}
		if last == nil {
			t.Errorf("a cut file ends with %v", last)
		}
	}
}
