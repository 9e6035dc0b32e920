package dlq

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupe-go/troupe/event"
)

// Failure is an event that could not be handled and why.
type Failure struct {
	// Record is the record as it was read, byte for byte.
	Record event.Record
	// Event is what could be read of it.
	Event event.Meta
	// Group is the consumer group, Handler the name of the handler ("" when none was reached).
	Group, Handler string
	// Class is a short, stable name of the kind of failure, such as ClassHandler.
	Class string
	// Cause is why. If its innermost error has a method ErrorType() string that
	// returns more than nothing, that names its type in the letter.
	Cause error
	// Stack is the panic's stack, if there was one, as debug.Stack has it.
	Stack []byte
	// Attempts is how often the handler was called.
	Attempts int
	// FirstFailedAt and FailedAt are when the event failed for the first and
	// the last time. FailedAt defaults to now, FirstFailedAt to FailedAt.
	FirstFailedAt time.Time
	FailedAt      time.Time
}

// The bounds of what a failure adds to a record. Together with the rest they
// stay below headerRoom, whatever the failure.
const (
	maxStack      = 8 << 10
	maxMessage    = 1 << 10
	maxViolations = maxMessage + maxStack // of ClassSchema, which has no stack but may have many reasons
	maxName       = 256
	shortMessage  = 128
	maxKeptKey    = 4 << 10
	maxKeptHeader = 256
	maxKept       = 32

	headerRoom = 16 << 10
)

// fit is how much of a failure goes into its letter.
type fit int

const (
	everything fit = iota
	withoutStack
	withoutValue
	// placeOnly leaves out whatever the event's author may have made large.
	placeOnly
	fits
)

// origin is what a record that was replayed says of the letter it comes from.
// The zero value belongs to a record that was not replayed.
type origin struct {
	id                          string
	source                      Place
	timestamp                   int64
	firstFailedAt               time.Time
	replayID, replayCount, opID string
}

// originOf reads the letter headers of a record that group has read. Those of
// another group's letter mean nothing.
func originOf(r *event.Record, group string) (origin, bool) {
	l := readHeaders(r.Headers)
	if l.id == "" || l.group != group || !l.placed {
		return origin{}, false
	}
	return origin{
		id: l.id, source: l.source, timestamp: l.timestamp, firstFailedAt: l.firstFailedAt,
		replayID: l.replayID, replayCount: l.replayCount, opID: l.opID,
	}, true
}

// source returns where the event was read for the first time.
func (f *Failure) source() (at Place, o origin) {
	if o, ok := originOf(&f.Record, f.Group); ok {
		return o.source, o
	}
	return Place{f.Record.Topic, f.Record.Partition, f.Record.Offset}, origin{}
}

// letter returns the record to be written, but for its partition.
func (f *Failure) letter(serviceVersion string, how fit) event.Record {
	at, o := f.source()
	message := ""
	if f.Cause != nil {
		limit := maxMessage
		if f.Class == ClassSchema && len(f.Stack) == 0 {
			limit = maxViolations
		}
		message = text(f.Cause.Error(), limit)
	}
	failedAt := f.FailedAt
	if failedAt.IsZero() {
		failedAt = time.Now()
	}
	first, timestamp := f.FirstFailedAt, f.Record.Timestamp
	if first.IsZero() {
		first = failedAt
	}
	if o.id != "" {
		timestamp = o.timestamp
		if !o.firstFailedAt.IsZero() {
			first = o.firstFailedAt
		}
	}

	r := event.Record{Topic: Topic(f.Group), Timestamp: failedAt.UnixMilli(), Key: f.Record.Key, Value: f.Record.Value}
	var dropped []string
	if how >= withoutStack {
		message = text(message, shortMessage)
		if len(f.Stack) > 0 {
			dropped = append(dropped, "stack")
		}
	}
	if how >= withoutValue {
		r.Value = nil
		dropped = append(dropped, "value")
	}
	if how >= placeOnly && len(r.Key) > maxKeptKey {
		r.Key = nil
		dropped = append(dropped, "key")
	}
	own := ownHeaders(f.Record.Headers, how)
	if how >= placeOnly {
		dropped = append(dropped, "headers")
	}

	r.Headers = make(event.Headers, 0, len(own)+24)
	r.Headers = append(r.Headers, own...)
	add := func(name, value string) {
		r.Headers = append(r.Headers, event.Header{Key: name, Value: []byte(value)})
	}
	optional := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	add(headerTopic, at.Topic)
	add(headerPartition, strconv.FormatInt(int64(at.Partition), 10))
	add(headerOffset, strconv.FormatInt(at.Offset, 10))
	add(headerGroup, f.Group)
	add(headerDeliveries, strconv.Itoa(f.Attempts))
	add(headerMessage, message)
	add(headerID, f.letterID())
	optional(headerHandler, text(f.Handler, maxName))
	add(headerClass, text(f.Class, maxName))
	optional(headerErrorType, text(errorType(f.Cause), maxName))
	add(headerFingerprint, f.fingerprint())
	if how < withoutStack {
		optional(headerStack, stackText(f.Stack))
	}
	add(headerFirstFailedAt, first.UTC().Format(time.RFC3339Nano))
	add(headerFailedAt, failedAt.UTC().Format(time.RFC3339Nano))
	add(headerSourceTimestamp, strconv.FormatInt(timestamp, 10))
	optional(headerServiceVersion, text(serviceVersion, maxName))
	if f.Event.SchemaID != 0 {
		add(headerSchemaID, strconv.Itoa(f.Event.SchemaID))
	}
	optional(headerReplayID, o.replayID)
	optional(headerReplayCount, o.replayCount)
	optional(headerOperationID, o.opID)
	if len(dropped) > 0 {
		add(headerDropped, strings.Join(dropped, ","))
	}
	if how >= withoutValue {
		add(headerDataRef, dataRefScheme+at.String())
	}
	return r
}

// ownHeaders returns what of a record's headers belongs to the event, or, for
// placeOnly, the first small ones of them.
func ownHeaders(hs event.Headers, how fit) event.Headers {
	ours := hs.Get(headerDropped) != ""
	var own event.Headers
	for _, h := range hs {
		switch {
		case isLetterHeader(h.Key):
		case ours && isOwnDataRef(h):
		case how >= placeOnly && (len(own) == maxKept || len(h.Key)+len(h.Value) > maxKeptHeader):
		default:
			own = append(own, h)
		}
	}
	return own
}

// isOwnDataRef reports whether h is the reference that stands for a dropped value.
func isOwnDataRef(h event.Header) bool {
	return h.Key == headerDataRef && strings.HasPrefix(string(h.Value), dataRefScheme)
}

// text makes s valid UTF-8 of at most limit bytes.
func text(s string, limit int) string {
	const ellipsis = "…"
	cut := len(s) > limit
	if cut {
		s = s[:limit-len(ellipsis)]
		for i := 0; i < utf8.UTFMax-1 && len(s) > 0; i++ {
			if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	s = strings.ToValidUTF8(s, "?")
	if cut {
		s += ellipsis
	}
	return s
}
