package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

var updateDLQ = flag.Bool("update-dlq", false, "rewrite the golden files of troupe dlq")

// outcome is how a command ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// troupeDLQ runs troupe dlq with those arguments.
func troupeDLQ(ctx context.Context, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(ctx, append([]string{"dlq"}, args...), strings.NewReader(""), &stdout, &stderr)
	return outcome{stdout.String(), stderr.String(), code}
}

func expect(t *testing.T, o outcome, code int, stderr ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", o.code, code, o.stderr)
	}
	for _, s := range stderr {
		if !strings.Contains(o.stderr, s) {
			t.Errorf("stderr does not say %q: %s", s, o.stderr)
		}
	}
	if code != 0 && strings.Count(strings.TrimSpace(o.stderr), "\n") > 1 {
		t.Errorf("the error is not one line: %s", o.stderr)
	}
}

// letters writes dead letters of a new group, one for each offset, and points
// TROUPE_BROKERS at their cluster.
func letters(t *testing.T, s *troupetest.Services, offsets ...int64) (group string) {
	t.Helper()
	t.Setenv("TROUPE_BROKERS", strings.Join(s.Kafka.Brokers, ","))
	group = s.Group(t)
	w, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx := context.Background()
	if err := w.Provision(ctx, group); err != nil {
		t.Fatal(err)
	}
	for _, o := range offsets {
		err := w.Put(ctx, dlq.Failure{
			Record: event.Record{
				Topic: "orders", Partition: 0, Offset: o, Timestamp: 1_772_366_645_000, Key: fmt.Appendf(nil, "A-%d", o), Value: []byte("\x00\x00\x00\x00\x29avro"),
				Headers: event.Headers{{Key: "ce_id", Value: fmt.Appendf(nil, "e-%d", o)}, {Key: "ce_source", Value: []byte("orders")}, {Key: "ce_type", Value: []byte("shop.OrderPlaced")}},
			},
			Event: event.Meta{SchemaID: 41}, Group: group, Handler: "charge", Class: "handler",
			Cause: fmt.Errorf("charge order %d: \x1b[31mcard declined", o), Attempts: 5,
			FailedAt: time.Now().Add(-time.Duration(o) * time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return group
}

func TestLs_ListsTheLatestFailureFirst(t *testing.T) {
	group := letters(t, troupetest.New(t), 3, 1, 2)
	o := troupeDLQ(t.Context(), "ls", "--group", group)
	expect(t, o, 0, "3 letters", "scanned 3/3 (complete)")
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "ID ") {
		t.Fatalf("got\n%s", o.stdout)
	}
	for i, want := range []string{"orders/0@1", "orders/0@2", "orders/0@3"} {
		if !strings.Contains(lines[i+1], want) || !strings.Contains(lines[i+1], group) {
			t.Errorf("line %d does not show %s: %s", i+1, want, lines[i+1])
		}
	}
	if strings.Contains(o.stdout, "\x1b") {
		t.Error("a letter's message steers the terminal")
	}
}

func TestLs_OutputsAreDataOnStdout(t *testing.T) {
	group := letters(t, troupetest.New(t), 1, 2, 30)
	t.Run("json", func(t *testing.T) {
		o := troupeDLQ(t.Context(), "ls", "-g", group, "-o", "json", "--since", "1d")
		expect(t, o, 0)
		var got []letterSummary
		if err := json.Unmarshal([]byte(o.stdout), &got); err != nil || len(got) != 2 {
			t.Fatalf("%v, %d letters: %s", err, len(got), o.stdout)
		}
		l := got[0]
		if l.Group != group || l.Class != "handler" || l.Attempts != 5 || l.Source.Offset != 1 || *l.Key != "A-1" || l.Event.ID != "e-1" || l.SchemaID != 41 || l.Message != "charge order 1: \x1b[31mcard declined" {
			t.Errorf("got %+v", l)
		}
	})
	t.Run("an empty json is a list", func(t *testing.T) {
		o := troupeDLQ(t.Context(), "ls", "-g", group, "-o", "json", "--topic", "nothing")
		expect(t, o, 0, "no letters")
		if strings.TrimSpace(o.stdout) != "[]" {
			t.Errorf("got %q", o.stdout)
		}
	})
	t.Run("jsonl", func(t *testing.T) {
		o := troupeDLQ(t.Context(), "ls", "-g", group, "-o", "jsonl", "--limit", "2")
		expect(t, o, 0, "2 of 3 letters shown")
		if n := strings.Count(o.stdout, "\n"); n != 2 {
			t.Errorf("%d lines: %s", n, o.stdout)
		}
		for line := range strings.Lines(o.stdout) {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	})
	t.Run("name", func(t *testing.T) {
		o := troupeDLQ(t.Context(), "ls", "-g", group, "-o", "name", "--limit", "0")
		expect(t, o, 0)
		for _, id := range strings.Fields(o.stdout) {
			expect(t, troupeDLQ(t.Context(), "show", id), 0)
		}
		if len(strings.Fields(o.stdout)) != 3 {
			t.Errorf("got %q", o.stdout)
		}
	})
}

func TestLs_WithoutAGroupListsAllGroups(t *testing.T) {
	s := troupetest.New(t)
	a, b := letters(t, s, 1), letters(t, s, 2)
	o := troupeDLQ(t.Context(), "ls", "--limit", "0")
	expect(t, o, 0, "(complete)")
	for _, group := range []string{a, b} {
		if !strings.Contains(o.stdout, group) {
			t.Errorf("%s is missing in\n%s", group, o.stdout)
		}
	}
}

func TestShow_ShowsAllOfALetter(t *testing.T) {
	group := letters(t, troupetest.New(t), 1)
	id := strings.TrimSpace(troupeDLQ(t.Context(), "ls", "-g", group, "-o", "name").stdout)
	o := troupeDLQ(t.Context(), "show", id, "-g", group)
	expect(t, o, 0)
	for _, want := range []string{id, group, "charge order 1: ·[31mcard declined", "orders/0@1", "dlq." + group + "/0@0", "shop.OrderPlaced", "ce_id: e-1", "A-1", "schema 41", "|....)avro|"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("%q is missing in\n%s", want, o.stdout)
		}
	}
	o = troupeDLQ(t.Context(), "show", id, "-o", "json")
	expect(t, o, 0)
	var d letterDetail
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil || !bytes.Equal(d.ValueBase64, []byte("\x00\x00\x00\x00\x29avro")) || len(d.Headers) != 3 {
		t.Errorf("%v: %s", err, o.stdout)
	}
}

func TestShowText_IsAsTheGoldenFilesHaveIt(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 4, 5, 0, time.UTC)
	const order = `{"OrderID":"A-1207","Total":{"double":12.5},"Note":"` + "evil\u009b" + `","Lines":[]}`
	full := dlq.Letter{
		ID: "74wgqwkc5gcqx08n", State: dlq.Open, Group: "payments", Handler: "payments.charge", Class: "panic", ErrorType: "runtime.boundsError", Fingerprint: "c-1a2b3c4d",
		Message: "index out of range [5] with length 3", Stack: "goroutine 37 [running]:\npanic({0x5d1a20})\n\t/usr/local/go/src/runtime/panic.go:787 +0x132\n",
		Attempts: 1, Failures: 2, FirstFailedAt: at.Add(-time.Hour), FailedAt: at, ServiceVersion: "v1.2.3",
		Source: dlq.Place{Topic: "orders", Partition: 3, Offset: 1207}, Place: dlq.Place{Topic: "dlq.payments", Partition: 3, Offset: 17},
		Record: event.Record{Key: []byte("A-1207"), Value: append([]byte{0, 0, 0, 0, 41}, bytes.Repeat([]byte("0123456789"), 60)...),
			Headers: event.Headers{{Key: "ce_id", Value: []byte("1")}, {Key: "binary", Value: []byte{0xff, 0}}, {Key: "null"}, {Key: "evil\x1b", Value: []byte("\x1b]0;x\a")}}},
		Event: event.Meta{ID: "1", Source: "orders", Type: "shop.OrderPlaced", Subject: "A-1207", Key: "A-1207", Time: at, CorrelationID: "flow-1", CausationID: "0", Hops: 2, SchemaID: 41},
	}
	foreign := dlq.Parse(event.Record{Topic: "dlq.share", Offset: 9, Timestamp: at.UnixMilli(), Headers: event.Headers{{Key: "__dlq.errors.message", Value: []byte("Offset rejected by client.")}}})
	cut := full
	cut.Dropped, cut.Record = []string{"stack", "value"}, event.Record{}
	cut.Stack = ""
	once := full
	once.FirstFailedAt = at.Add(-999 * time.Millisecond)
	o := showOptions{dlqOptions: &dlqOptions{now: func() time.Time { return at.Add(90 * time.Minute) }}}
	for name, l := range map[string]*dlq.Letter{"full": &full, "foreign": &foreign, "cut": &cut, "decoded": &full, "once": &once} {
		t.Run(name, func(t *testing.T) {
			d := detail(l)
			if name == "decoded" {
				d.DataType, d.readable = "shop.OrderPlaced", json.RawMessage(order)
			}
			d.NotDecoded = errNoRegistry.Error()
			got, path := o.text(&d), "testdata/dlq_show_"+name+".golden"
			if *updateDLQ {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("%s differs, %v (go test -update-dlq rewrites it); got\n%s", path, err, got)
			}
		})
	}
}

// A letter whose event can't be decoded names the command that says more.
func TestShow_NamesTheNextCommand(t *testing.T) {
	guid := append([]byte{1}, bytes.Repeat([]byte{0xab}, 16)...)
	framed := event.Record{Value: []byte("\x00\x00\x00\x00\x29avro")}
	named := event.Record{Value: []byte("avro"), Headers: event.Headers{{Key: "__value_schema_id", Value: guid}}}
	for _, c := range []struct {
		class, registry string
		record          event.Record
		want            string
	}{
		{dlq.ClassSchema, "", framed, "next       troupe schema resolve id:41 YOUR.avsc, with the schema that the handler reads, says what does not fit\n"},
		{dlq.ClassSchema, "http://host:8081", named, "next       troupe schema resolve guid:abababab-abab-abab-abab-abababababab YOUR.avsc --registry http://host:8081, "},
		{dlq.ClassUnknownSchema, "http://ann:s3cret@host", framed, "next       troupe schema get id:41 says whether the registry has it by now\n"},
		{dlq.ClassHandler, "", framed, ""},
		{dlq.ClassSchema, "", event.Record{}, ""},
	} {
		o := showOptions{dlqOptions: &dlqOptions{now: time.Now, registry: c.registry}}
		l := dlq.Letter{Class: c.class, Record: c.record}
		d := detail(&l)
		d.next = o.next(&l)
		if text := o.text(&d); !strings.Contains(text, c.want) || c.want == "" && strings.Contains(text, "\nnext") {
			t.Errorf("%s: it does not say %q:\n%s", c.class, c.want, text)
		}
	}
}

func TestLs_ExplainsEveryClass(t *testing.T) {
	help := troupeDLQ(t.Context(), "ls", "--help").stdout
	for _, class := range []string{dlq.ClassHandler, dlq.ClassPermanent, dlq.ClassPanic, dlq.ClassDecode, dlq.ClassSchema, dlq.ClassUnknownSchema,
		dlq.ClassReused, dlq.ClassHops, dlq.ClassNullValue, dlq.ClassUnknownMagicByte, dlq.ClassTruncated, dlq.ClassBadGUID} {
		if !strings.Contains(help, class) {
			t.Errorf("%s is not in\n%s", class, help)
		}
	}
}

func upTo(n int64) (offsets []int64) {
	for i := range n {
		offsets = append(offsets, i)
	}
	return offsets
}

func TestShow_TakesTheBeginningOfAnID(t *testing.T) {
	group := letters(t, troupetest.New(t), upTo(40)...)
	ids := strings.Fields(troupeDLQ(t.Context(), "ls", "-g", group, "-o", "name").stdout)
	if len(ids) != 40 {
		t.Fatalf("%d letters", len(ids))
	}
	unique := ids[0]
	for alone := true; alone; unique = unique[:len(unique)-1] {
		for _, id := range ids[1:] {
			alone = alone && !strings.HasPrefix(id, unique[:len(unique)-1])
		}
		if !alone {
			break
		}
	}
	o := troupeDLQ(t.Context(), "show", unique, "-g", group)
	expect(t, o, 0)
	if !strings.Contains(o.stdout, ids[0]) {
		t.Errorf("%s is not the beginning of\n%s", unique, o.stdout)
	}
	counts := map[string]int{} // 40 ids begin with 32 letters
	for _, id := range ids {
		if counts[id[:1]]++; counts[id[:1]] == 2 {
			expect(t, troupeDLQ(t.Context(), "show", id[:1], "-g", group), 1, "the ids of several letters begin with", id[:1])
			return
		}
	}
}

func TestDLQ_SaysWhatToDoAboutMistakes(t *testing.T) {
	s := troupetest.New(t)
	group := letters(t, s, 1)
	missing := troupetest.Name(t)
	expect(t, troupeDLQ(t.Context(), "ls", "-g", missing), 1, missing, "groups that have one:", group)
	expect(t, troupeDLQ(t.Context(), "show", "x", "-g", missing), 1, "groups that have one:", group)
	expect(t, troupeDLQ(t.Context(), "show", "nosuchletter"), 1, `no letter "nosuchletter" in any group`)
	expect(t, troupeDLQ(t.Context(), "show", "nosuch", "-g", group), 1, "in group "+group)
	expect(t, troupeDLQ(t.Context(), "show"), 2, "needs the id of one letter", "troupe dlq show --help")
	expect(t, troupeDLQ(t.Context(), "ls", "--nonsense"), 2, "unknown flag", "troupe dlq ls --help")
	expect(t, troupeDLQ(t.Context(), "ls", "-o", "xml"), 2, "none of table, wide, json, jsonl, name")
	expect(t, troupeDLQ(t.Context(), "ls", "--since", "yesterday"), 2, "90m, 6h or 2d")
	expect(t, troupeDLQ(t.Context(), "ls", "--limit", "-1"), 2, "negative")
	expect(t, troupeDLQ(t.Context(), "ls", "--brokers", "nowhere"), 2, `--brokers: "nowhere" is not host:port`)
	expect(t, troupeDLQ(t.Context(), "ls", "--registry", "localhost:8081"), 2, "--registry: localhost:8081 is not http://host:port")
	t.Setenv("TROUPE_REGISTRY", "localhost:8081")
	t.Setenv("TROUPE_REDIS", "nonsense")
	expect(t, troupeDLQ(t.Context(), "ls", "-g", group), 0)
	expect(t, troupeDLQ(t.Context(), "show", "nosuch", "-g", group), 2, "TROUPE_REGISTRY: localhost:8081 is not http://host:port")
	expect(t, troupeDLQ(t.Context(), "show", "nosuch", "-g", group, "--registry", "http://localhost:8081"), 1, "no letter")
	t.Setenv("TROUPE_BROKERS", "")
	expect(t, troupeDLQ(t.Context(), "ls"), 2, "set TROUPE_BROKERS or --brokers")
	t.Setenv("TROUPE_TLS", "perhaps")
	expect(t, troupeDLQ(t.Context(), "ls"), 2, "TROUPE_TLS")
}

func TestDLQ_GivesUpOnADeadBroker(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	expect(t, troupeDLQ(t.Context(), "ls", "--brokers", "127.0.0.1:1"), 1, "127.0.0.1:1", "refused; is Kafka up, and are TROUPE_BROKERS or --brokers right?")
	expect(t, troupeDLQ(t.Context(), "ls", "--brokers", silent.Addr().String(), "--timeout", "200ms"), 1, "no answer from Kafka within 200ms")

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan outcome)
	go func() { ended <- troupeDLQ(ctx, "ls", "--brokers", silent.Addr().String(), "--timeout", "1h") }()
	cancel()
	expect(t, <-ended, exitInterrupted, "interrupted")
}

func TestDLQ_HelpHasAnExample(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"ls", "--help"}, {"show", "--help"}, {}} {
		o := troupeDLQ(t.Context(), args...)
		expect(t, o, 0)
		if !strings.Contains(o.stdout, "Examples:\n  troupe dlq ") {
			t.Errorf("%v: no example in\n%s", args, o.stdout)
		}
	}
}

func TestFooter_SaysWhyItIsNotComplete(t *testing.T) {
	s := troupetest.New(t)
	group := letters(t, s, 1)
	reader, err := dlq.NewReader(dlq.ReaderConfig{Kafka: troupe.Kafka{Brokers: s.Kafka.Brokers}})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	listing := reader.List(t.Context(), dlq.Query{Group: group})
	for range listing.All() {
	}
	var b bytes.Buffer
	o := lsOptions{dlqOptions: &dlqOptions{now: time.Now}}
	o.footer(&b, listing, 1, 1, &dlq.IncompleteError{Scanned: 1, Total: 2, Err: errors.New("read dlq.x/0@7: the disk is gone")})
	if want := "1 letter\nscanned 1/1 INCOMPLETE: read dlq.x/0@7: the disk is gone\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestAge_HasTwoUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 40 * time.Second: "40s", 2*time.Minute + 3*time.Second: "2m", 5*time.Hour + 12*time.Minute: "5h12m", 76 * time.Hour: "3d4h",
	} {
		if got := age(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestThousands_AreSeparated(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 18204: "18,204", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestNewest_KeepsTheLatestFailures(t *testing.T) {
	n := newest{limit: 3}
	at := time.Now()
	for i := range 1000 {
		n.add(letterSummary{ID: fmt.Sprint(i), FailedAt: at.Add(time.Duration(i*7919%1000) * time.Second)})
	}
	got := n.sorted()
	if n.seen != 1000 || len(got) != 3 || !got[0].FailedAt.Equal(at.Add(999*time.Second)) || !got[2].FailedAt.Equal(at.Add(997*time.Second)) {
		t.Errorf("seen %d, got %v", n.seen, got)
	}
}
