package group

import (
	"context"
	"errors"
	"net"
	"sync"
)

// dialFunc opens a network connection.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

var errCut = errors.New("the membership has ended")

// lines are kafka-go's own connections to the group. Its calls take no
// context; cutting the lines ends them.
type lines struct {
	open dialFunc
	ctx  context.Context
	end  context.CancelFunc

	mu    sync.Mutex
	conns map[*lineConn]struct{}
}

func newLines(open dialFunc) *lines {
	if open == nil {
		open = (&net.Dialer{}).DialContext
	}
	ctx, end := context.WithCancel(context.Background())
	return &lines{open: open, ctx: ctx, end: end, conns: make(map[*lineConn]struct{})}
}

// lineConn takes itself off its lines when it is closed.
type lineConn struct {
	net.Conn
	lines *lines
}

func (c *lineConn) Close() error {
	c.lines.mu.Lock()
	delete(c.lines.conns, c)
	c.lines.mu.Unlock()
	return c.Conn.Close()
}

func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	nc, err := l.open(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &lineConn{nc, l}
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	if l.ctx.Err() != nil {
		_ = c.Close()
		return nil, errCut
	}
	return c, nil
}

// cut closes all connections and refuses new ones.
func (l *lines) cut() {
	l.end()
	l.mu.Lock()
	conns := make([]*lineConn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}
