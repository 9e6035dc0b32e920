// Package dlq keeps the events that could not be handled: it writes dead
// letters and reads them back.
//
// The letters of a consumer group are in the topic dlq.<group>. A letter is
// the record that failed, key and value byte for byte, with its own headers
// and with more that say what happened: those of Kafka's own dead-letter queues
// (KIP-1191, __dlq.errors.*) and troupe-*, all of them UTF-8 text.
//
//	__dlq.errors.topic, .partition, .offset   where the event was read
//	__dlq.errors.group                        the consumer group
//	__dlq.errors.delivery.count               how often the handler was called
//	__dlq.errors.message                      the error, at most 1 KiB, of class schema 9 KiB: it lists every reason
//	troupe-dlq-id                             the letter's id
//	troupe-handler                            the handler, if one was reached
//	troupe-error-class, troupe-error-type     the kind of failure, the Go type of the innermost error
//	troupe-fingerprint                        what failures of one cause have in common
//	troupe-stack                              a panic's stack from where it happened on, at most 8 KiB
//	troupe-first-failed-at, troupe-failed-at  RFC 3339, UTC
//	troupe-source-timestamp                   the record's own timestamp, milliseconds since 1970
//	troupe-service-version                    the version of the service that failed
//	troupe-schema-id                          the registry id of the schema
//	troupe-dropped                            what did not fit, see Letter.Dropped
//	troupe-replay-id, -replay-count, -op-id   written by a replay, kept when that fails again
//
// An event has one letter per group and handler, whose id follows from the
// event's place in its topic and, if its author gave it any, its source and id. When it fails again after a replay it is the same
// letter: the headers are replaced, so that a letter does not grow.
package dlq

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe/event"
)

const topicPrefix = "dlq."

// Topic returns the name of the topic of a group's letters.
func Topic(group string) string { return topicPrefix + group }

// groupOf returns the group whose letters are in topic.
func groupOf(topic string) (group string, ok bool) {
	group, ok = strings.CutPrefix(topic, topicPrefix)
	return group, ok && group != ""
}

// CheckGroup says whether a consumer group can have letters: its name must be
// fit to be part of a topic's.
func CheckGroup(group string) error {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}
	switch {
	case group == "":
		return errors.New("the consumer group has no name")
	case len(Topic(group)) > 249 || strings.ContainsFunc(group, bad):
		return fmt.Errorf("the consumer group's name %q can't be part of a topic's: letters, digits, '.', '_' and '-', at most %d of them", group, 249-len(topicPrefix))
	}
	return nil
}

// Place is where a record lies.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
}

// String returns the place as topic/partition@offset.
func (p Place) String() string { return fmt.Sprintf("%s/%d@%d", p.Topic, p.Partition, p.Offset) }

// State is what has become of a letter.
type State string

// Open is the state of a letter that nobody has dealt with.
const Open State = "open"

// Letter is an event that could not be handled.
type Letter struct {
	// ID is the same each time the event fails in that group and handler. A
	// foreign letter's is made from its Place.
	ID string
	// Group is the consumer group and Handler the handler that failed; Handler
	// is empty when none was reached.
	Group, Handler string
	// Class is the kind of failure, such as ClassHandler, ClassPanic or ClassDecode.
	Class string
	// ErrorType is the Go type of the innermost error, or of what a handler panicked with.
	ErrorType string
	// Message is the error's text, and Stack a panic's stack from where it
	// happened on; both may be cut.
	Message, Stack string
	// Fingerprint is equal for failures that look like one cause.
	Fingerprint string
	// Attempts is how often the handler was called before the last letter was written.
	Attempts int
	// Failures is how often the event was dead-lettered: 1, and one more for
	// each replay that failed. Set by a Reader; Parse knows of one.
	Failures int
	// FirstFailedAt is when the event failed for the first time, FailedAt the last time.
	FirstFailedAt, FailedAt time.Time
	// ServiceVersion is the version of the service that failed.
	ServiceVersion string
	// ReplayID and ReplayCount say which replay failed last; empty and 0 when there was none.
	ReplayID    string
	ReplayCount int

	// Source is where the event was read.
	Source Place
	// Record is the record as it was read there, byte for byte, but for what Dropped names.
	Record event.Record
	// Event is what Record says of itself.
	Event event.Meta
	// Dropped names the parts that were left out so that the letter fits into
	// its topic: "stack", "value", "key", "headers". Whoever needs the value
	// reads it at Source.
	Dropped []string

	// Place is where the letter lies; when there are several, the last.
	Place Place
	// State is what has become of the letter.
	State State
	// Foreign says that this package did not write the letter: only what its
	// headers say by KIP-1191's names is known.
	Foreign bool
}
