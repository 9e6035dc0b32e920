package group

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// wire is a network between a member and the brokers that can fail.
type wire struct {
	listener net.Listener
	copies   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
	// refused counts the connections that could not be made.
	refused int
	changed chan struct{} // closed and made anew with it
	open    chan struct{} // closed while bytes flow
	// frozen connections wait for the end.
	frozen map[net.Conn]bool
	ended  chan struct{}
}

func newWire(t *testing.T) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, conns: make(map[net.Conn]bool), open: make(chan struct{}), changed: make(chan struct{}), frozen: make(map[net.Conn]bool), ended: make(chan struct{})}
	close(w.open)
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		close(w.ended)
		w.copies.Wait()
	})
	return w
}

var errWireDown = errors.New("the network is down")

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		w.refused++
		close(w.changed)
		w.changed = make(chan struct{})
		return nil, errWireDown
	}
	far, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, err := net.Dial("tcp", w.listener.Addr().String())
	if err != nil {
		return nil, err
	}
	middle, err := w.listener.Accept()
	if err != nil {
		return nil, err
	}
	for _, c := range []net.Conn{far, middle} {
		w.conns[c] = true
	}
	w.copies.Go(func() { w.copy(far, middle) })
	w.copies.Go(func() { w.copy(middle, far) })
	return near, nil
}

// copy moves bytes while they flow, and ends both connections with either.
func (w *wire) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		open := w.open
		if w.frozen[from] {
			open = w.ended
		}
		w.mu.Unlock()
		<-open
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut closes all connections and lets no new one through.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
	w.flow()
}

// refuses waits until n connections could not be made.
func (w *wire) refuses(t *testing.T, n int) {
	t.Helper()
	late := time.After(patient)
	for {
		w.mu.Lock()
		enough, changed := w.refused >= n, w.changed
		w.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("nobody tries %d times to connect", n)
		}
	}
}

// mend lets new connections through again, and all bytes flow.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
	w.flow()
}

// hang holds all bytes back, in both directions, until resume.
func (w *wire) hang() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

// freeze holds the bytes of the present connections back for good; new ones
// work. It is what a firewall does that forgets.
func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		w.frozen[c] = true
	}
}

func (w *wire) flow() {
	select {
	case <-w.open:
	default:
		close(w.open)
	}
}
