package main

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
)

// letterSummary is a letter in the output of dlq ls, without what may be large.
type letterSummary struct {
	ID             string     `json:"id"`
	State          dlq.State  `json:"state"`
	Group          string     `json:"group"`
	Handler        string     `json:"handler,omitempty"`
	Class          string     `json:"class,omitempty"`
	ErrorType      string     `json:"error_type,omitempty"`
	Message        string     `json:"message"`
	Fingerprint    string     `json:"fingerprint,omitempty"`
	Attempts       int        `json:"attempts"`
	Failures       int        `json:"failures"`
	FirstFailedAt  *time.Time `json:"first_failed_at,omitempty"`
	FailedAt       time.Time  `json:"failed_at"`
	ServiceVersion string     `json:"service_version,omitempty"`
	Source         *placeJSON `json:"source,omitempty"`
	Letter         placeJSON  `json:"letter"`
	Event          eventJSON  `json:"event"`
	SchemaID       int        `json:"schema_id,omitempty"`
	Dropped        []string   `json:"dropped,omitempty"`
	Foreign        bool       `json:"foreign,omitempty"`
	bytesJSON
}

// bytesJSON is a record's key: text when it is text, base64 else, neither when it is null.
type bytesJSON struct {
	Key       *string `json:"key,omitempty"`
	KeyBase64 []byte  `json:"key_base64,omitempty"`
}

type placeJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

func (p *placeJSON) String() string {
	if p == nil {
		return "?"
	}
	return dlq.Place(*p).String()
}

type eventJSON struct {
	ID            string    `json:"id"`
	Source        string    `json:"source"`
	Type          string    `json:"type,omitempty"`
	Subject       string    `json:"subject,omitempty"`
	Time          time.Time `json:"time"`
	CorrelationID string    `json:"correlation_id,omitempty"`
	CausationID   string    `json:"causation_id,omitempty"`
	Hops          int       `json:"hops,omitempty"`
}

// letterDetail is a letter in the output of dlq show.
type letterDetail struct {
	letterSummary
	Stack       string       `json:"stack,omitempty"`
	Headers     []headerJSON `json:"headers"`
	ValueBase64 []byte       `json:"value_base64"` // null when the value is
	// Data is the decoded value and DataType its Avro name; else NotDecoded says why not.
	Data       json.RawMessage `json:"data,omitempty"`
	DataType   string          `json:"data_type,omitempty"`
	NotDecoded string          `json:"not_decoded,omitempty"`
	// readable is Data for people, and next what they may ask next.
	readable json.RawMessage
	next     string
}

// headerJSON is a header: text when it is text, base64 else, neither when it is null.
type headerJSON struct {
	Key         string  `json:"key"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 []byte  `json:"value_base64,omitempty"`
}

func summarize(l *dlq.Letter) letterSummary {
	s := letterSummary{
		ID: l.ID, State: l.State, Group: l.Group, Handler: l.Handler, Class: l.Class, ErrorType: l.ErrorType,
		Message: l.Message, Fingerprint: l.Fingerprint, Attempts: l.Attempts, Failures: l.Failures, FailedAt: l.FailedAt,
		ServiceVersion: l.ServiceVersion, Letter: placeJSON(l.Place), SchemaID: l.Event.SchemaID, Dropped: l.Dropped, Foreign: l.Foreign,
		Event: eventJSON{
			ID: l.Event.ID, Source: l.Event.Source, Type: l.Event.Type, Subject: l.Event.Subject, Time: l.Event.Time,
			CorrelationID: l.Event.CorrelationID, CausationID: l.Event.CausationID, Hops: l.Event.Hops,
		},
	}
	if !l.FirstFailedAt.IsZero() {
		s.FirstFailedAt = &l.FirstFailedAt
	}
	if l.Source.Topic != "" {
		p := placeJSON(l.Source)
		s.Source = &p
	}
	s.Key, s.KeyBase64 = textOrBytes([]byte(l.Event.Key))
	if l.Record.Key == nil {
		s.Key = nil
	}
	return s
}

func detail(l *dlq.Letter) letterDetail {
	d := letterDetail{letterSummary: summarize(l), Stack: l.Stack, Headers: []headerJSON{}, ValueBase64: l.Record.Value}
	for _, h := range l.Record.Headers {
		d.Headers = append(d.Headers, headerOf(h))
	}
	return d
}

func headerOf(h event.Header) headerJSON {
	j := headerJSON{Key: h.Key}
	if h.Value != nil {
		j.Value, j.ValueBase64 = textOrBytes(h.Value)
	}
	return j
}

func textOrBytes(b []byte) (*string, []byte) {
	if !utf8.Valid(b) {
		return nil, b
	}
	s := string(b)
	return &s, nil
}

// keyText is the key for people.
func (s *letterSummary) keyText() string {
	switch {
	case s.Key != nil:
		return *s.Key
	case s.KeyBase64 != nil:
		return string(s.KeyBase64)
	}
	return "-"
}
