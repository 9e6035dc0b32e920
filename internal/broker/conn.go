package broker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	// slowestLink is what a request's or an answer's bytes may take on top of a
	// timeout, in bytes per second: 1 Mbit/s. Slower than that counts as hanging.
	slowestLink = 128 << 10
	// largestAnswer is more than any broker sends: beyond it, the bytes are not Kafka's.
	largestAnswer = 256 << 20
)

// versionRange is the versions of one API that a broker takes.
type versionRange struct {
	known    bool
	min, max int16
}

// conn is one connection to one broker. Requests are pipelined: each is
// written at once, and the broker answers in order. A conn that failed stays
// failed; Client.conn replaces it.
type conn struct {
	node           int32
	addr           string
	clientID       string
	requestTimeout time.Duration
	nc             net.Conn
	// versions is set before the conn is shared.
	versions [128]versionRange
	// expires is when the broker ends the SASL session (KIP-368); zero for never.
	expires time.Time
	// done is closed when the reader has ended and every answer was given.
	done chan struct{}

	// writing orders the requests on the wire as they are in pending.
	writing sync.Mutex
	scratch net.Buffers
	header  []byte
	plain   *bufio.Writer // coalesces small pieces where there is no writev; nil on TCP

	mu          sync.Mutex
	correlation int32
	pending     []exchange // a queue: the head is pending[head]
	head        int
	failed      error
}

// exchange is a request that waits for its answer.
type exchange struct {
	correlation int32
	timeout     time.Duration
	buffer      func(size int) []byte
	answer      func(body []byte, err error)
}

// newConn starts, with run, the reader of a network connection that nobody else uses.
func newConn(run func(func()), nc net.Conn, node int32, addr, clientID string, requestTimeout time.Duration) *conn {
	cn := &conn{
		node:           node,
		addr:           addr,
		clientID:       clientID,
		requestTimeout: requestTimeout,
		nc:             nc,
		done:           make(chan struct{}),
	}
	if _, ok := nc.(*net.TCPConn); !ok {
		cn.plain = bufio.NewWriterSize(nc, 16<<10)
	}
	run(cn.read)
	return cn
}

// send writes one request (header version 1, then body, in one writev and
// without a copy) and returns; it blocks only while the socket takes no bytes.
// answer is called exactly once, from another goroutine than send's: with the
// bytes behind the correlation id, fresh memory that belongs to the callee, or
// with an error when the connection failed before the whole answer was there.
// It must not block, for it holds up the answers behind it.
//
// timeout bounds the wait for the answer, counted from when the answers before
// it are in and extended at 1 Mbit/s for body; zero means the client's request
// timeout. When it passes, the broker is taken to hang: the connection fails.
func (cn *conn) send(apiKey, version int16, body net.Buffers, timeout time.Duration, answer func(body []byte, err error)) {
	cn.sendInto(apiKey, version, body, timeout, fresh, answer)
}

func fresh(size int) []byte { return make([]byte, size) }

// sendInto is send with the answer's memory from buffer.
func (cn *conn) sendInto(apiKey, version int16, body net.Buffers, timeout time.Duration, buffer func(size int) []byte, answer func(body []byte, err error)) {
	if err := cn.takes(apiKey, version); err != nil {
		go answer(nil, err)
		return
	}
	if timeout <= 0 {
		timeout = cn.requestTimeout
	}
	size := 0
	for _, b := range body {
		size += len(b)
	}
	timeout += time.Duration(size) * time.Second / slowestLink

	cn.writing.Lock()
	defer cn.writing.Unlock()
	correlation, err := cn.enqueue(exchange{timeout: timeout, buffer: buffer, answer: answer})
	if err != nil {
		go answer(nil, err)
		return
	}
	h := cn.header[:0]
	h = binary.BigEndian.AppendUint32(h, uint32(2+2+4+2+len(cn.clientID)+size))
	h = binary.BigEndian.AppendUint16(h, uint16(apiKey))
	h = binary.BigEndian.AppendUint16(h, uint16(version))
	h = binary.BigEndian.AppendUint32(h, uint32(correlation))
	h = binary.BigEndian.AppendUint16(h, uint16(len(cn.clientID)))
	h = append(h, cn.clientID...)
	cn.header = h
	if err := cn.write(h, body, timeout); err != nil {
		cn.fail(fmt.Errorf("write to %s: %w", cn, err))
	}
}

// enqueue registers the next answer. It is called with writing held.
func (cn *conn) enqueue(e exchange) (int32, error) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.failed != nil {
		return 0, cn.failed
	}
	cn.correlation++
	e.correlation = cn.correlation
	cn.pending = append(cn.pending, e)
	if len(cn.pending)-cn.head == 1 {
		cn.expect(e.timeout)
	}
	return cn.correlation, nil
}

// expect lets the read that is under way fail after d; zero lets it wait for ever.
func (cn *conn) expect(d time.Duration) {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	// An error means that the connection is closed; the read says so itself.
	_ = cn.nc.SetReadDeadline(at)
}

func (cn *conn) write(header []byte, body net.Buffers, timeout time.Duration) error {
	if err := cn.nc.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if cn.plain == nil {
		cn.scratch = append(append(cn.scratch[:0], header), body...)
		pieces := cn.scratch // WriteTo consumes the slice it is called on
		_, err := pieces.WriteTo(cn.nc)
		clear(cn.scratch)
		return err
	}
	_, _ = cn.plain.Write(header) // a bufio.Writer keeps its first error
	for _, b := range body {
		_, _ = cn.plain.Write(b)
	}
	return cn.plain.Flush()
}

// read gives the answers until the connection fails, and then each that is
// still pending its error.
func (cn *conn) read() {
	defer close(cn.done)
	r := bufio.NewReaderSize(cn.nc, 16<<10)
	for {
		answer, body, err := cn.readAnswer(r)
		if err != nil {
			cn.fail(err)
			break
		}
		answer(body, nil)
	}
	cn.mu.Lock()
	rest, err := cn.pending[cn.head:], cn.failed
	cn.pending, cn.head = nil, 0
	cn.mu.Unlock()
	for _, e := range rest {
		e.answer(nil, err)
	}
}

func (cn *conn) readAnswer(r *bufio.Reader) (answer func([]byte, error), body []byte, err error) {
	var h [8]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, nil, cn.readError(err)
	}
	size := int(int32(binary.BigEndian.Uint32(h[:])))
	switch {
	case h[0] == 0x15 && h[1] == 3: // a TLS alert record
		return nil, nil, fmt.Errorf("%s expects TLS", cn)
	case size < 4 || size > largestAnswer:
		return nil, nil, fmt.Errorf("%s is no Kafka broker: an answer of %d bytes", cn, size)
	}
	e, err := cn.awaited(int32(binary.BigEndian.Uint32(h[4:])))
	if err != nil {
		return nil, nil, err
	}
	body = e.buffer(size - 4)
	if err := cn.readBody(r, body); err != nil {
		return nil, nil, cn.readError(err)
	}
	cn.dequeue()
	return e.answer, body, nil
}

// readBody reads all of body. The timeout begins anew as long as bytes come:
// a long answer over a slow link is not a hanging broker.
func (cn *conn) readBody(r *bufio.Reader, body []byte) error {
	extended := time.Now()
	for n := 0; n < len(body); {
		k, err := r.Read(body[n:])
		n += k
		if err != nil {
			if errors.Is(err, io.EOF) && n < len(body) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if now := time.Now(); n < len(body) && now.Sub(extended) > cn.requestTimeout/8 {
			extended = now
			cn.expect(cn.requestTimeout)
		}
	}
	return nil
}

// readError says what a failed read means.
func (cn *conn) readError(err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s hangs: no answer in time: %w", cn, err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s closed the connection: %w", cn, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read from %s: %w", cn, err)
}

// awaited returns the head of pending, which must have that correlation id.
func (cn *conn) awaited(correlation int32) (exchange, error) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.head == len(cn.pending) || cn.pending[cn.head].correlation != correlation {
		return exchange{}, fmt.Errorf("%s answered out of order (correlation id %d)", cn, correlation)
	}
	return cn.pending[cn.head], nil
}

// dequeue takes the head off pending, whose answer is in.
func (cn *conn) dequeue() {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.pending[cn.head] = exchange{}
	cn.head++
	if cn.head == len(cn.pending) {
		cn.pending, cn.head = cn.pending[:0], 0
		cn.expect(0)
		return
	}
	cn.expect(cn.pending[cn.head].timeout)
	if cn.head >= 64 && cn.head*2 >= len(cn.pending) {
		n := copy(cn.pending, cn.pending[cn.head:])
		clear(cn.pending[n:])
		cn.pending, cn.head = cn.pending[:n], 0
	}
}

// fail closes the connection; the first reason stays.
func (cn *conn) fail(err error) {
	cn.mu.Lock()
	if cn.failed == nil {
		cn.failed = err
	}
	cn.mu.Unlock()
	_ = cn.nc.Close() // what matters is in failed
}

// alive reports whether the connection can still be used.
func (cn *conn) alive() bool {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	return cn.failed == nil
}

// retired reports whether the SASL session is about to end and nothing is in flight.
func (cn *conn) retired(now time.Time) bool {
	if cn.expires.IsZero() || now.Before(cn.expires) {
		return false
	}
	cn.mu.Lock()
	defer cn.mu.Unlock()
	return cn.head == len(cn.pending)
}

// takes returns an error if the broker does not take that version of an API.
func (cn *conn) takes(apiKey, version int16) error {
	if apiKey == int16(protocol.ApiVersions) {
		return nil
	}
	if apiKey < 0 || int(apiKey) >= len(cn.versions) {
		return fmt.Errorf("%s: API %d: %w", cn, apiKey, kafka.UnsupportedVersion)
	}
	v := cn.versions[apiKey]
	switch {
	case !v.known:
		return fmt.Errorf("%s does not know the %s API: %w", cn, protocol.ApiKey(apiKey), kafka.UnsupportedVersion)
	case version < v.min || version > v.max:
		return fmt.Errorf("%s takes %s v%d to v%d, not v%d: %w", cn, protocol.ApiKey(apiKey), v.min, v.max, version, kafka.UnsupportedVersion)
	}
	return nil
}

// newest is the newest version of an API that both kafka-go's codec and the broker know.
func (cn *conn) newest(key protocol.ApiKey) int16 {
	if int(key) >= len(cn.versions) || !cn.versions[key].known {
		return key.MaxVersion()
	}
	return min(key.MaxVersion(), cn.versions[key].max)
}

func (cn *conn) String() string {
	if cn.node == AnyBroker {
		return "broker at " + cn.addr
	}
	return fmt.Sprintf("broker %d at %s", cn.node, cn.addr)
}

// call sends one request of kafka-go's protocol package and returns its
// answer. A negative version means the newest that both sides know. When ctx
// is cancelled first, the answer is dropped; when its deadline passes, the
// broker is taken to hang and the connection fails.
func (cn *conn) call(ctx context.Context, version int16, req protocol.Message) (protocol.Message, error) {
	key := req.ApiKey()
	if version < 0 {
		version = cn.newest(key)
	}
	var encoded bytes.Buffer
	if err := protocol.WriteRequest(&encoded, version, 0, cn.clientID, req); err != nil {
		return nil, fmt.Errorf("encode %s v%d: %w", key, version, err)
	}
	// send writes the header itself; a flexible request's has a tag section more,
	// which stays in front of the body.
	body := encoded.Bytes()[4+2+2+4+2+len(cn.clientID):]

	type result struct {
		body []byte
		err  error
	}
	answered := make(chan result, 1)
	cn.send(int16(key), version, net.Buffers{body}, 0, func(body []byte, err error) { answered <- result{body, err} })
	select {
	case r := <-answered:
		if r.err != nil {
			return nil, fmt.Errorf("%s: %w", key, r.err)
		}
		return decodeAnswer(key, version, r.body)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			cn.fail(fmt.Errorf("%s hangs: no answer to %s in time", cn, key))
		}
		return nil, fmt.Errorf("%s to %s: %w", key, cn, ctx.Err())
	}
}

func decodeAnswer(key protocol.ApiKey, version int16, body []byte) (protocol.Message, error) {
	var h [8]byte
	binary.BigEndian.PutUint32(h[:], uint32(len(body)+4))
	_, msg, err := protocol.ReadResponse(io.MultiReader(bytes.NewReader(h[:]), bytes.NewReader(body)), key, version)
	if err != nil {
		return nil, fmt.Errorf("decode the answer to %s v%d: %w", key, version, err)
	}
	return msg, nil
}
