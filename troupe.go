// Package troupe is the connection settings of a Troupe service: where Kafka,
// Redis and the schema registry are, from code or from TROUPE_* variables.
//
// The work is done in the packages around it: producer publishes typed events,
// consumer handles each of them once, schema encodes and checks, dedupe
// remembers what was handled, dlq keeps what could not be, and troupetest runs
// all of it inside one process.
package troupe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Kafka says how to reach a Kafka cluster. The zero value of each field but
// Brokers means its default. A Kafka may be copied and shared; it is not
// changed by the packages it is given to. Printed or logged it shows no password.
type Kafka struct {
	// Brokers are the host:port addresses asked first; the rest of the cluster
	// is learned from them. At least one is required.
	Brokers []string
	// ClientID names this process in the broker's logs and quotas. Defaults to "troupe".
	ClientID string
	// TLS turns encryption on. Defaults to nil: plain text. A ServerName that
	// is left empty is the host of the broker dialed.
	TLS *tls.Config
	// SASL is how this process authenticates: Plain, ScramSHA256, ScramSHA512
	// or any other mechanism of kafka-go's interface. Defaults to nil: not at all.
	SASL sasl.Mechanism
	// DialTimeout bounds one attempt to connect, handshakes included. Defaults to 10 s.
	DialTimeout time.Duration
	// RequestTimeout bounds the wait for one answer, beyond what the request
	// itself asks the broker to wait. Defaults to 10 s.
	RequestTimeout time.Duration
	// Dial opens the network connection. Defaults to a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Registry says how to reach a schema registry with the Confluent API. Printed
// or logged it shows neither password nor token.
type Registry struct {
	// URL is the registry's root, such as http://localhost:8081 or
	// http://localhost:8080/apis/ccompat/v7.
	URL string
	// Username and Password are sent as basic authentication when Username is set.
	Username, Password string
	// Token is sent as a bearer token when set.
	Token string
	// TLS is used for https URLs. Defaults to nil: the system's certificates.
	TLS *tls.Config
}

// Settings are the connections of a service. Printed or logged they show no
// password and no token.
type Settings struct {
	Kafka Kafka
	// Redis is a redis:// or rediss:// URL, or host:port.
	Redis    string
	Registry Registry
}

// Plain authenticates with SASL PLAIN (RFC 4616). Use it over TLS only: it
// sends the password as it is.
func Plain(username, password string) sasl.Mechanism {
	return &credentials{plain.Mechanism{Username: username, Password: password}, username}
}

// ScramSHA256 authenticates with SASL SCRAM-SHA-256 (RFC 7677). It fails when
// the username or password is not valid in SCRAM (RFC 4013).
func ScramSHA256(username, password string) (sasl.Mechanism, error) {
	return newScram(scram.SHA256, username, password)
}

// ScramSHA512 authenticates with SASL SCRAM-SHA-512. It fails when the username
// or password is not valid in SCRAM (RFC 4013).
func ScramSHA512(username, password string) (sasl.Mechanism, error) {
	return newScram(scram.SHA512, username, password)
}

func newScram(algorithm scram.Algorithm, username, password string) (sasl.Mechanism, error) {
	m, err := scram.Mechanism(algorithm, username, password)
	if err != nil {
		// Its text would repeat the password.
		return nil, errors.New(algorithm.Name() + ": the username or the password has characters that SASLprep (RFC 4013) forbids")
	}
	return &credentials{m, username}, nil
}

// credentials are a mechanism that can be printed.
type credentials struct {
	sasl.Mechanism
	username string
}

// String returns the mechanism's name and the user's.
func (c *credentials) String() string { return c.Name() + " as " + c.username }

// Format prints String, whatever the verb and its flags.
func (c *credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
