package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"
)

// setback is how the latest attempt of an ask failed that was worth another one. When the time is up before
// that one has an answer, it says more than that the time was up.
type setback struct {
	mu     sync.Mutex
	err    error
	status int // of the answer that err is, 0 when there was none
}

type setbackKey struct{}

func withSetback(ctx context.Context, s *setback) context.Context {
	return context.WithValue(ctx, setbackKey{}, s)
}

// setbackOf returns the setback of an ask, nil when the request belongs to none.
func setbackOf(ctx context.Context) *setback {
	s, _ := ctx.Value(setbackKey{}).(*setback)
	return s
}

// answered notes an answer that may be another one the next moment.
func (s *setback) answered(req *http.Request, status int, body []byte) {
	if s == nil {
		return
	}
	answer := &sr.ResponseError{Method: req.Method, URL: req.URL.Redacted(), StatusCode: status, Raw: bytes.TrimSpace(body)}
	_ = json.Unmarshal(body, answer) // what is no message of a registry stays Raw
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.status = answerError(answer), status
}

// failed notes that there was no answer. It takes the place of no answer that there was.
func (s *setback) failed(req *http.Request, err error) {
	if s == nil || isEnded(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == 0 {
		s.err = fmt.Errorf("%s %s: %w", req.Method, req.URL.Redacted(), err)
	}
}

func isEnded(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// withLast adds what the registry answered last to the error of an ask whose time was up.
func (c *Client) withLast(s *setback, err error) error {
	var unavailable *UnavailableError
	if s == nil || !isEnded(err) || !errors.As(err, &unavailable) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return err
	}
	return &UnavailableError{Registry: c.name, Status: s.status, Err: fmt.Errorf("%w; then %w", s.err, unavailable.Err)}
}
