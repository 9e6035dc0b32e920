package schema

import "context"

// Registry keeps schemas: by id for readers, by subject for writers.
// Implementations are safe for concurrent use. Errors: *NotFoundError when the
// registry answers that it is not there, *IncompatibleError when it refuses a
// schema, *UnavailableError when it can't be asked now.
type Registry interface {
	// ByID returns the schema of an id.
	ByID(ctx context.Context, id int) (*Schema, error)
	// ByGUID returns the schema of a GUID (Confluent Platform 8).
	ByGUID(ctx context.Context, guid [16]byte) (*Schema, error)
	// Lookup returns the version under which a subject has exactly this schema.
	Lookup(ctx context.Context, subject string, s *Schema) (Version, error)
	// Register adds s to a subject, or returns the version that it already has.
	Register(ctx context.Context, subject string, s *Schema) (Version, error)
	// Versions returns a subject's versions, oldest first.
	Versions(ctx context.Context, subject string) ([]Version, error)
	// Latest returns a subject's newest version.
	Latest(ctx context.Context, subject string) (Version, error)
}

// Version is a schema under a subject.
type Version struct {
	Subject string
	Version int
	ID      int
	Schema  *Schema
}

// SubjectNamer names the subject of an event type on a topic.
type SubjectNamer func(topic, fullName string) string

// TopicRecordName is Confluent's TopicRecordNameStrategy, the default: "orders-shop.OrderPlaced".
func TopicRecordName(topic, fullName string) string { return topic + "-" + fullName }

// TopicName is Confluent's TopicNameStrategy: "orders-value".
func TopicName(topic, _ string) string { return topic + "-value" }

// RecordName is Confluent's RecordNameStrategy: "shop.OrderPlaced".
func RecordName(_, fullName string) string { return fullName }
