package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// patience is how long Kafka may be silent before that is said: a leader election or
	// the restart of one broker is none of an operator's business.
	patience = 500 * time.Millisecond
	// sayEvery is how often it is said, whatever waits for it.
	sayEvery = 10 * time.Second
)

// outage is what a producer says while the cluster does not tell it what it needs to know of a topic.
type outage struct{ said atomic.Int64 } // when it was logged last, in Unix nanoseconds

func (o *outage) due(now time.Time) bool {
	last := o.said.Load()
	return now.UnixNano()-last >= int64(sayEvery) && o.said.CompareAndSwap(last, now.UnixNano())
}

// sayWaiting logs that a topic is waited for, and why, until the returned function is called.
func (p *Producer) sayWaiting(topic string, why func() error) (end func()) {
	begin, over := time.Now(), make(chan struct{})
	var saying sync.WaitGroup
	saying.Go(func() {
		for next := time.NewTimer(patience); ; next.Reset(time.Second) {
			select {
			case <-over:
				next.Stop()
				return
			case now := <-next.C:
				if p.outage.due(now) {
					err := why()
					if err == nil {
						err = errSilent
					}
					p.client.log.Warn("waiting for Kafka: nothing can be published to this topic until it answers", "topic", topic,
						"brokers", p.client.kafka.Brokers, "waited", now.Sub(begin).Round(time.Millisecond), "err", err)
				}
			}
		}
	})
	return func() {
		close(over)
		saying.Wait()
	}
}

// unansweredError says that a topic was not found out before the time was up. Nothing was sent.
type unansweredError struct {
	brokers []string
	after   time.Duration
	cause   error // why the wait ended
	last    error // what went wrong last; nil if Kafka was silent
}

func (e *unansweredError) Error() string {
	s := "no answer from Kafka"
	switch {
	case errors.As(e.last, new(kafka.Error)), errors.Is(e.last, errNoPartitions):
		s = "no usable answer from Kafka"
	case e.last == nil:
		s += " at " + strings.Join(e.brokers, ", ")
	}
	s += fmt.Sprintf(" within %v", e.after.Round(100*time.Millisecond))
	if !errors.Is(e.cause, ErrDeliveryTimeout) { // which is how long that was
		s += fmt.Sprintf(" (%v)", e.cause)
	}
	s += ", so nothing was published"
	if e.last != nil {
		s += ": " + e.last.Error()
	}
	return s
}

func (e *unansweredError) Unwrap() []error {
	if e.last == nil {
		return []error{e.cause}
	}
	return []error{e.cause, e.last}
}

// errSilent is what is wrong while nothing worse is known.
var errSilent = errors.New("no broker has answered yet")

// errNoPartitions is what is wrong with a topic that is being created or deleted.
var errNoPartitions = errors.New("it has no partitions")

// isOver reports whether an error says no more than that its ctx has ended.
func isOver(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
