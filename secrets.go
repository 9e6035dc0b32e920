package troupe

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// hidden stands for a secret, as in net/url's Redacted.
const hidden = "xxxxx"

// String returns the settings without passwords.
func (k Kafka) String() string { return text(k.attrs()) }

// LogValue is what slog logs: the settings without passwords.
func (k Kafka) LogValue() slog.Value { return slog.GroupValue(k.attrs()...) }

// Format prints String, whatever the verb and its flags.
func (k Kafka) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

func (k Kafka) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("brokers", strings.Join(k.Brokers, ","))}
	if k.ClientID != "" {
		attrs = append(attrs, slog.String("client_id", k.ClientID))
	}
	if k.TLS != nil {
		attrs = append(attrs, slog.Bool("tls", true))
	}
	switch m := k.SASL.(type) {
	case nil:
	case *credentials:
		attrs = append(attrs, slog.String("sasl", m.String()))
	default: // whose fields we don't know
		attrs = append(attrs, slog.String("sasl", m.Name()))
	}
	if k.DialTimeout != 0 {
		attrs = append(attrs, slog.Duration("dial_timeout", k.DialTimeout))
	}
	if k.RequestTimeout != 0 {
		attrs = append(attrs, slog.Duration("request_timeout", k.RequestTimeout))
	}
	return attrs
}

// String returns the settings without password and token.
func (r Registry) String() string { return text(r.attrs()) }

// LogValue is what slog logs: the settings without password and token.
func (r Registry) LogValue() slog.Value { return slog.GroupValue(r.attrs()...) }

// Format prints String, whatever the verb and its flags.
func (r Registry) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

func (r Registry) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("url", withoutSecrets(r.URL))}
	if r.Username != "" {
		attrs = append(attrs, slog.String("username", r.Username))
	}
	if r.Password != "" {
		attrs = append(attrs, slog.String("password", hidden))
	}
	if r.Token != "" {
		attrs = append(attrs, slog.String("token", hidden))
	}
	if r.TLS != nil {
		attrs = append(attrs, slog.Bool("tls", true))
	}
	return attrs
}

// String returns the settings without passwords and tokens.
func (s Settings) String() string {
	return fmt.Sprintf("kafka{%v} redis=%s registry{%v}", s.Kafka, withoutSecrets(s.Redis), s.Registry)
}

// LogValue is what slog logs: the settings without passwords and tokens.
func (s Settings) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("kafka", s.Kafka),
		slog.String("redis", withoutSecrets(s.Redis)),
		slog.Any("registry", s.Registry),
	)
}

// Format prints String, whatever the verb and its flags.
func (s Settings) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

func text(attrs []slog.Attr) string {
	var words []string
	for _, a := range attrs {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}

// withoutSecrets returns an address without its password. Where that can't be
// told from the rest, little is left.
func withoutSecrets(address string) string {
	scheme, _, isURL := strings.Cut(address, "://")
	if !isURL {
		if i := strings.LastIndexByte(address, '@'); i >= 0 {
			return hidden + address[i:]
		}
		return address
	}
	u, err := url.Parse(address)
	if err != nil || strings.Contains(u.Path+u.Fragment, "@") {
		return scheme + "://" + hidden
	}
	query := u.Query()
	for name := range query {
		lower := strings.ToLower(name)
		if strings.Contains(lower, "password") || strings.Contains(lower, "token") || strings.Contains(lower, "secret") {
			query.Set(name, hidden)
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}
