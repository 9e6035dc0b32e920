// Package broker is the one room that speaks Kafka: connections, metadata,
// record batches, fetching, idempotent producing and administration. Group
// membership is its subpackage group, the record-batch codec its subpackage
// batch. Nothing outside this tree imports kafka-go, but for the settings.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/troupe-go/troupe"
)

// ErrClosed is returned by everything that is used after Close.
var ErrClosed = errors.New("broker: client is closed")

// AnyBroker stands for a node id where every broker will do.
const AnyBroker int32 = -1

// Client is this process's view of one Kafka cluster: its metadata and its
// connections. It is safe for concurrent use. It speaks to Kafka 2.4 and later.
type Client struct {
	kafka troupe.Kafka // with its defaults filled in
	log   *slog.Logger
	// ctx ends with Close; running is what Close waits for.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	lines  map[lineKey]*line

	metadata metadata

	// For the membership room, which works on kafka-go's ConsumerGroup.
	transport *kafka.Transport
	api       *kafka.Client
}

// lineKey names a connection. Purposes don't wait for each other: a request
// behind a long poll is answered after it.
type lineKey struct {
	node    int32
	purpose string
}

// line is where the live connection of a (node, purpose) is found. All fields
// are guarded by Client.mu.
type line struct {
	cn       *conn
	dialing  *dialing
	failures int
	retryAt  time.Time
	hungUp   bool
}

// dialing is one attempt to connect, shared by all who wait for it.
type dialing struct {
	done chan struct{}
	cn   *conn
	err  error
}

// New checks k and returns a Client. It dials nothing: a broker that is down
// is an error of the first call that needs it. A nil log means slog.Default.
func New(k troupe.Kafka, log *slog.Logger) (*Client, error) {
	if err := checkSettings(k); err != nil {
		return nil, err
	}
	k.Brokers = slices.Clone(k.Brokers)
	if k.ClientID == "" {
		k.ClientID = "troupe"
	}
	if k.DialTimeout == 0 {
		k.DialTimeout = 10 * time.Second
	}
	if k.RequestTimeout == 0 {
		k.RequestTimeout = 10 * time.Second
	}
	if k.Dial == nil {
		k.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if log == nil {
		log = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{kafka: k, log: log, ctx: ctx, cancel: cancel, lines: make(map[lineKey]*line)}
	c.metadata.init()
	c.transport = &kafka.Transport{
		Dial:        k.Dial,
		DialTimeout: k.DialTimeout,
		ClientID:    k.ClientID,
		TLS:         k.TLS,
		SASL:        k.SASL,
		Context:     ctx,
	}
	c.api = &kafka.Client{Addr: kafka.TCP(k.Brokers...), Timeout: k.RequestTimeout, Transport: c.transport}
	return c, nil
}

func checkSettings(k troupe.Kafka) error {
	var errs []error
	if len(k.Brokers) == 0 {
		errs = append(errs, errors.New("kafka: no broker is named (TROUPE_BROKERS)"))
	}
	for _, b := range k.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("kafka: broker %q is not host:port", b))
		}
	}
	if len(k.ClientID) > 1<<15-1 {
		errs = append(errs, fmt.Errorf("kafka: a client id of %d bytes is too long", len(k.ClientID)))
	}
	if k.DialTimeout < 0 || k.RequestTimeout < 0 {
		errs = append(errs, errors.New("kafka: a timeout is negative"))
	}
	return errors.Join(errs...)
}

// Close closes every connection, gives what waits for an answer ErrClosed, and
// waits for the client's goroutines. Close fetchers and producers first.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	var conns []*conn
	for _, l := range c.lines {
		if l.cn != nil {
			conns = append(conns, l.cn)
		}
	}
	c.mu.Unlock()
	c.cancel()
	for _, cn := range conns {
		cn.fail(ErrClosed)
	}
	for _, cn := range conns {
		<-cn.done
	}
	c.transport.CloseIdleConnections()
	c.running.Wait()
	return nil
}

// start runs f in a goroutine that Close waits for. It reports false, and
// runs nothing, when the client is closed.
func (c *Client) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running.Go(f)
	return true
}

// conn returns the live connection of a (node, purpose), dialing when there is
// none: once for all who ask at the same time, and with a growing pause (up to
// 1 s) after a failure. A connection that failed is replaced by the next call.
// The node may be AnyBroker.
func (c *Client) conn(ctx context.Context, node int32, purpose string) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	key := lineKey{node, purpose}
	l := c.lines[key]
	if l == nil {
		l = &line{}
		c.lines[key] = l
	}
	if l.cn != nil && l.cn.alive() {
		if !l.cn.retired(time.Now()) {
			cn := l.cn
			c.mu.Unlock()
			return cn, nil
		}
		l.cn.fail(errors.New("the SASL session ends"))
	}
	d := l.dialing
	if d == nil {
		d = &dialing{done: make(chan struct{})}
		l.dialing = d
		c.running.Go(func() { c.connect(key, l, d) })
	}
	c.mu.Unlock()
	select {
	case <-d.done:
		return d.cn, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connect is the goroutine of one dialing.
func (c *Client) connect(key lineKey, l *line, d *dialing) {
	defer close(d.done)
	c.mu.Lock()
	pause, failures := time.Until(l.retryAt), l.failures
	c.mu.Unlock()
	if pause > 0 {
		select {
		case <-time.After(pause):
		case <-c.ctx.Done():
		}
	}
	d.cn, d.err = c.reach(key.node, failures > 0)

	c.mu.Lock()
	defer c.mu.Unlock()
	l.dialing = nil
	switch {
	case c.closed || l.hungUp:
		if d.cn != nil {
			d.cn.fail(ErrClosed)
		}
		d.cn, d.err = nil, ErrClosed
	case d.err != nil:
		l.failures++
		l.retryAt = time.Now().Add(redialPause(l.failures))
	default:
		l.cn, l.failures, l.retryAt = d.cn, 0, time.Time{}
	}
}

// redialPause is 20 ms doubled with each failure up to 1 s, with jitter.
func redialPause(failures int) time.Duration {
	d := min(20*time.Millisecond<<min(failures-1, 10), time.Second)
	return d/2 + rand.N(d/2)
}

// reach dials a node where the metadata says that it is.
func (c *Client) reach(node int32, moved bool) (*conn, error) {
	if node == AnyBroker {
		return c.dialAny(c.ctx, c.addresses())
	}
	addr, known := c.metadata.address(node)
	if !known || moved {
		if _, err := c.ask(c.ctx, nil); err != nil {
			return nil, fmt.Errorf("find broker %d: %w", node, err)
		}
		if addr, known = c.metadata.address(node); !known {
			return nil, fmt.Errorf("broker %d is not in the cluster's metadata", node)
		}
	}
	return c.dial(c.ctx, node, addr)
}

// addresses are the brokers that the metadata knows, then the configured ones.
func (c *Client) addresses() []string {
	addrs := c.metadata.addresses()
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	seeds := slices.Clone(c.kafka.Brokers)
	rand.Shuffle(len(seeds), func(i, j int) { seeds[i], seeds[j] = seeds[j], seeds[i] })
	for _, s := range seeds {
		if !slices.Contains(addrs, s) {
			addrs = append(addrs, s)
		}
	}
	return addrs
}

// Call sends one request of kafka-go's protocol package to a node (or to
// AnyBroker) over the connection of that purpose and returns the answer; error
// codes inside it are the caller's to read. A negative version means the newest
// that both kafka-go and the broker know. When ctx is cancelled first the answer
// is dropped; a broker that doesn't answer within the request timeout, or until
// ctx's deadline where that is sooner, is taken to hang: the connection fails,
// with everything on it, and the next call dials anew. Requests of one purpose
// are answered in order: give what may not wait a purpose of its own.
//
// With AnyBroker, a connection that failed is replaced once within the call.
func (c *Client) Call(ctx context.Context, node int32, purpose string, version int16, req protocol.Message) (protocol.Message, error) {
	for attempt := 1; ; attempt++ {
		cn, err := c.conn(ctx, node, purpose)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", req.ApiKey(), err)
		}
		res, err := cn.call(ctx, version, req)
		// An idle connection is often found dead only by using it.
		if err != nil && node == AnyBroker && attempt == 1 && !cn.alive() && ctx.Err() == nil {
			continue
		}
		return res, err
	}
}

// API is kafka-go's client on this Client's settings, for requests that this
// room has no words for. Its connections end with Close.
func (c *Client) API() *kafka.Client { return c.api }

// Dialer is kafka-go's dialer with this Client's settings, for ConsumerGroup.
func (c *Client) Dialer() *kafka.Dialer {
	return &kafka.Dialer{
		ClientID:      c.kafka.ClientID,
		DialFunc:      c.kafka.Dial,
		Timeout:       c.kafka.DialTimeout,
		TLS:           c.kafka.TLS,
		SASLMechanism: c.kafka.SASL,
	}
}

// Brokers are the configured addresses.
func (c *Client) Brokers() []string { return slices.Clone(c.kafka.Brokers) }

// live returns the live connection of a (node, purpose), or nil when conn
// would have to dial.
func (c *Client) live(node int32, purpose string) *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[lineKey{node, purpose}]
	if c.closed || l == nil || l.cn == nil || !l.cn.alive() || l.cn.retired(time.Now()) {
		return nil
	}
	return l.cn
}

// hangUp closes the connection of a (node, purpose) and forgets it.
func (c *Client) hangUp(node int32, purpose string) {
	c.mu.Lock()
	l := c.lines[lineKey{node, purpose}]
	delete(c.lines, lineKey{node, purpose})
	var cn *conn
	if l != nil {
		cn, l.hungUp = l.cn, true
	}
	c.mu.Unlock()
	if cn != nil {
		cn.fail(ErrClosed)
	}
}
