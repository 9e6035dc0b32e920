package dlq

import (
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/event"
)

func TestParse_OfAForeignRecordGivesWhatIsKnown(t *testing.T) {
	shareGroup := event.Record{
		Topic: "dlq.share-b", Partition: 1, Offset: 9, Timestamp: 1_795_408_141_196, Key: []byte("order-2"), Value: []byte(`{"id":2}`),
		Headers: event.Headers{
			{Key: headerTopic, Value: []byte("share.orders.b")}, {Key: headerPartition, Value: []byte("1")}, {Key: headerOffset, Value: []byte("0")},
			{Key: headerGroup, Value: []byte("share-b")}, {Key: headerDeliveries, Value: []byte("3")}, {Key: headerMessage, Value: []byte("Offset delivery count exceeded the threshold.")},
		},
	}
	l := Parse(shareGroup)
	if !l.Foreign || l.Group != "share-b" || l.Source != (Place{"share.orders.b", 1, 0}) || l.Attempts != 3 || !strings.Contains(l.Message, "threshold") {
		t.Errorf("got %+v", l)
	}
	if l.ID == "" || !l.FailedAt.Equal(time.UnixMilli(1_795_408_141_196)) || l.Place != (Place{"dlq.share-b", 1, 9}) {
		t.Errorf("got %+v", l)
	}

	bare := Parse(event.Record{Topic: "dlq.x", Partition: 2, Offset: 3, Timestamp: 5, Value: []byte("?")})
	if !bare.Foreign || bare.Group != "x" || bare.Source != (Place{}) || bare.Record.Topic != "dlq.x" || bare.ID == l.ID {
		t.Errorf("got %+v", bare)
	}
}

func TestParse_HostileHeadersAreSurvived(t *testing.T) {
	huge := strings.Repeat("\xff9", 1<<19)
	names := []string{headerTopic, headerPartition, headerOffset, headerGroup, headerDeliveries, headerMessage, headerID, headerHandler, headerClass,
		headerErrorType, headerFingerprint, headerStack, headerFirstFailedAt, headerFailedAt, headerSourceTimestamp, headerServiceVersion,
		headerSchemaID, headerDropped, headerReplayID, headerReplayCount, headerOperationID, headerDataRef}
	for _, v := range [][]byte{nil, {}, {0xff}, []byte("-1"), []byte("99999999999999999999"), []byte(huge)} {
		f := failed()
		good := f.letter("", everything)
		for _, name := range names {
			r := placed(good)
			r.Headers = append(append(event.Headers{}, good.Headers...), event.Header{Key: name, Value: v})
			l := Parse(r)
			damaged := name == headerTopic && len(v) == 0 || name == headerPartition || name == headerOffset || name == headerID && len(v) == 0
			if l.Foreign != damaged || l.ID == "" || l.Attempts < 0 || l.Event.SchemaID < 0 {
				t.Errorf("with %s = %.10q: %.300v", name, v, l)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(headerPartition, []byte("1"), headerID, []byte("x"))
	f.Add(headerDropped, []byte("value,"), headerFailedAt, []byte("2026-03-01T12:00:00Z"))
	f.Fuzz(func(t *testing.T, n1 string, v1 []byte, n2 string, v2 []byte) {
		x := failed()
		r := placed(x.letter("", everything))
		r.Headers = append(r.Headers, event.Header{Key: n1, Value: v1}, event.Header{Key: n2, Value: v2})
		l := Parse(r)
		if l.ID == "" || l.FailedAt.IsZero() && !l.Foreign {
			t.Fatalf("%+v", l)
		}
		x.Record = r
		x.letter("", placeOnly)
	})
}
