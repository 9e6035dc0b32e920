package group

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrLost is a Change's Err when a partition may already have another owner:
// this process was out of the group, and the partition was not given back.
var ErrLost = errors.New("the partition may have another owner")

// Why a member is fenced (Change.Err of Fenced).
var (
	errUnproved = errors.New("the coordinator has not confirmed this member for too long")
	errOut      = errors.New("the coordinator does not know this member any more")
	errStopped  = errors.New("the process was stopped")
)

// JoinError says why a group can't be joined although its coordinator answers.
// Waiting does not cure it.
type JoinError struct {
	Group string
	// Err wraps the kafka.Error.
	Err error
	// advice says what to do about it; it may be empty.
	advice string
}

func (e *JoinError) Error() string {
	s := fmt.Sprintf("join group %s: %v", e.Group, e.Err)
	if e.advice != "" {
		s += " (" + e.advice + ")"
	}
	return s
}

func (e *JoinError) Unwrap() error { return e.Err }

// final are the answers that retrying does not cure.
var final = []kafka.Error{
	kafka.InconsistentGroupProtocol,
	kafka.InvalidSessionTimeout,
	kafka.InvalidGroupId,
	kafka.InvalidTopic,
	kafka.GroupAuthorizationFailed,
	kafka.TopicAuthorizationFailed,
	kafka.ClusterAuthorizationFailed,
	kafka.SASLAuthenticationFailed,
	kafka.UnsupportedSASLMechanism,
	kafka.UnsupportedVersion,
	kafka.GroupMaxSizeReached,
}

// joinError returns the *JoinError that err means, nil if waiting may cure it.
func (m *Member) joinError(err error) error {
	var code kafka.Error
	if !errors.As(err, &code) || !slices.Contains(final, code) {
		return nil
	}
	e := &JoinError{Group: m.cfg.Group, Err: err}
	switch code {
	case kafka.InconsistentGroupProtocol:
		e.advice = fmt.Sprintf("the group has members that do not speak the assignment protocol %q, such as consumers of another library; give this service a group of its own", protocolName)
	case kafka.InvalidSessionTimeout:
		e.advice = fmt.Sprintf("the broker does not allow a session timeout of %v; see its group.min.session.timeout.ms and group.max.session.timeout.ms", m.cfg.SessionTimeout)
	case kafka.GroupAuthorizationFailed:
		e.advice = "the principal needs READ on the group"
	case kafka.TopicAuthorizationFailed:
		e.advice = fmt.Sprintf("the principal needs READ and DESCRIBE on all of %v", m.cfg.Topics)
	}
	return e
}

// quiet lets one of many equal messages through: the first, then one in every
// five seconds.
type quiet struct {
	last string
	at   time.Time
}

func (q *quiet) speaks(message string, now time.Time) bool {
	if message == q.last && now.Sub(q.at) < 5*time.Second {
		return false
	}
	q.last, q.at = message, now
	return true
}
