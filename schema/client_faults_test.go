package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

var discardLog = log.New(io.Discard, "", 0)

func guid(t *testing.T, text string) [16]byte {
	t.Helper()
	g, err := uuid.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// quick retries without making tests wait.
var quick = schema.ClientConfig{Attempts: 3, Pause: time.Millisecond}

// sick answers the first requests with what fault does, and then is well.
func sick(t *testing.T, times int64, fault http.HandlerFunc) *counted {
	t.Helper()
	h := registry(t, server.Config{})
	var n atomic.Int64
	return count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) <= times {
			fault(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

const always = 1 << 60

func TestClient_TriesAgainWhatMayPass(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"408":           status(http.StatusRequestTimeout, ""),
		"429":           status(http.StatusTooManyRequests, "slow down"),
		"500":           status(http.StatusInternalServerError, `{"error_code":50001,"message":"Error in the backend data store"}`),
		"502 with HTML": status(http.StatusBadGateway, "<html><h1>Bad Gateway</h1></html>"),
		"503":           status(http.StatusServiceUnavailable, ""),
		"hangs up":      hangUp,
		"cut short": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"id":`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := sick(t, 2, fault)
			v, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).Register(t.Context(), "orders", order)
			if err != nil || v.ID != 1 || v.Version != 1 {
				t.Fatalf("Register = %+v, %v", v, err)
			}
			if n := srv.requests("POST /subjects/orders/versions"); n != 3 {
				t.Errorf("%d attempts, not 3", n)
			}
		})
	}
}

func TestClient_ObeysRetryAfter(t *testing.T) {
	asked := make(chan time.Time, 10)
	h := registry(t, server.Config{})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- time.Now()
		if len(asked) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		h.ServeHTTP(w, r)
	}))
	if _, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).Register(t.Context(), "orders", order); err != nil {
		t.Fatal(err)
	}
	if first, second := <-asked, <-asked; second.Sub(first) < time.Second {
		t.Errorf("asked again after %v, not 1 s", second.Sub(first))
	}

	// Longer than anyone waits: no use to stay.
	srv = sick(t, always, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).ByID(t.Context(), 1)
	wantError[*schema.UnavailableError](t, "ByID", err)
	if n := srv.total(); n != 1 {
		t.Errorf("%d attempts, not 1", n)
	}
}

func TestClient_GivesUpOnARegistryThatStaysSick(t *testing.T) {
	for name, c := range map[string]struct {
		fault    http.HandlerFunc
		attempts int
		says     []string
	}{
		"500":             {status(500, `{"error_code":50001,"message":"Error in the\nbackend data store"}`), 3, []string{"500", "50001", "Error in the backend data store"}},
		"502 with HTML":   {status(502, "<html>\n<h1>Bad Gateway</h1></html>"), 3, []string{"502 Bad Gateway"}},
		"401":             {status(401, `{"error_code":40101,"message":"Unauthorized"}`), 1, []string{"401", "username and password"}},
		"403":             {status(403, ""), 1, []string{"403", "username and password"}},
		"404 of no one":   {status(404, "404 page not found\n"), 1, []string{"404", "is the URL the root of a schema registry?"}},
		"404 with HTML":   {status(404, "<html></html>"), 1, []string{"404", "is the URL the root of a schema registry?"}},
		"404 of Java":     {status(404, `{"error_code":404,"message":"HTTP 404 Not Found"}`), 1, []string{"404", "is the URL the root of a schema registry?"}},
		"200 with HTML":   {status(200, "<!DOCTYPE html><html><body>Sign in</body></html>"), 1, []string{"200", "text/html", "is the URL the root of a schema registry?"}},
		"200 and nothing": {status(200, ""), 1, []string{"200", "is the URL the root of a schema registry?"}},
		"200, other JSON": {status(200, `["hello"]`), 1, []string{"unable to decode"}},
		"hangs up":        {hangUp, 3, []string{"EOF", "3 attempts"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := sick(t, always, c.fault)
			where := strings.Replace(srv.URL, "http://", "http://ann:s3cret@", 1)
			client := newClient(t, troupe.Registry{URL: where}, quick)
			_, err := client.ByID(t.Context(), 1)
			wantError[*schema.UnavailableError](t, "ByID", err)
			wantText(t, err, append(c.says, srv.URL)...)
			for _, hidden := range []string{"s3cret", "<html", "<h1"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error shows %q: %v", hidden, err)
				}
			}
			if n := srv.total(); n != c.attempts {
				t.Errorf("%d attempts, not %d", n, c.attempts)
			}
			_, err = client.Lookup(t.Context(), "orders", order)
			wantError[*schema.UnavailableError](t, "Lookup", err)
			_, err = client.Register(t.Context(), "orders", order)
			wantError[*schema.UnavailableError](t, "Register", err)
			_, err = client.Latest(t.Context(), "orders")
			wantError[*schema.UnavailableError](t, "Latest", err)
		})
	}
}

func TestClient_DoesNotWaitForARegistryThatHangs(t *testing.T) {
	t.Run("without an answer", func(t *testing.T) {
		testHang(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		testHang(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"schema":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
	})
}

func testHang(t *testing.T, hang http.HandlerFunc) {
	srv := sick(t, always, hang)
	cfg := schema.ClientConfig{Attempts: 2, Pause: time.Millisecond, Timeout: 20 * time.Millisecond}
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, cfg).ByID(t.Context(), 1)
	wantError[*schema.UnavailableError](t, "ByID", err)
	wantText(t, err, srv.URL, "no answer within 20ms", "2 attempts")
	if n := srv.total(); n != 2 {
		t.Errorf("%d attempts, not 2", n)
	}

	_, err = newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{Patience: 20 * time.Millisecond}).ByID(t.Context(), 1)
	wantError[*schema.UnavailableError](t, "ByID with little patience", err)
}

func TestClient_SaysThatNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	_, err = newClient(t, troupe.Registry{URL: url}, quick).Register(t.Context(), "orders", order)
	wantError[*schema.UnavailableError](t, "Register", err)
	wantText(t, err, url, "refused", "3 attempts")
}

func TestClient_IsNoWorseForAnEndlessAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 32 MiB; not with -short")
	}
	srv := sick(t, always, func(w http.ResponseWriter, r *http.Request) {
		page := []byte(strings.Repeat(" ", 1<<20))
		for r.Context().Err() == nil {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	})
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).ByID(t.Context(), 1)
	wantError[*schema.UnavailableError](t, "ByID", err)
	wantText(t, err, "more than 33554432 bytes")
}

func TestClient_RepeatsTheRegistrysWordsAboutAnIncompatibleSchema(t *testing.T) {
	srv := serve(t, server.Config{Level: schema.FullTransitive})
	c := newClient(t, troupe.Registry{URL: srv.URL}, quick)
	for _, s := range []*schema.Schema{order, orderWithNote} {
		if _, err := c.Register(t.Context(), "orders", s); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Register(t.Context(), "orders", orderWithoutDefault)
	refused := wantError[*schema.IncompatibleError](t, "Register", err)
	if refused.Subject != "orders" || len(refused.Reasons) != 4 {
		t.Errorf("%+v", refused)
	}
	for _, reason := range refused.Reasons {
		if !strings.HasPrefix(reason, "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'") || !strings.HasSuffix(reason, "'}") {
			t.Error(reason)
		}
	}
	wantText(t, err, "orders", "version 2", "version 1", "total0", "no default")
	if _, err := c.Lookup(t.Context(), "orders", orderWithoutDefault); err == nil {
		t.Error("the refused schema is there")
	}
}

// The words are what Confluent's and Apicurio's registries say; what has no list of reasons is one reason.
func TestClient_NamesTheReasonsThatOtherRegistriesGive(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		want    []string
	}{
		"Confluent": {
			`Schema being registered is incompatible with an earlier schema for subject "orders", details: [{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}, {errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a, b' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'a, b'}, {oldSchemaVersion: 1}, {oldSchema: '{"type":"record","name":"R","fields":[{"name":"id","type":"string"}, {"name":"n","type":"int"}]}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`,
			[]string{`{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}`,
				`{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a, b' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'a, b'}`}},
		"Apicurio": {
			"RuleViolationException: Incompatible artifact: orders [AVRO], num of incompatible diffs: {2}, list of diff types: [n at /fields/1, reader type: INT not compatible with writer type: STRING at /fields/0/type]",
			[]string{"RuleViolationException: Incompatible artifact: orders [AVRO], num of incompatible diffs: {2}, list of diff types: [n at /fields/1, reader type: INT not compatible with writer type: STRING at /fields/0/type]"}},
		"an old Confluent": {"Schema being registered is incompatible with an earlier schema", []string{"Schema being registered is incompatible with an earlier schema"}},
		"cut off":          {"details: [{errorType:'A'", []string{"{errorType:'A'"}},
	} {
		body, err := json.Marshal(map[string]any{"error_code": 409, "message": c.message})
		if err != nil {
			t.Fatal(err)
		}
		srv := sick(t, always, status(409, string(body)))
		_, err = newClient(t, troupe.Registry{URL: srv.URL}, quick).Register(t.Context(), "orders", order)
		if refused := wantError[*schema.IncompatibleError](t, name, err); !slices.Equal(refused.Reasons, c.want) {
			t.Errorf("%s: %q, not %q", name, refused.Reasons, c.want)
		}
	}
}

func TestClient_ARefusalForAnotherReasonIsNeitherIncompatibleNorUnavailable(t *testing.T) {
	srv := sick(t, always, status(422, `{"error_code":42205,"message":"Subject orders is in read-only mode"}`))
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).Register(t.Context(), "orders", order)
	wantText(t, err, srv.URL, "42205", "read-only mode")
	var (
		incompatible *schema.IncompatibleError
		unavailable  *schema.UnavailableError
	)
	if errors.As(err, &incompatible) || errors.As(err, &unavailable) {
		t.Errorf("%T", err)
	}
}

func TestClient_SaysWhatTheRegistryHoldsInsteadOfAvro(t *testing.T) {
	for name, c := range map[string]struct{ body, says string }{
		"protobuf":   {`{"schemaType":"PROTOBUF","schema":"syntax = \"proto3\";"}`, "PROTOBUF, not Avro"},
		"not a type": {`{"schema":"{\"type\":\"recrd\"}"}`, "recrd"},
		"no schema":  {`{}`, "schema 1"},
	} {
		srv := sick(t, always, status(200, c.body))
		_, err := newClient(t, troupe.Registry{URL: srv.URL}, quick).ByID(t.Context(), 1)
		wantError[*schema.ParseError](t, name, err)
		wantText(t, err, "schema 1", srv.URL, c.says)
	}
}

func TestClient_CloseEndsWhatIsUnderWay(t *testing.T) {
	arrived := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer srv.Close()
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{Timeout: time.Hour, Patience: time.Hour})
	asked := make(chan error, 1)
	go func() { _, err := c.ByID(context.WithoutCancel(t.Context()), 1); asked <- err }()
	<-arrived
	c.Close()
	err := <-asked
	wantError[*schema.UnavailableError](t, "ByID", err)
	wantText(t, err, "closed")
	_, err = c.ByID(t.Context(), 2)
	wantText(t, err, "closed")
}
