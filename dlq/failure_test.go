package dlq

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/event"
)

var failedAt = time.Date(2026, 3, 1, 12, 4, 5, 678_000_000, time.UTC)

func failed() Failure {
	return Failure{
		Record: event.Record{
			Topic: "orders", Partition: 3, Offset: 1207, Timestamp: 1_772_366_645_000,
			Key: []byte("A-1207"), Value: []byte("\x00\x00\x00\x00\x29avro"),
			Headers: event.Headers{
				{Key: "ce_id", Value: []byte("1")}, {Key: "ce_source", Value: []byte("orders")}, {Key: "ce_type", Value: []byte("shop.OrderPlaced")},
				{Key: "mine", Value: []byte{0xff, 0x00}}, {Key: "mine"}, {Key: "mine", Value: []byte{}}, {Key: "troupe-hops", Value: []byte("2")},
			},
		},
		Event: event.Meta{SchemaID: 41},
		Group: "payments", Handler: "payments.charge", Class: "handler",
		Cause:    fmt.Errorf("charge order 1207: %w", errors.New("card declined")),
		Attempts: 5, FirstFailedAt: failedAt.Add(-time.Minute), FailedAt: failedAt,
	}
}

// placed is what Put and Kafka do to a letter.
func placed(r event.Record) event.Record {
	r.Partition, r.Offset = 1, 7
	return r
}

func TestLetter_SaysAllOfTheFailure(t *testing.T) {
	f := failed()
	l := Parse(placed(f.letter("v1.2.3", everything)))
	want := Letter{
		ID: idOf("payments", "payments.charge", Place{"orders", 3, 1207}, identity{"orders", "1"}), Group: "payments", Handler: "payments.charge",
		Class: "handler", ErrorType: "*errors.errorString", Message: "charge order 1207: card declined", Fingerprint: f.fingerprint(),
		Attempts: 5, Failures: 1, FirstFailedAt: failedAt.Add(-time.Minute), FailedAt: failedAt, ServiceVersion: "v1.2.3",
		Source: Place{"orders", 3, 1207}, Record: f.Record, Place: Place{"dlq.payments", 1, 7}, State: Open,
	}
	if e := l.Event; e.ID != "1" || e.Source != "orders" || e.Type != "shop.OrderPlaced" || e.SchemaID != 41 || e.Hops != 2 || e.Key != "A-1207" || e.Topic != "orders" || e.Offset != 1207 {
		t.Errorf("the event is %+v", e)
	}
	l.Event = event.Meta{}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
}

func TestLetter_KeepsTheRecordByteForByte(t *testing.T) {
	null := func(t *rapid.T, name string) []byte {
		if rapid.Bool().Draw(t, name+" is null") {
			return nil
		}
		return append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, name)...)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := failed()
		f.Record = event.Record{
			Topic: "t" + rapid.StringMatching(`[a-z0-9._-]{0,10}`).Draw(t, "topic"), Partition: rapid.Int32Range(0, 1000).Draw(t, "partition"),
			Offset: rapid.Int64Range(0, 1<<62).Draw(t, "offset"), Timestamp: rapid.Int64Range(-1, 1<<50).Draw(t, "timestamp"),
			Key: null(t, "key"), Value: null(t, "value"),
		}
		for range rapid.IntRange(0, 4).Draw(t, "headers") {
			f.Record.Headers = append(f.Record.Headers, event.Header{Key: "x" + rapid.String().Draw(t, "name"), Value: null(t, "header")})
		}
		if got := Parse(placed(f.letter("", everything))).Record; !reflect.DeepEqual(got, f.Record) {
			t.Fatalf("got  %+v\nwant %+v", got, f.Record)
		}
	})
}

// replayed is a letter's record as a replay would put it into another topic.
func replayed(letter event.Record, n int) event.Record {
	r := letter
	r.Topic, r.Partition, r.Offset, r.Timestamp = "replay.payments", 0, int64(n), failedAt.UnixMilli()+int64(n)
	r.Headers = append(append(event.Headers{}, letter.Headers...),
		event.Header{Key: headerReplayID, Value: []byte("rrrrrrrr")}, event.Header{Key: headerReplayCount, Value: fmt.Appendf(nil, "%04d", n)}, event.Header{Key: headerOperationID, Value: []byte("op-1")})
	return r
}

func TestLetter_IsTheSameOfTheSameSizeAfterAThousandFailedReplays(t *testing.T) {
	f := failed()
	f.Stack = []byte(someStack)
	first := f.letter("v1", everything)
	second := event.Record{}
	for n := 1; n <= 1000; n++ {
		again := f
		previous := first
		if n > 1 {
			previous = second
		}
		again.Record = replayed(previous, n)
		again.FailedAt = failedAt.Add(time.Duration(n) * time.Second)
		again.FirstFailedAt = again.FailedAt
		letter := again.letter("v1", everything)
		if n > 1 && size(letter) != size(second) {
			t.Fatalf("after %d replays the letter has %d bytes, before it had %d", n, size(letter), size(second))
		}
		second = letter
	}
	l := Parse(placed(second))
	want := Parse(placed(first))
	if l.ID != want.ID || l.Source != want.Source || !reflect.DeepEqual(l.Record, want.Record) {
		t.Errorf("it became another letter:\n%+v\n%+v", l, want)
	}
	if !l.FirstFailedAt.Equal(want.FirstFailedAt) || !l.FailedAt.Equal(failedAt.Add(1000*time.Second)) || l.ReplayCount != 1000 || l.ReplayID != "rrrrrrrr" {
		t.Errorf("first failed at %v, last at %v, replay %s, count %d", l.FirstFailedAt, l.FailedAt, l.ReplayID, l.ReplayCount)
	}
	if size(second) > size(first)+200 {
		t.Errorf("it grew from %d to %d bytes", size(first), size(second))
	}
}

func TestLetter_OfAnotherGroupIsAnotherLetter(t *testing.T) {
	payments := failed()
	stock := failed()
	stock.Group = "stock"
	stock.Record = replayed(payments.letter("", everything), 1) // as a replay to the original topic would be seen
	stock.Record.Topic = "orders"
	l := Parse(placed(stock.letter("", everything)))
	if l.ID == payments.letterID() || l.Group != "stock" || l.Source != (Place{"orders", 0, 1}) || l.ReplayID != "" {
		t.Errorf("stock's letter took over from payments': %+v", l)
	}
}

func TestLetterID_DependsOnGroupHandlerPlaceAndIdentityOnly(t *testing.T) {
	base := failed()
	same := failed()
	same.Cause, same.Class, same.Attempts, same.Record.Value = errors.New("other"), "panic", 9, nil
	if base.letterID() != same.letterID() {
		t.Error("another cause made another letter")
	}
	for name, change := range map[string]func(*Failure){
		"group": func(f *Failure) { f.Group = "x" }, "handler": func(f *Failure) { f.Handler = "x" }, "topic": func(f *Failure) { f.Record.Topic = "x" },
		"partition": func(f *Failure) { f.Record.Partition++ }, "offset": func(f *Failure) { f.Record.Offset++ },
		"source": func(f *Failure) { f.Record.Headers[1].Value = []byte("x") }, "id": func(f *Failure) { f.Record.Headers[0].Value = []byte("x") },
	} {
		f := failed()
		change(&f)
		if f.letterID() == base.letterID() {
			t.Errorf("another %s is the same letter", name)
		}
	}
	nameless := failed()
	nameless.Record.Headers = nil
	for f, want := range map[*Failure]string{&base: "kh34eaf5ktdzqhnb", &nameless: "74wgqwkc5gcqx08n"} {
		if id := f.letterID(); id != want {
			t.Errorf("the id is %s, not %s; a change of the algorithm makes new letters of old ones", id, want)
		}
	}
}

func TestLetter_IsBoundedWhateverFails(t *testing.T) {
	huge := strings.Repeat("é1\n", 1<<20)
	f := failed()
	f.Handler, f.Class, f.Cause, f.Stack = huge, huge, errors.New(huge), []byte(huge)
	plain := size(f.Record)
	if grown := size(f.letter(huge, everything)) - plain; grown > headerRoom {
		t.Errorf("the letter adds %d bytes", grown)
	}
	if grown := size(f.letter(huge, withoutStack)) - plain; grown > 3<<10 {
		t.Errorf("without the stack it adds %d bytes", grown)
	}
	f.Record.Value, f.Record.Key = []byte(huge), []byte(huge)
	f.Record.Headers = append(event.Headers{{Key: "huge", Value: []byte(huge)}}, f.Record.Headers...)
	for range 1000 {
		f.Record.Headers = append(f.Record.Headers, event.Header{Key: "many", Value: []byte("x")})
	}
	r := f.letter(huge, placeOnly)
	if size(r) > headerRoom {
		t.Errorf("the place alone has %d bytes", size(r))
	}
	l := Parse(placed(r))
	if l.Source != (Place{"orders", 3, 1207}) || !reflect.DeepEqual(l.Dropped, []string{"stack", "value", "key", "headers"}) || l.Event.Type != "shop.OrderPlaced" {
		t.Errorf("of the letter is left %+v", l)
	}
	if ref := r.Headers.Get(headerDataRef); ref != "kafka:orders/3@1207" {
		t.Errorf("the value is said to be at %q", ref)
	}
}

func TestLetter_OfASchemaHasRoomForEveryReason(t *testing.T) {
	reasons := strings.Repeat("; READER_FIELD_MISSING_DEFAULT_VALUE at shop.OrderPlaced.größe (/fields/7)", 1000)
	f := failed()
	f.Class, f.Cause, f.Stack = ClassSchema, errors.New("1000 violations"+reasons), nil
	r := f.letter("v1", everything)
	message := r.Headers.Get(headerMessage)
	if len(message) > maxViolations || len(message) < maxViolations-10 || !utf8.ValidString(message) || !strings.HasPrefix(message, "1000 violations") {
		t.Errorf("%d bytes of %d", len(message), maxViolations)
	}
	if grown := size(r) - size(f.Record); grown > headerRoom {
		t.Errorf("the letter adds %d bytes", grown)
	}
	f.Class = ClassHandler
	if message := f.letter("v1", everything).Headers.Get(headerMessage); len(message) > maxMessage {
		t.Errorf("%d bytes for another class", len(message))
	}
}

func TestLetter_HeadersAreTextAndStandOnce(t *testing.T) {
	f := failed()
	f.Handler, f.Class, f.Cause, f.Stack = "h\xff", "c\xff", errors.New("m\xff"), []byte("s\xff")
	f.Record.Headers = event.Headers{{Key: headerID, Value: []byte("forged")}, {Key: headerMessage}, {Key: headerDropped, Value: []byte("value")}}
	seen := map[string]bool{}
	for _, h := range f.letter("\xff", everything).Headers {
		if h.Value == nil || !utf8.Valid(h.Value) {
			t.Errorf("%s is %q", h.Key, h.Value)
		}
		if seen[h.Key] {
			t.Errorf("%s stands twice", h.Key)
		}
		seen[h.Key] = true
	}
	if seen[headerDropped] {
		t.Error("nothing was dropped")
	}
}

func TestText_CutsBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 5, "short"}, {"longer", 5, "lo…"}, {"éééé", 6, "é…"}, {"\xff\xff", 5, "?"}, {"a€€", 6, "a…"}, {"", 5, ""},
	} {
		if got := text(c.in, c.limit); got != c.want || len(got) > c.limit {
			t.Errorf("text(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

// size is about what a record takes in a batch.
func size(r event.Record) int {
	n := 64 + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 8 + len(h.Key) + len(h.Value)
	}
	return n
}
