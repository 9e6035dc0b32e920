package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
)

// stagger is how long one address is tried alone before the next one joins in
// (the idea of RFC 8305): a dead seed costs no whole dial timeout.
const stagger = 250 * time.Millisecond

// dialAny connects to whichever of the addresses answers first.
func (c *Client) dialAny(ctx context.Context, addrs []string) (*conn, error) {
	if len(addrs) == 1 {
		return c.dial(ctx, AnyBroker, addrs[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		cn  *conn
		err error
	}
	results := make(chan result, len(addrs))
	started, finished := 0, 0
	start := func() {
		addr := addrs[started]
		started++
		go func() {
			cn, err := c.dial(ctx, AnyBroker, addr)
			results <- result{cn, err}
		}()
	}
	// The attempts that lose end at once, for their ctx ends; they are waited
	// for, so that none outlives the Client.
	var won *conn
	var errs []error
	start()
	next := time.NewTicker(stagger)
	defer next.Stop()
	for finished < started {
		select {
		case r := <-results:
			finished++
			switch {
			case r.err != nil:
				errs = append(errs, r.err)
				if won == nil && started < len(addrs) {
					start()
				}
			case won == nil:
				won = r.cn
				cancel()
			default:
				r.cn.fail(ErrClosed)
			}
		case <-next.C:
			if won == nil && started < len(addrs) {
				start()
			}
		}
	}
	if won != nil {
		return won, nil
	}
	return nil, errors.Join(errs...)
}

// errHungUpOn says that the broker closed the connection in answer to our credentials.
var errHungUpOn = errors.New("the broker closes the connection")

// dial connects to one address: TCP, TLS, the broker's API versions, SASL, all
// of it within the dial timeout.
func (c *Client) dial(ctx context.Context, node int32, addr string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.kafka.DialTimeout)
	defer cancel()
	cn, err := c.dialOnce(ctx, node, addr)
	if errors.Is(err, errHungUpOn) {
		// Some brokers say so that the password is wrong; but one that shuts down
		// looks the same, though not twice.
		if cn, err = c.dialOnce(ctx, node, addr); errors.Is(err, errHungUpOn) {
			err = fmt.Errorf("%w: %w", kafka.SASLAuthenticationFailed, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return cn, nil
}

func (c *Client) dialOnce(ctx context.Context, node int32, addr string) (*conn, error) {
	nc, err := c.open(ctx, addr)
	if err != nil {
		return nil, err
	}
	cn := newConn(c.running.Go, nc, node, addr, c.kafka.ClientID, c.kafka.RequestTimeout)
	if err := c.introduce(ctx, cn); err != nil {
		cn.fail(ErrClosed)
		<-cn.done
		return nil, err
	}
	return cn, nil
}

// open opens the network connection and does the TLS handshake.
func (c *Client) open(ctx context.Context, addr string) (net.Conn, error) {
	nc, err := c.kafka.Dial(ctx, "tcp", addr)
	if err != nil || c.kafka.TLS == nil {
		return nc, err
	}
	cfg := c.kafka.TLS
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName, _, _ = net.SplitHostPort(addr) // a wrong address did not connect
	}
	secured := tls.Client(nc, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secured, nil
}

// introduce asks for the broker's API versions and authenticates.
func (c *Client) introduce(ctx context.Context, cn *conn) error {
	msg, err := cn.call(ctx, 0, &apiversions.Request{})
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) && c.kafka.TLS == nil {
			return fmt.Errorf("%w (does the broker expect TLS?)", err)
		}
		return err
	}
	res := msg.(*apiversions.Response)
	if res.ErrorCode != 0 {
		return fmt.Errorf("ApiVersions: %w", kafka.Error(res.ErrorCode))
	}
	for _, k := range res.ApiKeys {
		if k.ApiKey >= 0 && int(k.ApiKey) < len(cn.versions) {
			cn.versions[k.ApiKey] = versionRange{true, k.MinVersion, k.MaxVersion}
		}
	}
	if c.kafka.SASL == nil {
		return nil
	}
	if err := c.authenticate(ctx, cn); err != nil {
		return fmt.Errorf("authenticate with %s: %w", c.kafka.SASL.Name(), err)
	}
	return nil
}

// authenticate does the SASL exchange (KIP-152: inside Kafka's own frames).
func (c *Client) authenticate(ctx context.Context, cn *conn) error {
	if host, port, err := net.SplitHostPort(cn.addr); err == nil {
		n, _ := strconv.Atoi(port)
		ctx = sasl.WithMetadata(ctx, &sasl.Metadata{Host: host, Port: n})
	}
	msg, err := cn.call(ctx, 1, &saslhandshake.Request{Mechanism: c.kafka.SASL.Name()})
	if err != nil {
		return err
	}
	if res := msg.(*saslhandshake.Response); res.ErrorCode != 0 {
		return fmt.Errorf("%w (the broker offers %v)", kafka.Error(res.ErrorCode), res.Mechanisms)
	}
	session, state, err := c.kafka.SASL.Start(ctx)
	if err != nil {
		return err
	}
	for done := false; !done; {
		begun := time.Now()
		msg, err := cn.call(ctx, -1, &saslauthenticate.Request{AuthBytes: state})
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: %w", errHungUpOn, err)
		}
		if err != nil {
			return err
		}
		res := msg.(*saslauthenticate.Response)
		if res.ErrorCode != 0 {
			return fmt.Errorf("%w: %s", kafka.Error(res.ErrorCode), res.ErrorMessage)
		}
		if ms := res.SessionLifetimeMs; ms > 0 {
			cn.expires = begun.Add(time.Duration(ms) * time.Millisecond * 85 / 100)
		}
		if done, state, err = session.Next(ctx, res.AuthBytes); err != nil {
			return err
		}
	}
	return nil
}
