package schema

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/sync/singleflight"

	"github.com/troupe-go/troupe"
)

// Client is a Registry on a server with the Confluent API: Confluent's own,
// Karapace, Apicurio (its ccompat v7 root), Redpanda, or schema/server.
//
// What it has learned about an id, a GUID, or a schema under a subject, it keeps for
// ever and serves from memory, also while the registry is down. Equal asks at the same time are
// one request. Versions and Latest always ask. Requests that end in a connection error,
// a timeout or a status of 408, 429 or 5xx are tried again with growing pauses; no ask
// takes longer than ClientConfig.Patience. An ask that is ended in between, by its context too, says what
// the registry answered last.
type Client struct {
	name string // URL without credentials, for errors
	api  *sr.Client
	http *http.Client
	cfg  ClientConfig

	flights  singleflight.Group
	setbacks sync.Map // question of a flight under way -> *setback
	cache    cache
	closing  context.Context
	close    context.CancelFunc
	mu       sync.Mutex // guards closed against asks.Add
	closed   bool
	asks     sync.WaitGroup
}

var _ Registry = (*Client)(nil)

// ClientConfig tunes a Client. The zero value of each field means its default.
type ClientConfig struct {
	// Timeout bounds one HTTP request, from connecting to the last byte of the answer.
	// Defaults to 5 s.
	Timeout time.Duration
	// Patience bounds one call of the Client with all of its requests, retries and pauses.
	// Defaults to 15 s. A context that ends earlier ends the call earlier.
	Patience time.Duration
	// Attempts is how often one request is sent at most. Defaults to 5.
	Attempts int
	// Pause is the longest pause before the second attempt; it doubles with each further
	// one, up to 2 s, and the actual pause is random between half of it and all of it. A server's
	// Retry-After is obeyed instead when Patience allows. Defaults to 100 ms.
	Pause time.Duration
	// NotFoundFor is how long the answer that an id or a GUID does not exist, or is no
	// Avro schema, is remembered. Defaults to 5 s.
	NotFoundFor time.Duration
	// Transport sends the requests. Defaults to a transport of the Client's own with the
	// TLS settings of troupe.Registry.
	Transport http.RoundTripper
}

func (c ClientConfig) withDefaults() ClientConfig {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Timeout, 5 * time.Second}, {&c.Patience, 15 * time.Second}, {&c.Pause, 100 * time.Millisecond}, {&c.NotFoundFor, 5 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Attempts <= 0 {
		c.Attempts = 5
	}
	return c
}

// NewClient returns a Client of the registry that r names. It sends nothing yet: a registry
// that is down is no error here. Credentials in the URL (http://user:password@host) count as
// Username and Password when those are empty. Close ends the Client.
func NewClient(r troupe.Registry, cfg ClientConfig) (*Client, error) {
	root, err := registryRoot(&r)
	if err != nil {
		return nil, err
	}
	if r.Username != "" && r.Token != "" {
		return nil, errors.New("schema registry: both a username and a token are set; which one?")
	}
	c := &Client{name: root, cfg: cfg.withDefaults()}
	c.closing, c.close = context.WithCancel(context.Background())
	if c.cfg.Transport == nil {
		c.cfg.Transport = newTransport(r.TLS)
	}
	c.http = &http.Client{Transport: &patientTransport{base: c.cfg.Transport, cfg: c.cfg}, CheckRedirect: mayRedirect}
	opts := []sr.ClientOpt{sr.URLs(root), sr.HTTPClient(c.http), sr.UserAgent("troupe"), sr.LogLevel(sr.LogLevelNone)}
	if r.Username != "" {
		opts = append(opts, sr.BasicAuth(r.Username, r.Password))
	}
	if r.Token != "" {
		opts = append(opts, sr.BearerToken(r.Token))
	}
	if c.api, err = sr.NewClient(opts...); err != nil {
		return nil, fmt.Errorf("schema registry %s: %w", c.name, err)
	}
	return c, nil
}

// registryRoot returns r.URL without credentials, which it moves into r.
func registryRoot(r *troupe.Registry) (string, error) {
	if r.URL == "" {
		return "", errors.New("schema registry: no URL (troupe.FromEnv takes it from TROUPE_REGISTRY)")
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		// Its text would repeat the URL, and with it a password.
		return "", errors.New("schema registry: its URL can't be parsed; it should look like http://host:port or https://host:port/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("schema registry: %q is not http://host:port or https://host:port", u.Redacted())
	}
	if u.User != nil && r.Username == "" {
		r.Username = u.User.Username()
		r.Password, _ = u.User.Password()
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimSuffix(u.String(), "/"), nil
}

// Close ends all asks under way and waits until they have returned. What is
// cached can still be asked afterwards, everything else is unavailable.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.close()
	c.asks.Wait()
	c.http.CloseIdleConnections()
	return nil
}

// ByID returns the schema of an id.
func (c *Client) ByID(ctx context.Context, id int) (*Schema, error) {
	if s, err, ok := c.cache.ids.get(id); ok {
		return s, err
	}
	return learn(ctx, c, &c.cache.ids, id, fmt.Sprintf("id %d", id), func(ctx context.Context) (*Schema, error) {
		what := fmt.Sprintf("schema %d", id)
		got, err := c.api.SchemaByID(ctx, id)
		if err != nil {
			err = c.readError(what, err)
			c.cache.ids.miss(id, err, c.cfg.NotFoundFor)
			return nil, err
		}
		return c.keep(ctx, id, what, got)
	})
}

// keep parses what the registry has under an id and caches it. The first
// *Schema of an id stays: equal ids are equal pointers.
func (c *Client) keep(ctx context.Context, id int, what string, text sr.Schema) (*Schema, error) {
	if s, err, ok := c.cache.ids.get(id); ok && err == nil {
		return s, nil
	}
	s, err := c.parse(ctx, what, text)
	if err != nil {
		c.cache.ids.miss(id, err, c.cfg.NotFoundFor)
		return nil, err
	}
	return c.cache.ids.put(id, s), nil
}

// ByGUID returns the schema of a GUID. A registry that has no GUIDs (all but
// Confluent Platform 8 and schema/server) is a *NotFoundError.
func (c *Client) ByGUID(ctx context.Context, guid [16]byte) (*Schema, error) {
	if s, err, ok := c.cache.guids.get(guid); ok {
		return s, err
	}
	text := uuid.UUID(guid).String()
	return learn(ctx, c, &c.cache.guids, guid, "guid "+text, func(ctx context.Context) (*Schema, error) {
		what := "schema " + text
		got, err := c.api.SchemaByGUID(ctx, text)
		if isUnknownPath(err) && c.isRegistry(ctx) {
			err = &NotFoundError{What: fmt.Sprintf("%s (schema registry %s has no GUIDs)", what, c.name)}
		}
		var s *Schema
		if err == nil {
			s, err = c.parse(ctx, what, got.Schema)
		} else {
			err = c.readError(what, err)
		}
		if err != nil {
			c.cache.guids.miss(guid, err, c.cfg.NotFoundFor)
			return nil, err
		}
		return c.cache.guids.put(guid, s), nil
	})
}

// isRegistry reports whether the URL is a registry's root at all.
func (c *Client) isRegistry(ctx context.Context) bool {
	_, err := c.api.SupportedTypes(ctx)
	return err == nil
}

// learn is ask for what a cache does not have. It looks there again: the answer to those who
// asked before may have come since.
func learn[K comparable, V any](ctx context.Context, c *Client, cache *remembered[K, V], k K, question string, do func(context.Context) (V, error)) (V, error) {
	return ask(ctx, c, question, func(ctx context.Context) (V, error) {
		if v, err, ok := cache.get(k); ok {
			return v, err
		}
		return do(ctx)
	})
}

// ask runs do once for all who ask the same at the same time, bounded by
// Patience and by Close. It goes on when one of those who wait gives up.
func ask[T any](ctx context.Context, c *Client, question string, do func(context.Context) (T, error)) (T, error) {
	answer := c.flights.DoChan(question, func() (any, error) {
		if !c.begin() {
			return nil, c.unavailable(errors.New("the client is closed"))
		}
		defer c.asks.Done()
		met := &setback{}
		c.setbacks.Store(question, met)
		defer c.setbacks.Delete(question)
		ctx, cancel := context.WithTimeoutCause(withSetback(context.WithoutCancel(ctx), met), c.cfg.Patience,
			fmt.Errorf("no answer within %v in all: %w", c.cfg.Patience, context.DeadlineExceeded))
		defer cancel()
		defer context.AfterFunc(c.closing, cancel)()
		v, err := do(ctx)
		return v, c.withLast(met, err)
	})
	var none T
	select {
	case r := <-answer:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil
	case <-ctx.Done():
		met, _ := c.setbacks.Load(question)
		so, _ := met.(*setback)
		return none, c.withLast(so, c.unavailable(fmt.Errorf("waiting for its answer: %w", ctx.Err())))
	}
}

func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.asks.Add(1)
	}
	return !c.closed
}
