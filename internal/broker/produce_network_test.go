package broker_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe"
)

// badNetwork is a network whose connections break on demand. It works between
// us and any Kafka.
type badNetwork struct {
	// loseAnswers and loseRequests are how many of 1,000 reads and writes cut
	// their connection: after the broker has got the request, and in the middle of it.
	loseAnswers, loseRequests atomic.Int64
	// hanging lets connections swallow what the broker sends; hangingAt those
	// to that address.
	hanging   atomic.Bool
	hangingAt atomic.Pointer[string]
	// falsify, when set, may change what the broker sends.
	falsify atomic.Pointer[func(b []byte)]

	mu    sync.Mutex
	conns []net.Conn
}

func (n *badNetwork) settings(k troupe.Kafka) troupe.Kafka {
	k.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		n.conns = append(n.conns, nc)
		n.mu.Unlock()
		return &badConn{nc, n, address}, nil
	}
	return k
}

func (n *badNetwork) cutAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, nc := range n.conns {
		nc.Close()
	}
	n.conns = nil
}

type badConn struct {
	net.Conn
	net     *badNetwork
	address string
}

func (c *badConn) Read(b []byte) (int, error) {
	for {
		k, err := c.Conn.Read(b)
		if err != nil {
			return k, err
		}
		if at := c.net.hangingAt.Load(); c.net.hanging.Load() || at != nil && *at == c.address {
			continue // until the reader's deadline
		}
		if rand.Int64N(1000) < c.net.loseAnswers.Load() {
			c.Conn.Close()
			return 0, io.ErrUnexpectedEOF
		}
		if f := c.net.falsify.Load(); f != nil {
			(*f)(b[:k])
		}
		return k, nil
	}
}

func (c *badConn) Write(b []byte) (int, error) {
	if rand.Int64N(1000) < c.net.loseRequests.Load() {
		k, _ := c.Conn.Write(b[:len(b)/2])
		c.Conn.Close()
		return k, io.ErrClosedPipe
	}
	return c.Conn.Write(b)
}
