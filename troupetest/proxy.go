package troupetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/troupe-go/troupe"
)

// Proxy is the same services behind connections that a test can break: real
// services as well as embedded ones.
type Proxy struct {
	// Settings lead through the proxy. Services.Settings still lead around it.
	Settings troupe.Settings
	// Kafka, Redis and Registry are the connections to each of them.
	Kafka, Redis, Registry *Link
}

// Proxy returns a proxy in front of the services, which ends with tb. It
// works for clients in other processes, too (Environ), unless Kafka is reached
// through TLS; then only Settings.Kafka.Dial leads through it. Clients that follow
// the leader hints of KIP-951 in produce and fetch replies leave it; kafka-go
// and this project don't.
func (s *Services) Proxy(tb testing.TB) *Proxy {
	tb.Helper()
	p := &Proxy{Settings: s.Settings, Kafka: newLink(), Redis: newLink(), Registry: newLink()}
	tb.Cleanup(func() {
		p.Kafka.close()
		p.Redis.close()
		p.Registry.close()
	})
	for _, lead := range []func() error{p.leadKafka, p.leadRedis, p.leadRegistry} {
		if err := lead(); err != nil {
			tb.Fatalf("start proxy: %v", err)
		}
	}
	return p
}

// Environ returns the TROUPE_* variables that lead another process through the
// proxy: see Services.Environ.
func (p *Proxy) Environ() []string { return environ(p.Settings) }

func (p *Proxy) leadKafka() error {
	k := &p.Settings.Kafka
	if k.TLS != nil {
		k.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			local, err := p.Kafka.to(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, local)
		}
		return nil
	}
	p.Kafka.rewrite = func(l *Link) framing { return &kafkaFrames{link: l, asked: map[int32]call{}} }
	brokers := k.Brokers
	k.Brokers = nil
	for _, b := range brokers {
		local, err := p.Kafka.to(b)
		if err != nil {
			return err
		}
		k.Brokers = append(k.Brokers, local)
	}
	return nil
}

func (p *Proxy) leadRedis() error {
	o, err := redisOptions(p.Settings.Redis)
	if err != nil {
		return err
	}
	local, err := p.Redis.to(o.Addr)
	if err != nil {
		return err
	}
	if !strings.Contains(p.Settings.Redis, "://") {
		p.Settings.Redis = local
		return nil
	}
	u, err := url.Parse(p.Settings.Redis)
	if err != nil {
		return err
	}
	u.Host = local
	p.Settings.Redis = u.String()
	return nil
}

func (p *Proxy) leadRegistry() error {
	u, err := url.Parse(p.Settings.Registry.URL)
	if err != nil {
		return err
	}
	host, port := u.Hostname(), u.Port()
	if u.Scheme == "https" {
		if port == "" {
			port = "443"
		}
		if t := p.Settings.Registry.TLS; t != nil && t.ServerName == "" {
			p.Settings.Registry.TLS = t.Clone()
			p.Settings.Registry.TLS.ServerName = host
		}
	} else if port == "" {
		port = "80"
	}
	if u.Host, err = p.Registry.to(net.JoinHostPort(host, port)); err != nil {
		return err
	}
	p.Settings.Registry.URL = u.String()
	return nil
}

// kafkaFrames passes Kafka's messages on one connection, and puts the proxy's
// addresses in place of the brokers' where a reply names them: clients go where
// the metadata sends them, not where they were told to begin.
type kafkaFrames struct {
	link *Link

	mu    sync.Mutex
	asked map[int32]call // by correlation id: requests whose reply names brokers
}

type call struct{ key, version int16 }

func (f *kafkaFrames) request(r io.Reader) ([]byte, error) {
	b, err := readFrame(r)
	if err != nil || len(b) < 12 {
		return b, err
	}
	c := call{int16(binary.BigEndian.Uint16(b[4:])), int16(binary.BigEndian.Uint16(b[6:]))}
	switch kmsg.Key(c.key) {
	case kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster:
		f.mu.Lock()
		f.asked[int32(binary.BigEndian.Uint32(b[8:]))] = c
		f.mu.Unlock()
	}
	return b, nil
}

func (f *kafkaFrames) reply(r io.Reader) ([]byte, error) {
	b, err := readFrame(r)
	if err != nil || len(b) < 8 {
		return b, err
	}
	id := int32(binary.BigEndian.Uint32(b[4:]))
	f.mu.Lock()
	c, ok := f.asked[id]
	delete(f.asked, id)
	f.mu.Unlock()
	if !ok {
		return b, nil
	}
	resp := kmsg.ResponseForKey(c.key)
	resp.SetVersion(c.version)
	head := 8
	if resp.IsFlexible() {
		head++ // the header's tagged fields; no broker sends any
	}
	if len(b) < head {
		return b, nil
	}
	if err := resp.ReadFrom(b[head:]); err != nil {
		return nil, err
	}
	if err := f.readdress(resp); err != nil {
		return nil, err
	}
	out := resp.AppendTo(bytes.Clone(b[:head]))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

func (f *kafkaFrames) readdress(resp kmsg.Response) error {
	var err error
	change := func(host *string, port *int32) {
		if *host == "" || err != nil { // no coordinator yet
			return
		}
		var local string
		if local, err = f.link.to(net.JoinHostPort(*host, strconv.Itoa(int(*port)))); err != nil {
			return
		}
		h, p, _ := net.SplitHostPort(local)
		n, _ := strconv.Atoi(p)
		*host, *port = h, int32(n)
	}
	switch r := resp.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			change(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		change(&r.Host, &r.Port)
		for i := range r.Coordinators {
			change(&r.Coordinators[i].Host, &r.Coordinators[i].Port)
		}
	case *kmsg.DescribeClusterResponse:
		for i := range r.Brokers {
			change(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	}
	return err
}

// readFrame reads one message, its length included.
func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > 256<<20 {
		return nil, errTooLarge
	}
	b := make([]byte, 4+n)
	copy(b, size[:])
	_, err := io.ReadFull(r, b[4:])
	return b, err
}
