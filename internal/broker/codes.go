package broker

import (
	"errors"

	"github.com/segmentio/kafka-go"
)

// Denied reports whether Kafka refused err's request for who asked: a wrong
// password, or no authorization for a topic, a group or the cluster.
func Denied(err error) bool {
	for _, code := range [...]kafka.Error{kafka.SASLAuthenticationFailed, kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// TooLarge reports whether a record was refused for its size, by the producer or
// by the broker.
func TooLarge(err error) bool {
	var large *RecordTooLargeError
	return errors.As(err, &large) || errors.Is(err, kafka.MessageSizeTooLarge)
}
