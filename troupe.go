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
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Kafka says how to reach a Kafka cluster. The zero value of each field but
// Brokers means its default. A Kafka may be copied and shared; it is not
// changed by the packages it is given to.
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

// Registry says how to reach a schema registry with the Confluent API.
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

// Settings are the connections of a service.
type Settings struct {
	Kafka Kafka
	// Redis is a redis:// or rediss:// URL, or host:port.
	Redis    string
	Registry Registry
}

// FromEnv reads Settings from the environment:
//
//	TROUPE_BROKERS              host:port,host:port
//	TROUPE_CLIENT_ID            defaults to "troupe"
//	TROUPE_TLS                  "true" turns TLS on; implied by the next four
//	TROUPE_TLS_CA               PEM file of the certificate authorities to trust
//	TROUPE_TLS_CERT, _KEY       PEM files of this client's certificate
//	TROUPE_TLS_SERVER_NAME      name to verify instead of the broker's host
//	TROUPE_SASL_MECHANISM       PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
//	TROUPE_SASL_USERNAME, _PASSWORD
//	TROUPE_REDIS                redis://[user:password@]host:port[/db] or host:port
//	TROUPE_REGISTRY             http(s)://host:port[/path]
//	TROUPE_REGISTRY_USERNAME, _PASSWORD, _TOKEN
//
// What is not set stays empty, so that a caller can tell "no Kafka named" from
// a wrong setting; every wrong setting is reported, all of them together.
func FromEnv() (Settings, error) { return settings(os.Getenv) }

func settings(env func(string) string) (Settings, error) {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var s Settings
	for b := range strings.SplitSeq(env("TROUPE_BROKERS"), ",") {
		if b = strings.TrimSpace(b); b == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(b); err != nil {
			check(fmt.Errorf("TROUPE_BROKERS: %q is not host:port", b))
			continue
		}
		s.Kafka.Brokers = append(s.Kafka.Brokers, b)
	}
	s.Kafka.ClientID = env("TROUPE_CLIENT_ID")
	var err error
	s.Kafka.TLS, err = tlsFrom(env)
	check(err)
	s.Kafka.SASL, err = saslFrom(env)
	check(err)
	s.Redis = env("TROUPE_REDIS")
	s.Registry = Registry{
		URL:      env("TROUPE_REGISTRY"),
		Username: env("TROUPE_REGISTRY_USERNAME"),
		Password: env("TROUPE_REGISTRY_PASSWORD"),
		Token:    env("TROUPE_REGISTRY_TOKEN"),
	}
	if u := s.Registry.URL; u != "" && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
		check(fmt.Errorf("TROUPE_REGISTRY: %q does not start with http:// or https://", u))
	}
	return s, errors.Join(errs...)
}

func tlsFrom(env func(string) string) (*tls.Config, error) {
	on, ca, cert, key, name := env("TROUPE_TLS"), env("TROUPE_TLS_CA"), env("TROUPE_TLS_CERT"), env("TROUPE_TLS_KEY"), env("TROUPE_TLS_SERVER_NAME")
	switch strings.ToLower(on) {
	case "", "true", "1", "false", "0":
	default:
		return nil, fmt.Errorf("TROUPE_TLS: %q is neither true nor false", on)
	}
	off := strings.EqualFold(on, "false") || on == "0"
	if off || on == "" && ca == "" && cert == "" && key == "" && name == "" {
		return nil, nil
	}
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("TROUPE_TLS_CA: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("TROUPE_TLS_CA: no certificate in %s", ca)
		}
	}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("TROUPE_TLS_CERT, TROUPE_TLS_KEY: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func saslFrom(env func(string) string) (sasl.Mechanism, error) {
	name, user, password := env("TROUPE_SASL_MECHANISM"), env("TROUPE_SASL_USERNAME"), env("TROUPE_SASL_PASSWORD")
	switch strings.ToUpper(name) {
	case "":
		if user != "" {
			return nil, errors.New("TROUPE_SASL_USERNAME is set, but TROUPE_SASL_MECHANISM is not")
		}
		return nil, nil
	case "PLAIN":
		return Plain(user, password), nil
	case "SCRAM-SHA-256":
		return ScramSHA256(user, password)
	case "SCRAM-SHA-512":
		return ScramSHA512(user, password)
	}
	return nil, fmt.Errorf("TROUPE_SASL_MECHANISM: %q is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", name)
}

// Plain authenticates with SASL PLAIN (RFC 4616). Use it over TLS only: it
// sends the password as it is.
func Plain(username, password string) sasl.Mechanism {
	return plain.Mechanism{Username: username, Password: password}
}

// ScramSHA256 authenticates with SASL SCRAM-SHA-256 (RFC 7677). It fails when
// the username or password is not valid in SCRAM (RFC 4013).
func ScramSHA256(username, password string) (sasl.Mechanism, error) {
	return scram.Mechanism(scram.SHA256, username, password)
}

// ScramSHA512 authenticates with SASL SCRAM-SHA-512. It fails when the username
// or password is not valid in SCRAM (RFC 4013).
func ScramSHA512(username, password string) (sasl.Mechanism, error) {
	return scram.Mechanism(scram.SHA512, username, password)
}
