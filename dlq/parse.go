package dlq

import (
	"strconv"
	"strings"
	"time"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
)

// Parse reads a record of a letter topic. A record that this package did not
// write, or whose headers somebody damaged, gives a Letter with what is known
// and Foreign set. The letter shares memory with r.
func Parse(r event.Record) Letter {
	h := readHeaders(r.Headers)
	at := Place{r.Topic, r.Partition, r.Offset}
	l := Letter{
		ID: h.id, Group: h.group, Handler: h.handler,
		Class: h.class, ErrorType: h.errorType, Message: h.message, Stack: h.stack, Fingerprint: h.fingerprint,
		Attempts: h.deliveries, Failures: 1,
		FirstFailedAt: h.firstFailedAt, FailedAt: h.failedAt,
		ServiceVersion: h.serviceVersion,
		ReplayID:       h.replayID,
		Source:         h.source,
		Place:          at,
		State:          Open,
		Foreign:        h.id == "" || !h.placed,
	}
	l.ReplayCount, _ = strconv.Atoi(h.replayCount)
	if h.dropped != "" {
		l.Dropped = strings.Split(h.dropped, ",")
	}
	if l.Group == "" {
		l.Group, _ = groupOf(r.Topic)
	}
	if l.FailedAt.IsZero() {
		l.FailedAt = time.UnixMilli(r.Timestamp).UTC()
	}
	l.Record = event.Record{
		Topic: h.source.Topic, Partition: h.source.Partition, Offset: h.source.Offset, Timestamp: h.timestamp,
		Key: r.Key, Value: r.Value, Headers: ownHeaders(r.Headers, everything),
	}
	if l.Foreign {
		l.ID = idOf(l.Group, "", at, identity{})
		l.Record.Timestamp = r.Timestamp
		if !h.placed {
			l.Record.Topic, l.Record.Partition, l.Record.Offset = r.Topic, r.Partition, r.Offset
		}
	}
	l.Event, _, _, _ = wire.Decode(&l.Record) // what is wrong with the value is the letter's own subject
	if l.Event.SchemaID == 0 {
		l.Event.SchemaID = h.schemaID
	}
	return l
}

// letterHeaders are the values of a letter's headers; of a name that stands
// more than once the last counts.
type letterHeaders struct {
	id, group, handler, class, errorType, message, stack, fingerprint, serviceVersion, dropped string
	replayID, replayCount, opID                                                                string
	firstFailedAt, failedAt                                                                    time.Time
	timestamp                                                                                  int64
	deliveries, schemaID                                                                       int
	source                                                                                     Place
	// placed says that topic, partition and offset are all there and make sense.
	placed bool
}

func readHeaders(hs event.Headers) letterHeaders {
	var l letterHeaders
	var partition, offset string
	for _, h := range hs {
		var to *string
		switch h.Key {
		case headerTopic:
			to = &l.source.Topic
		case headerPartition:
			to = &partition
		case headerOffset:
			to = &offset
		case headerGroup:
			to = &l.group
		case headerMessage:
			to = &l.message
		case headerID:
			to = &l.id
		case headerHandler:
			to = &l.handler
		case headerClass:
			to = &l.class
		case headerErrorType:
			to = &l.errorType
		case headerFingerprint:
			to = &l.fingerprint
		case headerStack:
			to = &l.stack
		case headerServiceVersion:
			to = &l.serviceVersion
		case headerDropped:
			to = &l.dropped
		case headerReplayID:
			to = &l.replayID
		case headerReplayCount:
			to = &l.replayCount
		case headerOperationID:
			to = &l.opID
		case headerFirstFailedAt:
			l.firstFailedAt = timeOf(h.Value)
		case headerFailedAt:
			l.failedAt = timeOf(h.Value)
		case headerSourceTimestamp:
			l.timestamp, _ = strconv.ParseInt(string(h.Value), 10, 64)
		case headerDeliveries:
			l.deliveries = countOf(h.Value)
		case headerSchemaID:
			l.schemaID = countOf(h.Value)
		}
		if to != nil {
			*to = strings.ToValidUTF8(string(h.Value), "?")
		}
	}
	p, errP := strconv.ParseInt(partition, 10, 32)
	o, errO := strconv.ParseInt(offset, 10, 64)
	if l.placed = l.source.Topic != "" && errP == nil && errO == nil && p >= 0 && o >= 0; l.placed {
		l.source.Partition, l.source.Offset = int32(p), o
	} else {
		l.source = Place{}
	}
	return l
}

func timeOf(b []byte) time.Time {
	var t time.Time
	if t.UnmarshalText(b) != nil {
		return time.Time{}
	}
	return t.UTC()
}

func countOf(b []byte) int {
	n, err := strconv.ParseInt(string(b), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}
