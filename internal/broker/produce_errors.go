package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrUnknownFate is wrapped by the error of a record that may or may not be in
// the log: it was sent, and no answer that settles it came in time.
var ErrUnknownFate = errors.New("it may or may not be in the log")

// ErrDeliveryTimeout is wrapped by the error of a record that was not
// acknowledged within the delivery timeout. Without ErrUnknownFate beside it
// the record is not in the log.
var ErrDeliveryTimeout = errors.New("not acknowledged within the delivery timeout")

// RecordTooLargeError says that a record does not fit into a batch. It was not sent.
type RecordTooLargeError struct {
	Topic string
	// Size is what the record takes in a batch of its own and Limit the
	// largest batch allowed, in bytes.
	Size, Limit int
}

func (e *RecordTooLargeError) Error() string {
	return fmt.Sprintf("record for %s is too large: %d bytes, the limit is %d", e.Topic, e.Size, e.Limit)
}

// ProduceError says why a record was not acknowledged.
type ProduceError struct {
	Topic     string
	Partition int32
	// Err is the reason: a kafka.Error when a broker refused the record, what
	// went wrong last when the time was up.
	Err error
	// After is the delivery timeout when that was what ended it, else zero.
	After time.Duration
	// Unknown is set when the record may be in the log all the same.
	Unknown bool
}

func (e *ProduceError) Error() string {
	s := fmt.Sprintf("produce to %s/%d", e.Topic, e.Partition)
	if e.After > 0 {
		s += fmt.Sprintf(": not acknowledged for %v", e.After)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Unknown {
		return s + "; " + ErrUnknownFate.Error()
	}
	return s + "; it is not in the log"
}

// Unwrap makes errors.Is find the reason, ErrUnknownFate and ErrDeliveryTimeout.
func (e *ProduceError) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.After > 0 {
		errs = append(errs, ErrDeliveryTimeout)
	}
	if e.Unknown {
		errs = append(errs, ErrUnknownFate)
	}
	return errs
}

// refusal is a broker's error code with the words it sent along.
type refusal struct {
	code    kafka.Error
	message string
}

func (r *refusal) Error() string {
	if r.message == "" {
		return r.code.Error()
	}
	return r.code.Error() + " (" + r.message + ")"
}

func (r *refusal) Unwrap() error { return r.code }

// verdict is what an error code of a Produce answer says about the batch.
type verdict int

const (
	// accepted: in the log, on all in-sync replicas.
	accepted verdict = iota
	// again: not appended by this attempt; the same bytes may be sent again.
	again
	// unsure: perhaps appended; the same bytes are sent again and the broker
	// absorbs the repeat.
	unsure
	// moved: as unsure, and the leader is to be looked up anew. Not merely
	// "again": a leader that is deposed while it waits for its followers
	// answers NOT_LEADER_OR_FOLLOWER for a batch it has appended.
	moved
	// gone: as again, but the topic seems to be deleted.
	gone
	// repeated: DUPLICATE_SEQUENCE: an earlier attempt was appended.
	repeated
	// broken: the leader's log does not have the batch, and its sequence does
	// not fit to what the leader knows of the producer id.
	broken
	// fenced: the producer id or epoch is not valid any more, which says
	// nothing about earlier attempts.
	fenced
	// tooLarge: the batch is larger than the topic allows.
	tooLarge
	// refused: not appended, and never will be.
	refused
)

func judge(code kafka.Error) verdict {
	switch code {
	case 0:
		return accepted
	case kafka.RequestTimedOut, kafka.NotEnoughReplicasAfterAppend, kafka.Unknown, kafka.NetworkException:
		return unsure
	case kafka.NotLeaderForPartition, kafka.ReplicaNotAvailable, kafka.KafkaStorageError, kafka.FencedLeaderEpoch, kafka.UnknownLeaderEpoch, kafka.ListenerNotFound:
		return moved
	case kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable:
		return gone
	case kafka.NotEnoughReplicas, kafka.InvalidMessage, kafka.ThrottlingQuotaExceeded:
		return again
	case kafka.DuplicateSequenceNumber:
		return repeated
	case kafka.OutOfOrderSequenceNumber, kafka.UnknownProducerId:
		return broken
	case kafka.InvalidProducerEpoch, kafka.InvalidProducerIDMapping, kafka.ProducerFenced:
		return fenced
	case kafka.MessageSizeTooLarge:
		return tooLarge
	}
	return refused
}
