package schema

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	longestPause  = 2 * time.Second
	largestAnswer = 32 << 20
)

func newTransport(c *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     c.Clone(),
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
	}
}

// patientTransport sends a request until it has an answer that is worth
// returning: it knows which ones are not, how long to wait, and when to give up. Every request
// of a Client may be repeated: registering the same schema twice is registering it once.
type patientTransport struct {
	base http.RoundTripper
	cfg  ClientConfig
}

// RoundTrip implements http.RoundTripper. The answer's body is already read.
func (t *patientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = escapePlus(req)
	for attempt := 1; ; attempt++ {
		res, err := t.send(req)
		if err == nil && !isPassing(res.StatusCode) {
			return res, nil
		}
		if isLasting(err) {
			return nil, err
		}
		pause := t.pause(attempt, res)
		if attempt == t.cfg.Attempts || !hasTimeFor(req.Context(), pause) {
			return res, gaveUp(attempt, err)
		}
		if !wait(req.Context(), pause) {
			return nil, context.Cause(req.Context())
		}
		if req, err = again(req); err != nil {
			return nil, err
		}
	}
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the connections.
func (t *patientTransport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// send is one attempt, body included, within Timeout.
func (t *patientTransport) send(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), t.cfg.Timeout, fmt.Errorf("no answer within %v", t.cfg.Timeout))
	defer cancel()
	res, body, err := t.exchange(req.WithContext(ctx))
	if err != nil {
		err = causeOf(ctx, err)
		setbackOf(ctx).failed(req, err)
		return nil, err
	}
	if isPassing(res.StatusCode) {
		setbackOf(ctx).answered(req, res.StatusCode, body)
	}
	if len(body) > largestAnswer {
		return nil, fmt.Errorf("%w of more than %d bytes", errNoRegistry, largestAnswer)
	}
	// The schema of an id as plain text is not asked for, so every good answer is JSON.
	if res.StatusCode < 300 && !json.Valid(body) {
		return nil, fmt.Errorf("%w of status %d with %s instead of JSON (is the URL the root of a schema registry?)",
			errNoRegistry, res.StatusCode, kindOf(res.Header.Get("Content-Type")))
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// exchange sends a request and reads its answer, a byte more than the largest one at most.
func (t *patientTransport) exchange(req *http.Request) (*http.Response, []byte, error) {
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer+1))
	return res, body, err
}

// mayRedirect refuses to leave TLS: the credentials would go on in the clear.
func mayRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return fmt.Errorf("%w that leads from https to %s://%s", errNoRegistry, next.URL.Scheme, next.URL.Host)
	case len(via) >= 10:
		return fmt.Errorf("%w that leads on and on, 10 times", errNoRegistry)
	}
	return nil
}

// errNoRegistry is an answer that no registry gives. Asking again gives the same.
var errNoRegistry = errors.New("an answer")

func isLasting(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.Is(err, errNoRegistry) || errors.As(err, &certificate)
}

func kindOf(contentType string) string {
	if contentType == "" {
		return "a body without a content type"
	}
	return oneLine(contentType, 100)
}

// causeOf names the attempt's own timeout instead of "context deadline exceeded".
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
		return cause
	}
	return err
}

// isPassing reports whether a status may be another one the next moment.
func isPassing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
}

// pause is how long to wait after a failed attempt; res is nil when there was no answer.
func (t *patientTransport) pause(attempt int, res *http.Response) time.Duration {
	if res != nil {
		if seconds, err := strconv.Atoi(strings.TrimSpace(res.Header.Get("Retry-After"))); err == nil && seconds > 0 {
			return time.Duration(min(seconds, 3600)) * time.Second
		}
	}
	most := min(t.cfg.Pause<<min(attempt-1, 16), longestPause)
	return most/2 + rand.N(most/2+1)
}

func hasTimeFor(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > pause
}

func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func gaveUp(attempts int, err error) error {
	if err == nil || attempts == 1 {
		return err
	}
	return fmt.Errorf("%w (%d attempts)", err, attempts)
}

// again returns req with its body rewound.
func again(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("send the request again: %w", err)
	}
	next := *req
	next.Body = body
	return &next, nil
}

// escapePlus sends a plus in the path as %2B: some registries read it as a space.
func escapePlus(req *http.Request) *http.Request {
	path := req.URL.EscapedPath()
	if !strings.Contains(path, "+") {
		return req
	}
	url := *req.URL
	url.RawPath = strings.ReplaceAll(path, "+", "%2B")
	next := *req
	next.URL = &url
	return &next
}
