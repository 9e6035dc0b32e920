package troupe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
)

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
//	TROUPE_REDIS                redis://[user:password@]host:port[/db], rediss://… (TLS) or host:port
//	TROUPE_REGISTRY             http(s)://host:port[/path]
//	TROUPE_REGISTRY_USERNAME, _PASSWORD, _TOKEN
//
// What is not set stays empty, so that a caller can tell "no Kafka named" from
// a wrong setting; every wrong setting is reported, all of them together, each
// as a *SettingError, and stays empty. No error shows a password.
func FromEnv() (Settings, error) { return FromLookup(os.Getenv) }

// FromLookup reads Settings as FromEnv does, with env in the place of
// os.Getenv: it returns the value of a variable, "" for one that is not set.
func FromLookup(env func(variable string) string) (Settings, error) {
	e := environment{get: env}
	s := Settings{
		Kafka: Kafka{
			Brokers:  e.brokers(),
			ClientID: env("TROUPE_CLIENT_ID"),
			TLS:      e.tls(),
			SASL:     e.sasl(),
		},
		Redis: e.redis(),
		Registry: Registry{
			URL:      e.registry(),
			Username: env("TROUPE_REGISTRY_USERNAME"),
			Password: env("TROUPE_REGISTRY_PASSWORD"),
			Token:    env("TROUPE_REGISTRY_TOKEN"),
		},
	}
	return s, errors.Join(e.errs...)
}

// SettingError says what is wrong with one setting.
type SettingError struct {
	// Variable is the setting's name, such as TROUPE_BROKERS.
	Variable string
	Err      error
}

func (e *SettingError) Error() string { return e.Variable + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *SettingError) Unwrap() error { return e.Err }

// environment is read variable by variable.
type environment struct {
	get  func(string) string
	errs []error
}

func (e *environment) wrong(variable, format string, args ...any) {
	e.errs = append(e.errs, &SettingError{variable, fmt.Errorf(format, args...)})
}

func (e *environment) brokers() (brokers []string) {
	for b := range strings.SplitSeq(e.get("TROUPE_BROKERS"), ",") {
		if b = strings.TrimSpace(b); b == "" {
			continue
		}
		if !isHostPort(b) {
			e.wrong("TROUPE_BROKERS", "%q is not host:port", b)
			continue
		}
		brokers = append(brokers, b)
	}
	return brokers
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && host != "" && isPort(port)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n != 0
}

func (e *environment) tls() *tls.Config {
	const on, ca, cert, key, name = "TROUPE_TLS", "TROUPE_TLS_CA", "TROUPE_TLS_CERT", "TROUPE_TLS_KEY", "TROUPE_TLS_SERVER_NAME"
	implied := e.get(ca) != "" || e.get(cert) != "" || e.get(key) != "" || e.get(name) != ""
	switch strings.ToLower(e.get(on)) {
	case "true", "1":
	case "false", "0":
		return nil
	case "":
		if !implied {
			return nil
		}
	default:
		e.wrong(on, "%q is neither true nor false", e.get(on))
	}
	c := &tls.Config{ServerName: e.get(name), MinVersion: tls.VersionTLS12}
	if file := e.get(ca); file != "" {
		c.RootCAs = x509.NewCertPool()
		if pem, err := os.ReadFile(file); err != nil {
			e.wrong(ca, "%w", err)
		} else if !c.RootCAs.AppendCertsFromPEM(pem) {
			e.wrong(ca, "no certificate in %s", file)
		}
	}
	switch cert, key, set := e.get(cert), e.get(key), "TROUPE_TLS_CERT"; {
	case cert != "" && key != "":
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			e.wrong(set, "with the key of TROUPE_TLS_KEY: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	case cert != "":
		e.wrong("TROUPE_TLS_KEY", "it is not set, but TROUPE_TLS_CERT is")
	case key != "":
		e.wrong(set, "it is not set, but TROUPE_TLS_KEY is")
	}
	return c
}

func (e *environment) sasl() sasl.Mechanism {
	const mechanism, username, password = "TROUPE_SASL_MECHANISM", "TROUPE_SASL_USERNAME", "TROUPE_SASL_PASSWORD"
	var start func(username, password string) (sasl.Mechanism, error)
	switch strings.ToUpper(e.get(mechanism)) {
	case "":
		for _, other := range []string{username, password} {
			if e.get(other) != "" {
				e.wrong(mechanism, "it is not set, but %s is", other)
				break
			}
		}
		return nil
	case "PLAIN":
		start = func(username, password string) (sasl.Mechanism, error) { return Plain(username, password), nil }
	case "SCRAM-SHA-256":
		start = ScramSHA256
	case "SCRAM-SHA-512":
		start = ScramSHA512
	default:
		e.wrong(mechanism, "%q is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", e.get(mechanism))
		return nil
	}
	complete := true
	for _, needed := range []string{username, password} {
		if e.get(needed) == "" {
			e.wrong(needed, "it is not set, but %s is", mechanism)
			complete = false
		}
	}
	if !complete {
		return nil
	}
	m, err := start(e.get(username), e.get(password))
	if err != nil {
		e.wrong(username, "with %s: %w", password, err)
		return nil
	}
	return m
}

func (e *environment) redis() string {
	const variable = "TROUPE_REDIS"
	address := e.get(variable)
	scheme, _, isURL := strings.Cut(address, "://")
	switch {
	case address == "" || !isURL && isHostPort(address):
		return address
	case isURL && (scheme == "redis" || scheme == "rediss"):
		if u, err := url.Parse(address); err == nil && isServer(u) && isDatabase(u.Path) {
			return address
		}
	}
	e.wrong(variable, "%s is neither redis://host:port[/db], rediss://host:port[/db] nor host:port", withoutSecrets(address))
	return ""
}

// isDatabase reports whether the path of a Redis URL is empty or a number.
func isDatabase(path string) bool {
	path = strings.Trim(path, "/")
	return path == "" || strings.Trim(path, "0123456789") == ""
}

func (e *environment) registry() string {
	const variable = "TROUPE_REGISTRY"
	address := e.get(variable)
	if address == "" {
		return ""
	}
	if u, err := url.Parse(address); err == nil && (u.Scheme == "http" || u.Scheme == "https") && isServer(u) {
		return address
	}
	e.wrong(variable, "%s is not http://host:port or https://host:port, with a path or without", withoutSecrets(address))
	return ""
}

// isServer reports whether u names a host, and a port that can be if it names one.
func isServer(u *url.URL) bool {
	return u.Hostname() != "" && (u.Port() == "" && !strings.HasSuffix(u.Host, ":") || isPort(u.Port()))
}
