package consumer

import (
	"strings"
	"sync/atomic"
	"time"
)

// seldom says when it is time to log an outage again: once in ten seconds, not
// once for every event and try.
type seldom struct{ last atomic.Int64 }

func (s *seldom) due(now time.Time) bool {
	last := s.last.Load()
	return now.UnixNano()-last >= int64(10*time.Second) && s.last.CompareAndSwap(last, now.UnixNano())
}

// longestCause is how much of a cause a log line has. The letter has more.
const longestCause = 2 << 10

// brief is the text of an error, cut to what a log line can hold.
func brief(err error) string {
	text := err.Error()
	if len(text) <= longestCause {
		return text
	}
	return strings.ToValidUTF8(text[:longestCause], "") + "…"
}
