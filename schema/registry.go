package schema

import (
	"context"
	"errors"
)

// Registry keeps schemas: by id for those who read events, by subject for those
// who write them. Client asks a server with the Confluent API, Directory reads
// files, Memory lives and dies with the process.
//
// Implementations are safe for concurrent use. What an id or a GUID stands for
// never changes, so callers may keep it for ever.
//
// Errors, each possibly wrapped:
//   - *NotFoundError: the registry answered that it has no such thing.
//   - *IncompatibleError: Register, and the registry says that the schema would break
//     readers or writers of the subject's other versions.
//   - *UnavailableError: the registry can't be asked now; nothing is known. It is also
//     what a ctx that ends while waiting comes back as, wrapping ctx.Err().
//   - *ParseError: what the registry holds there is no Avro schema, or refers to what is none.
//   - any other error: the call can't be carried out as it is, for the reason in the text, such as
//     a registry that is read-only.
//
// Of these, only *UnavailableError may go away by asking again.
type Registry interface {
	// ByID returns the schema of an id, with the types that it refers to in other
	// subjects already resolved.
	ByID(ctx context.Context, id int) (*Schema, error)
	// ByGUID returns the schema of a GUID, the id that the header form of the wire
	// format carries (Confluent Platform 8).
	ByGUID(ctx context.Context, guid [16]byte) (*Schema, error)
	// Lookup returns the version under which a subject has s. When no version is s to
	// the letter (docs, defaults, aliases), it is the newest one that is Equal to s:
	// bytes written with s read the same with it.
	Lookup(ctx context.Context, subject string, s *Schema) (Version, error)
	// Register adds s to a subject, or returns the version that is there already.
	// The Schema of the answer is the registry's, always Equal to s. The same call made
	// again, after an error whose outcome is unknown too, gives the same version.
	Register(ctx context.Context, subject string, s *Schema) (Version, error)
	// Versions returns a subject's versions, oldest first. A subject without versions
	// is a *NotFoundError.
	Versions(ctx context.Context, subject string) ([]Version, error)
	// Latest returns a subject's newest version.
	Latest(ctx context.Context, subject string) (Version, error)
}

// Version is a schema under a subject.
type Version struct {
	Subject string
	// Version counts from 1 within the subject; deleted versions leave gaps.
	Version int
	// ID is what the wire format carries. One schema has one ID in all subjects.
	ID     int
	Schema *Schema
}

// SubjectNamer names the subject of an event type on a topic.
type SubjectNamer func(topic, fullName string) string

// TopicRecordName is Confluent's TopicRecordNameStrategy, the default: "orders-shop.OrderPlaced".
func TopicRecordName(topic, fullName string) string { return topic + "-" + fullName }

// TopicName is Confluent's TopicNameStrategy: "orders-value".
func TopicName(topic, _ string) string { return topic + "-value" }

// RecordName is Confluent's RecordNameStrategy: "shop.OrderPlaced".
func RecordName(_, fullName string) string { return fullName }

// find returns the version that is s to the letter, or else the newest one that
// is Equal to s. versions are ordered oldest first.
func find(versions []Version, s *Schema) (Version, bool) {
	text := s.String()
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Schema.String() == text {
			return versions[i], true
		}
	}
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Schema.Equal(s) {
			return versions[i], true
		}
	}
	return Version{}, false
}

var errNoSubject = errors.New("a subject needs a name")
