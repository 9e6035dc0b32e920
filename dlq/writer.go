package dlq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
)

// ErrNoTopic is wrapped by what Put returns when the group's letter topic does
// not exist. The error says how to create it.
var ErrNoTopic = errors.New("there is no letter topic")

// noTopicError is the text of an ErrNoTopic.
type noTopicError struct{ text string }

func (e *noTopicError) Error() string { return e.text }
func (e *noTopicError) Unwrap() error { return ErrNoTopic }

// Config says where the letters go. The zero value of each field but Kafka means its default.
type Config struct {
	Kafka troupe.Kafka
	// ServiceVersion is written into each letter. Defaults to the main module's version.
	ServiceVersion string
	// Timeout bounds one Put. Defaults to 30 s.
	Timeout time.Duration
	// Log is told of what is retried. Defaults to slog.Default().
	Log *slog.Logger
}

// Writer writes dead letters to dlq.<group>. It is safe for concurrent use.
type Writer struct {
	client         *broker.Client
	producer       *broker.Producer
	serviceVersion string
	timeout        time.Duration
}

// What a record may have at most by Kafka's default (message.max.bytes), and
// what Provision allows in a letter topic, so that the largest record fits
// with all that its letter adds.
const (
	largestRecord = 1_048_588
	largestLetter = largestRecord + 4*headerRoom
)

// NewWriter checks cfg. It dials nothing.
func NewWriter(cfg Config) (*Writer, error) {
	if cfg.Timeout < 0 {
		return nil, errors.New("dead letters: Timeout is negative")
	}
	client, err := broker.New(cfg.Kafka, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	w := &Writer{client: client, serviceVersion: cfg.ServiceVersion, timeout: cfg.Timeout}
	if w.serviceVersion == "" {
		w.serviceVersion = mainVersion()
	}
	if w.timeout == 0 {
		w.timeout = 30 * time.Second
	}
	w.producer = client.NewProducer(broker.ProducerConfig{MaxBatchBytes: largestLetter, DeliveryTimeout: w.timeout})
	return w, nil
}

// Put writes a letter and returns nil when all in-sync replicas have it. The
// letter goes to the partition of the event's own modulo those of the letter
// topic, so that letters keep the order of their events.
//
// A letter that is too large for its topic is written without its stack, else
// without its value, else as the place of the event alone (Letter.Dropped); so
// no event is too large to be dead-lettered.
//
// An error means that the letter is not known to be written: hold the event
// and try again. A letter that was written all the same is then written twice,
// which a Reader takes for one. The error wraps ErrNoTopic when the topic does
// not exist.
func (w *Writer) Put(ctx context.Context, f Failure) error {
	ctx, cancel := context.WithTimeoutCause(ctx, w.timeout, fmt.Errorf("not acknowledged for %v", w.timeout))
	defer cancel()
	at, _ := f.source()
	wrap := func(err error) error {
		return fmt.Errorf("write the dead letter %s of %s to %s: %w", f.letterID(), at, Topic(f.Group), err)
	}
	if err := CheckGroup(f.Group); err != nil {
		return wrap(err)
	}
	topic, err := w.client.Topic(ctx, Topic(f.Group))
	if err != nil {
		return wrap(w.explain(ctx, err, at.Topic))
	}
	if len(topic.Leaders) == 0 {
		return wrap(errors.New("the topic has no partitions"))
	}
	for how := everything; how < fits; how++ {
		r := f.letter(w.serviceVersion, how)
		r.Partition = at.Partition % int32(len(topic.Leaders))
		if err = w.produce(ctx, &r); !broker.TooLarge(err) {
			break
		}
	}
	if err != nil {
		return wrap(w.explain(ctx, err, at.Topic))
	}
	return nil
}

// produce writes r and waits for its fate.
func (w *Writer) produce(ctx context.Context, r *event.Record) error {
	fate := make(answer, 1)
	if err := w.producer.Produce(ctx, r, fate); err != nil {
		return err
	}
	select {
	case err := <-fate:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w; %w", context.Cause(ctx), broker.ErrUnknownFate)
	}
}

// answer gets a record's fate. It has room for it.
type answer chan error

// Acked is called once.
func (a answer) Acked(_ int32, _ int64, err error) { a <- err }

// explain says what to do about a missing topic.
func (w *Writer) explain(ctx context.Context, err error, source string) error {
	var unknown *broker.UnknownTopicError
	if !errors.As(err, &unknown) {
		return err
	}
	partitions := "N"
	if t, err := w.client.Topic(ctx, source); err == nil {
		partitions = strconv.Itoa(len(t.Leaders))
	}
	return &noTopicError{fmt.Sprintf("topic %s does not exist: create it with dlq.Writer.Provision, or with kafka-topics.sh --create --topic %s --partitions %s --config cleanup.policy=delete --config retention.ms=-1",
		unknown.Topic, unknown.Topic, partitions)}
}

// Provision creates the letter topic of a group, with as many partitions as the
// widest of the source topics, if it does not exist. Its letters are kept until
// somebody deletes them (retention.ms -1) and may be somewhat larger than
// Kafka's largest record by default. A topic that exists is left as it is.
// Source topics that do not exist are passed over.
func (w *Writer) Provision(ctx context.Context, group string, sources ...string) error {
	if err := CheckGroup(group); err != nil {
		return fmt.Errorf("create a letter topic: %w", err)
	}
	partitions := 1
	for _, source := range sources {
		t, err := w.client.Topic(ctx, source)
		var unknown *broker.UnknownTopicError
		switch {
		case errors.As(err, &unknown):
		case err != nil:
			return fmt.Errorf("create the letter topic of group %s: %w", group, err)
		default:
			partitions = max(partitions, len(t.Leaders))
		}
	}
	err := w.client.CreateTopics(ctx, broker.NewTopic{Name: Topic(group), Partitions: partitions, Config: map[string]string{
		"cleanup.policy":    "delete", // letters with null values under one key would delete each other in a compacted topic
		"retention.ms":      "-1",
		"max.message.bytes": strconv.Itoa(largestLetter),
	}})
	if err != nil {
		return fmt.Errorf("create the letter topic of group %s: %w", group, err)
	}
	return nil
}

// Close flushes and closes. What is not acknowledged within the timeout fails.
func (w *Writer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), w.timeout)
	defer cancel()
	return errors.Join(w.producer.Close(ctx), w.client.Close())
}
