package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// network is what lies between a client and the brokers. It can be cut, and
// the way to one address can be frozen: bytes are accepted and go nowhere.
type network struct {
	mu     sync.Mutex
	change *sync.Cond
	frozen map[string]bool
	open   map[net.Conn]bool
	closed bool
	relays sync.WaitGroup
}

func newNetwork(t testing.TB) *network {
	n := &network{frozen: map[string]bool{}, open: map[net.Conn]bool{}}
	n.change = sync.NewCond(&n.mu)
	t.Cleanup(func() {
		n.mu.Lock()
		n.closed = true
		n.change.Broadcast()
		n.mu.Unlock()
		n.cut()
		n.relays.Wait()
	})
	return n
}

// dial is a troupe.Kafka's Dial. A frozen address accepts connections, too.
func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer door.Close()
	client, err := d.DialContext(ctx, "tcp", door.Addr().String())
	if err != nil {
		return nil, err
	}
	near, err := door.Accept()
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.open[near], n.open[far] = true, true
	n.mu.Unlock()
	n.relays.Go(func() { n.relay(near, far, address) })
	n.relays.Go(func() { n.relay(far, near, address) })
	return client, nil
}

func (n *network) relay(to, from net.Conn, address string) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		k, err := from.Read(buf)
		n.mu.Lock()
		for n.frozen[address] && !n.closed && n.open[from] {
			n.change.Wait()
		}
		n.mu.Unlock()
		if k > 0 {
			if _, err := to.Write(buf[:k]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut closes all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		c.Close()
	}
	clear(n.open)
	n.change.Broadcast()
}

func (n *network) freeze(address string, frozen bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen[address] = frozen
	n.change.Broadcast()
}

// silent returns an address that accepts connections and never answers.
func silent(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepted sync.WaitGroup
	accepted.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Go(func() { _, _ = io.Copy(io.Discard, c); c.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); accepted.Wait() })
	return l.Addr().String()
}

// certificate returns a server's settings and the client's that trust it.
func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}
