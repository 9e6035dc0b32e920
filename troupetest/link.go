package troupetest

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Link is the network between a test and one service, with faults that the test
// switches on and off. Its methods may be called at any time, concurrently.
// Connections that a fault broke stay broken; clients connect again.
type Link struct {
	rewrite func(*Link) framing // nil: bytes pass as they are

	mu        sync.Mutex
	changed   *sync.Cond // a connection ended or a fault was lifted
	listeners map[string]net.Listener
	conns     map[*pair]struct{}
	closed    bool
	running   sync.WaitGroup

	refuse bool
	hang   bool
	delay  time.Duration
	lose   int
	lost   int
}

// framing passes whole messages instead of bytes, so that it can change them.
type framing interface {
	request(io.Reader) ([]byte, error)
	reply(io.Reader) ([]byte, error)
}

func newLink() *Link {
	l := &Link{listeners: map[string]net.Listener{}, conns: map[*pair]struct{}{}}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// Cut breaks every connection that there is. New ones work.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.conns {
		p.close()
	}
	l.changed.Broadcast()
}

// Down breaks every connection, and each new one as soon as it is made, until Heal.
func (l *Link) Down() {
	l.mu.Lock()
	l.refuse = true
	l.mu.Unlock()
	l.Cut()
}

// Hang holds back everything in both directions until Heal: connections are
// made and stay open, and nobody answers. Nothing is lost.
func (l *Link) Hang() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hang = true
}

// Delay makes every reply come d later, until Heal or another Delay. It slows
// a round trip, not the bytes per second.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// LoseReplies throws the next n replies away: the service has done what it was
// asked, the bytes that say so are dropped, and the connection breaks. With
// pipelined requests a reply is whatever the service sent at once.
func (l *Link) LoseReplies(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = n
}

// Lost returns how many replies were thrown away so far.
func (l *Link) Lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Heal ends every fault.
func (l *Link) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse, l.hang, l.delay, l.lose = false, false, 0, 0
	l.changed.Broadcast()
}

// to returns the local address that leads to upstream, a host:port.
func (l *Link) to(upstream string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return "", net.ErrClosed
	}
	if ln, ok := l.listeners[upstream]; ok {
		return ln.Addr().String(), nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l.listeners[upstream] = ln
	l.running.Add(1)
	go func() {
		defer l.running.Done()
		l.accept(ln, upstream)
	}()
	return ln.Addr().String(), nil
}

func (l *Link) close() {
	l.mu.Lock()
	l.closed = true
	for _, ln := range l.listeners {
		ln.Close()
	}
	l.mu.Unlock()
	l.Cut()
	l.running.Wait()
}

func (l *Link) accept(ln net.Listener, upstream string) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		l.running.Add(1)
		go func() {
			defer l.running.Done()
			l.join(client, upstream)
		}()
	}
}

// pair is a connection through the link.
type pair struct {
	client, service net.Conn
	broken          bool // guarded by Link.mu
}

func (p *pair) close() {
	p.broken = true
	p.client.Close()
	p.service.Close()
}

// join connects a client with the service and returns when that has ended.
func (l *Link) join(client net.Conn, upstream string) {
	service, err := net.DialTimeout("tcp", upstream, 5*time.Second)
	if err != nil {
		client.Close()
		return
	}
	p := &pair{client: client, service: service}
	l.mu.Lock()
	if l.refuse || l.closed {
		p.close()
	} else {
		l.conns[p] = struct{}{}
	}
	l.mu.Unlock()

	request, reply := io.Reader(client), io.Reader(service)
	readRequest, readReply := readSome(), readSome()
	if l.rewrite != nil {
		f := l.rewrite(l)
		readRequest, readReply = f.request, f.reply
	}
	var both sync.WaitGroup
	both.Go(func() { l.pass(p, request, readRequest, service, false) })
	both.Go(func() { l.pass(p, reply, readReply, client, true) })
	both.Wait()
	l.mu.Lock()
	delete(l.conns, p)
	l.mu.Unlock()
}

// readSome reads whatever there is.
func readSome() func(io.Reader) ([]byte, error) {
	return func(r io.Reader) ([]byte, error) {
		buf := make([]byte, 32<<10)
		n, err := r.Read(buf)
		if n > 0 {
			err = nil
		}
		return buf[:n], err
	}
}

// chunk is something that is due at a time.
type chunk struct {
	data []byte
	due  time.Time
}

// pass passes one direction of p until either side ends, and then ends both.
func (l *Link) pass(p *pair, src io.Reader, read func(io.Reader) ([]byte, error), dst net.Conn, replies bool) {
	chunks := make(chan chunk, 256)
	var writer sync.WaitGroup
	writer.Go(func() {
		for c := range chunks {
			if d := time.Until(c.due); d > 0 {
				time.Sleep(d)
			}
			if l.hold(p) {
				_, _ = dst.Write(c.data) // a broken one is noticed by the reader of the other direction
			}
		}
	})
	for {
		data, err := read(src)
		if err != nil {
			break
		}
		delay, lost := l.treat(replies)
		if lost {
			break
		}
		chunks <- chunk{data, time.Now().Add(delay)}
	}
	close(chunks)
	writer.Wait()
	l.mu.Lock()
	p.close()
	l.changed.Broadcast()
	l.mu.Unlock()
}

// treat says what happens to a chunk.
func (l *Link) treat(reply bool) (delay time.Duration, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !reply {
		return 0, false
	}
	if l.lose > 0 {
		l.lose--
		l.lost++
		return 0, true
	}
	return l.delay, false
}

// hold waits while the link hangs and reports whether p is still whole.
func (l *Link) hold(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.hang && !p.broken {
		l.changed.Wait()
	}
	return !p.broken
}

// errTooLarge says that a Kafka message claims to be larger than any is.
var errTooLarge = errors.New("message larger than 256 MiB")
