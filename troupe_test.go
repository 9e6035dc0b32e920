package troupe_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// from reads settings from those variables alone.
func from(variables map[string]string) (troupe.Settings, error) {
	return troupe.FromLookup(func(name string) string { return variables[name] })
}

func TestFromEnv_OfNothingIsEmpty(t *testing.T) {
	s, err := from(nil)
	if err != nil || !reflect.DeepEqual(s, troupe.Settings{}) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestFromEnv_ReadsTheEnvironment(t *testing.T) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TROUPE_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("TROUPE_BROKERS", " a:9092, [::1]:9093 ,")
	t.Setenv("TROUPE_CLIENT_ID", "payments")
	t.Setenv("TROUPE_REDIS", "rediss://user:pw@cache:6380/2?pool_size=20")
	t.Setenv("TROUPE_REGISTRY", "https://registry/apis/ccompat/v7")
	t.Setenv("TROUPE_REGISTRY_USERNAME", "u")
	t.Setenv("TROUPE_REGISTRY_PASSWORD", "p")
	t.Setenv("TROUPE_REGISTRY_TOKEN", "t")
	got, err := troupe.FromEnv()
	want := troupe.Settings{
		Kafka:    troupe.Kafka{Brokers: []string{"a:9092", "[::1]:9093"}, ClientID: "payments"},
		Redis:    "rediss://user:pw@cache:6380/2?pool_size=20",
		Registry: troupe.Registry{URL: "https://registry/apis/ccompat/v7", Username: "u", Password: "p", Token: "t"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFromEnv_TakesWhatItsPackagesTake(t *testing.T) {
	for _, v := range []struct{ name, value string }{
		{"TROUPE_REDIS", "localhost:6379"}, {"TROUPE_REDIS", "redis://localhost"}, {"TROUPE_REDIS", "redis://:pw@[::1]:6379"},
		{"TROUPE_REDIS", "redis://a:1?addr=b:1&addr=c:1"}, {"TROUPE_REDIS", "redis://a:1/"},
		{"TROUPE_REGISTRY", "http://localhost:8081"}, {"TROUPE_REGISTRY", "http://u:p@h/"}, {"TROUPE_TLS", "FALSE"}, {"TROUPE_TLS", "0"},
	} {
		if _, err := from(map[string]string{v.name: v.value}); err != nil {
			t.Errorf("%s=%s: %v", v.name, v.value, err)
		}
	}
}

func TestFromEnv_NamesTheVariableThatIsWrong(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sasl := func(mechanism, user, password string) map[string]string {
		return map[string]string{"TROUPE_SASL_MECHANISM": mechanism, "TROUPE_SASL_USERNAME": user, "TROUPE_SASL_PASSWORD": password}
	}
	one := func(name string, values ...string) (all []map[string]string) {
		for _, v := range values {
			all = append(all, map[string]string{name: v})
		}
		return all
	}
	for variable, cases := range map[string][]map[string]string{
		"TROUPE_BROKERS": one("TROUPE_BROKERS", "localhost", "localhost:", ":9092", "localhost:9o92", "localhost:99999", "localhost:0", "a:1,::1:9092"),
		"TROUPE_REDIS": one("TROUPE_REDIS", "nonsense", "http://localhost:6379", "localhost:", "redis://", "redis://:6379", "redis://h:99999", "redis://h:",
			"redis://h:1/db", "redis://user:s3cret/x@h:1", "user:s3cret@h:1", "redis://user:s3cret%zz@h:1"),
		"TROUPE_REGISTRY":       one("TROUPE_REGISTRY", "localhost:8081", "http://", "https:///path", "ftp://h", "http://h:port", "http://h:", "http://u:s3cret@h:0"),
		"TROUPE_TLS":            one("TROUPE_TLS", "perhaps"),
		"TROUPE_TLS_CA":         one("TROUPE_TLS_CA", "/nowhere/ca.pem", empty),
		"TROUPE_TLS_KEY":        one("TROUPE_TLS_CERT", empty),
		"TROUPE_TLS_CERT":       append(one("TROUPE_TLS_KEY", empty), map[string]string{"TROUPE_TLS_CERT": empty, "TROUPE_TLS_KEY": empty}),
		"TROUPE_SASL_MECHANISM": {sasl("", "u", ""), sasl("", "", "s3cret"), sasl("GSSAPI", "u", "s3cret")},
		"TROUPE_SASL_USERNAME": {
			sasl("PLAIN", "", "s3cret"), sasl("SCRAM-SHA-256", "", "s3cret"), sasl("SCRAM-SHA-512", "", "s3cret"),
			sasl("SCRAM-SHA-256", "u", "s3cret\a"),
		},
		"TROUPE_SASL_PASSWORD": {sasl("PLAIN", "u", ""), sasl("SCRAM-SHA-512", "u", "")},
	} {
		for _, variables := range cases {
			_, err := from(variables)
			var wrong *troupe.SettingError
			if !errors.As(err, &wrong) || wrong.Variable != variable || !strings.HasPrefix(err.Error(), variable+": ") {
				t.Errorf("%v: got %v, want an error of %s", variables, err, variable)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows a password: %v", err)
			}
			if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) != 1 {
				t.Errorf("%v: more than one error: %v", variables, err)
			}
		}
	}
}

func TestFromEnv_ReportsEveryWrongSettingAndKeepsTheOthers(t *testing.T) {
	s, err := from(map[string]string{
		"TROUPE_BROKERS": "good:1,localhost:,also:99999", "TROUPE_CLIENT_ID": "x", "TROUPE_TLS": "perhaps", "TROUPE_TLS_CA": "/nowhere", "TROUPE_TLS_CERT": "/nowhere", "TROUPE_TLS_KEY": "/nowhere",
		"TROUPE_SASL_MECHANISM": "PLAIN", "TROUPE_REDIS": "nonsense", "TROUPE_REGISTRY": "http://",
	})
	var wrong []string
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		wrong = append(wrong, err.(*troupe.SettingError).Variable)
	}
	want := []string{"TROUPE_BROKERS", "TROUPE_BROKERS", "TROUPE_TLS", "TROUPE_TLS_CA", "TROUPE_TLS_CERT", "TROUPE_SASL_USERNAME", "TROUPE_SASL_PASSWORD", "TROUPE_REDIS", "TROUPE_REGISTRY"}
	if !reflect.DeepEqual(wrong, want) {
		t.Errorf("got %v,\nwant %v", wrong, want)
	}
	if !reflect.DeepEqual(s.Kafka.Brokers, []string{"good:1"}) || s.Kafka.ClientID != "x" || s.Redis != "" || s.Registry.URL != "" {
		t.Errorf("got %v", s)
	}
}

func TestFromEnv_ReadsTheFilesOfTLS(t *testing.T) {
	cert, key := certificate(t)
	s, err := from(map[string]string{"TROUPE_TLS_CA": cert, "TROUPE_TLS_CERT": cert, "TROUPE_TLS_KEY": key, "TROUPE_TLS_SERVER_NAME": "kafka.internal"})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Kafka.TLS
	if c == nil || c.ServerName != "kafka.internal" || len(c.Certificates) != 1 || c.RootCAs == nil || c.MinVersion != tls.VersionTLS12 {
		t.Errorf("got %+v", c)
	}
	if s, err := from(map[string]string{"TROUPE_TLS": "true"}); err != nil || s.Kafka.TLS == nil || s.Kafka.TLS.RootCAs != nil {
		t.Errorf("true alone: %v, %v", s, err)
	}
	if s, err := from(map[string]string{"TROUPE_TLS": "false", "TROUPE_TLS_CA": cert}); err != nil || s.Kafka.TLS != nil {
		t.Errorf("false does not turn it off: %v, %v", s, err)
	}
}

// certificate writes a certificate that signs itself, and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
}

func TestFromEnv_MakesMechanismsThatStart(t *testing.T) {
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		s, err := from(map[string]string{"TROUPE_SASL_MECHANISM": strings.ToLower(name), "TROUPE_SASL_USERNAME": "alice", "TROUPE_SASL_PASSWORD": "s3cret"})
		if err != nil {
			t.Fatal(err)
		}
		if s.Kafka.SASL.Name() != name {
			t.Errorf("%s is called %s", name, s.Kafka.SASL.Name())
		}
		_, first, err := s.Kafka.SASL.Start(context.Background())
		if err != nil || !bytes.Contains(first, []byte("alice")) {
			t.Errorf("%s begins with %q, %v", name, first, err)
		}
	}
}

func TestSettings_ShowNoSecrets(t *testing.T) {
	scram, err := troupe.ScramSHA256("alice", "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	type service struct {
		Settings troupe.Settings
		Pointer  *troupe.Registry
	}
	for _, mechanism := range []sasl.Mechanism{troupe.Plain("alice", "s3cret"), scram} {
		s := troupe.Settings{
			Kafka:    troupe.Kafka{Brokers: []string{"kafka:9092"}, SASL: mechanism, TLS: &tls.Config{}, DialTimeout: time.Second},
			Redis:    "redis://bob:s3cret@cache:6379/1?password=s3cret",
			Registry: troupe.Registry{URL: "http://carol:s3cret@registry:8081", Username: "carol", Password: "s3cret", Token: "s3cret"},
		}
		var logged bytes.Buffer
		for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&logged, nil)), slog.New(slog.NewJSONHandler(&logged, nil))} {
			log.Info("settings", "settings", s, "kafka", s.Kafka, "registry", s.Registry)
		}
		printed := []string{logged.String()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			for _, value := range []any{s, &s, s.Kafka, s.Registry, &s.Registry, s.Kafka.SASL, service{s, &s.Registry}, []troupe.Registry{s.Registry}} {
				printed = append(printed, fmt.Sprintf(verb, value))
			}
		}
		for _, text := range printed {
			if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) {
				t.Errorf("it shows a secret: %s", text)
			}
		}
		for _, want := range []string{"kafka:9092", "as alice", "tls=true", "cache:6379", "registry:8081", "carol", "xxxxx"} {
			if text := s.String(); !strings.Contains(text, want) {
				t.Errorf("%q is missing in %s", want, text)
			}
		}
	}
}

func TestString_OfAnAddressWithABrokenPasswordShowsNoneOfIt(t *testing.T) {
	for address, want := range map[string]string{
		"redis://u:s3#cret@h:1": "redis://xxxxx", "redis://s3/cret@h:1": "redis://xxxxx", "redis://u:s3%cret@h:1": "redis://xxxxx", "u:s3cret@h:1": "xxxxx@h:1", "h:1": "h:1", "": "",
	} {
		if text := (troupe.Settings{Redis: address}).String(); !strings.Contains(text, " redis="+want+" ") {
			t.Errorf("%s becomes %s", address, text)
		}
	}
}
