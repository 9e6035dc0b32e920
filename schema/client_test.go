package schema_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

// counted is a registry that counts the requests for each method and path.
type counted struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int
}

func count(t *testing.T, h http.Handler) *counted {
	t.Helper()
	c := &counted{seen: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.seen[r.Method+" "+r.URL.EscapedPath()]++
		c.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counted) requests(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[what]
}

func (c *counted) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.seen {
		n += times
	}
	return n
}

// registry is an embedded registry as a handler.
func registry(t *testing.T, cfg server.Config) *server.Server {
	t.Helper()
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func register(t *testing.T, url, subject string, s *schema.Schema) schema.Version {
	t.Helper()
	v, err := newClient(t, troupe.Registry{URL: url}, schema.ClientConfig{}).Register(t.Context(), subject, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// post sends a request that a Client has no method for.
func post(t *testing.T, url string, body any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(url, "application/vnd.schemaregistry.v1+json", strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", url, res.Status)
	}
}

func TestClient_AsksOncePerSchemaForEver(t *testing.T) {
	srv := count(t, registry(t, server.Config{}))
	v := register(t, srv.URL, "orders", order)
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	before := srv.total()
	for range 3 {
		got, err := c.ByID(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := c.ByID(t.Context(), v.ID); err != nil || again != got {
			t.Errorf("ByID = %p, %v, not %p again", again, err, got)
		}
		if found, err := c.Lookup(t.Context(), "orders", must(order.String())); err != nil || found.Schema != got {
			t.Errorf("Lookup = %v, %v", found, err)
		}
		if _, err := c.Register(t.Context(), "orders", order); err != nil {
			t.Error(err)
		}
	}
	if n := srv.total() - before; n != 2 {
		t.Errorf("%d requests, not one for the id and one for the lookup: %v", n, srv.seen)
	}
}

func TestClient_AsksOnceForManyAtATime(t *testing.T) {
	gate, arrived := make(chan struct{}), make(chan struct{}, 100)
	h := registry(t, server.Config{})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/schemas/ids/") {
			arrived <- struct{}{}
			<-gate
		}
		h.ServeHTTP(w, r)
	}))
	post(t, srv.URL+"/subjects/orders/versions", map[string]string{"schema": order.String()})
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	errs := make(chan error, 64)
	for range cap(errs) {
		go func() {
			_, err := c.ByID(context.WithoutCancel(t.Context()), 1)
			errs <- err
		}()
	}
	<-arrived
	close(gate)
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := srv.requests("GET /schemas/ids/1"); n != 1 {
		t.Errorf("%d requests, not 1", n)
	}
}

func TestClient_OneWhoGivesUpDoesNotSpoilTheAnswerForOthers(t *testing.T) {
	gate, arrived := make(chan struct{}), make(chan struct{}, 1)
	h := registry(t, server.Config{})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			arrived <- struct{}{}
			<-gate
		}
		h.ServeHTTP(w, r)
	}))
	post(t, srv.URL+"/subjects/orders/versions", map[string]string{"schema": order.String()})
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	ctx, giveUp := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.ByID(ctx, 1); first <- err }()
	<-arrived
	go func() { _, err := c.ByID(context.WithoutCancel(t.Context()), 1); second <- err }()
	giveUp()
	err := <-first
	wantError[*schema.UnavailableError](t, "the one who gave up", err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error hides that the context ended: %v", err)
	}
	close(gate)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if n := srv.requests("GET /schemas/ids/1"); n != 1 {
		t.Errorf("%d requests, not 1", n)
	}
}

func TestClient_RemembersForAWhileWhatIsNotThere(t *testing.T) {
	srv := count(t, registry(t, server.Config{}))
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{NotFoundFor: time.Hour})
	for range 3 {
		_, err := c.ByID(t.Context(), 7)
		wantError[*schema.NotFoundError](t, "ByID", err)
		_, err = c.ByGUID(t.Context(), [16]byte{1})
		wantError[*schema.NotFoundError](t, "ByGUID", err)
	}
	if n := srv.total(); n != 2 {
		t.Errorf("%d requests, not 2: %v", n, srv.seen)
	}

	forgetful := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{NotFoundFor: time.Nanosecond})
	_, err := forgetful.ByID(t.Context(), 1)
	wantError[*schema.NotFoundError](t, "ByID", err)
	register(t, srv.URL, "orders", order)
	if _, err := forgetful.ByID(t.Context(), 1); err != nil {
		t.Errorf("what has been registered since is not found: %v", err)
	}
}

func TestClient_GoesOnWithWhatItKnowsWhileTheRegistryIsDown(t *testing.T) {
	srv := count(t, registry(t, server.Config{}))
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{Attempts: 2, Pause: time.Millisecond})
	v, err := c.Register(t.Context(), "orders", order)
	if err != nil {
		t.Fatal(err)
	}
	srv.Close()
	if _, err := c.ByID(t.Context(), v.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.Lookup(t.Context(), "orders", order); err != nil {
		t.Error(err)
	}
	if _, err := c.Register(t.Context(), "orders", order); err != nil {
		t.Error(err)
	}
	_, err = c.ByID(t.Context(), v.ID+1)
	wantError[*schema.UnavailableError](t, "a cold id", err)
	_, err = c.Lookup(t.Context(), "payments", payment)
	wantError[*schema.UnavailableError](t, "a cold lookup", err)
}

func TestClient_FindsASchemaByItsGUID(t *testing.T) {
	srv := serve(t, server.Config{})
	register(t, srv.URL, "orders", order)
	res, err := http.Get(srv.URL + "/schemas/ids/1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct{ GUID string }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	if s, err := c.ByGUID(t.Context(), guid(t, got.GUID)); err != nil || !s.Equal(order) {
		t.Errorf("ByGUID(%s) = %v, %v", got.GUID, s, err)
	}
}

// A registry older than Confluent Platform 8 must not be taken for one that is down.
func TestClient_SaysThatARegistryHasNoGUIDs(t *testing.T) {
	h := registry(t, server.Config{})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/schemas/guids/") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		h.ServeHTTP(w, r)
	}))
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{}).ByGUID(t.Context(), [16]byte{1})
	wantError[*schema.NotFoundError](t, "ByGUID", err)
	wantText(t, err, srv.URL, "no GUIDs")
}

func TestClient_FetchesReferencesTransitively(t *testing.T) {
	srv := count(t, registry(t, server.Config{}))
	type ref struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
		Version int    `json:"version"`
	}
	const (
		line = `{"type":"record","name":"shop.Line","fields":[{"name":"price","type":"shop.Money"}]}`
		cart = `{"type":"record","name":"shop.Cart","fields":[{"name":"lines","type":{"type":"array","items":"shop.Line"}},{"name":"total","type":"shop.Money"}]}`
	)
	post(t, srv.URL+"/subjects/money+tax%2F1/versions", map[string]any{"schema": moneyText})
	post(t, srv.URL+"/subjects/line/versions", map[string]any{"schema": line, "references": []ref{{"shop.Money", "money+tax/1", 1}}})
	post(t, srv.URL+"/subjects/cart/versions", map[string]any{"schema": cart, "references": []ref{{"shop.Line", "line", 1}, {"shop.Money", "money+tax/1", 1}}})

	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	got, err := c.ByID(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	whole := must(cart, must(line, must(moneyText)), must(moneyText))
	if !got.Equal(whole) || got.String() != whole.String() {
		t.Errorf("got %s", got)
	}
	if n := srv.requests("GET /subjects/money%2Btax%2F1/versions/1"); n != 1 {
		t.Errorf("a schema referred to twice was asked for %d times: %v", n, srv.seen)
	}
	// Written by us, a schema has no references; the registry's has. They are the same all the same.
	if v, err := c.Lookup(t.Context(), "cart", whole); err != nil || v.ID != 3 {
		t.Errorf("Lookup = %+v, %v", v, err)
	}
}

func TestClient_EndsOnACycleOfReferences(t *testing.T) {
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		other := map[string]string{"/schemas/ids/1": "a", "/subjects/a/versions/1": "b", "/subjects/b/versions/1": "a"}[r.URL.Path]
		fmt.Fprintf(w, `{"id":1,"version":1,"schema":"\"string\"","references":[{"name":"x.Y","subject":%q,"version":1}]}`, other)
	}))
	c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	_, err := c.ByID(t.Context(), 1)
	wantText(t, err, "schema 1", "cycle", `subject "a" version 1 -> subject "b" version 1 -> subject "a" version 1`)
	wantError[*schema.ParseError](t, "a cycle, which does not go away,", err)
}

func TestClient_NamesTheReferenceThatIsMissing(t *testing.T) {
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/schemas/ids/1" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40402,"message":"Version 3 not found."}`)
			return
		}
		fmt.Fprint(w, `{"schema":"\"x.Y\"","references":[{"name":"x.Y","subject":"gone","version":3}]}`)
	}))
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{}).ByID(t.Context(), 1)
	wantError[*schema.NotFoundError](t, "ByID", err)
	wantText(t, err, "schema 1", "x.Y", `subject "gone" version 3`)
}

// Registries that answer a lookup by their own idea of sameness are not believed.
func TestClient_ComparesVersionsItselfWhenARegistryDoesNotRecogniseASchema(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"40403": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40403,"message":"Schema not found"}`)
		},
		"422": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"error_code":42201,"message":"Either the input schema or one its references is invalid"}`)
		},
		"another schema": func(w http.ResponseWriter) {
			fmt.Fprintf(w, `{"subject":"orders","version":9,"id":9,"schema":%q}`, payment)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := registry(t, server.Config{})
			srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && r.URL.Path == "/subjects/orders" {
					answer(w)
					return
				}
				h.ServeHTTP(w, r)
			}))
			v := register(t, srv.URL, "orders", order)
			register(t, srv.URL, "orders", orderWithNote)
			c := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
			if got, err := c.Lookup(t.Context(), "orders", order); err != nil || got.ID != v.ID || got.Version != v.Version {
				t.Errorf("Lookup = %+v, %v, not %+v", got, err, v)
			}
			_, err := c.Lookup(t.Context(), "orders", must(`"string"`))
			wantError[*schema.NotFoundError](t, "Lookup of what is not there", err)
		})
	}
}

// Registries before Confluent Platform 8 answer a register with the id alone.
func TestClient_FindsTheVersionThatARegistryDoesNotName(t *testing.T) {
	h := registry(t, server.Config{})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			h.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		var got struct{ ID int }
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, `{"id":%d}`, got.ID)
	}))
	register(t, srv.URL, "other", orderWithNote)
	register(t, srv.URL, "orders", order)
	if v := register(t, srv.URL, "orders", orderWithNote); v.Version != 2 || v.ID != 1 {
		t.Errorf("Register = %+v, not version 2 with id 1", v)
	}
}

func TestClient_Authenticates(t *testing.T) {
	h := registry(t, server.Config{})
	srv := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if !(user == "ann" && password == "s3cret") && r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error_code":401,"message":"Unauthorized"}`)
			return
		}
		h.ServeHTTP(w, r)
	}))
	inURL := strings.Replace(srv.URL, "http://", "http://ann:s3cret@", 1)
	for name, r := range map[string]troupe.Registry{
		"basic": {URL: srv.URL, Username: "ann", Password: "s3cret"}, "basic in the URL": {URL: inURL}, "bearer": {URL: srv.URL, Token: "t0ken"},
	} {
		if _, err := newClient(t, r, schema.ClientConfig{}).Register(t.Context(), "orders", order); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClient_SpeaksTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(registry(t, server.Config{}))
	srv.Config.ErrorLog = discardLog
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	trusting := newClient(t, troupe.Registry{URL: srv.URL, TLS: &tls.Config{RootCAs: roots}}, schema.ClientConfig{})
	if _, err := trusting.Register(t.Context(), "orders", order); err != nil {
		t.Error(err)
	}
	_, err := newClient(t, troupe.Registry{URL: srv.URL}, schema.ClientConfig{Pause: time.Hour}).ByID(t.Context(), 1) // no second attempt
	wantError[*schema.UnavailableError](t, "a certificate that nobody trusts", err)
	wantText(t, err, srv.URL, "certificate")
}

func TestNewClient_SaysWhatIsWrongWithTheSettings(t *testing.T) {
	for text, r := range map[string]troupe.Registry{
		"TROUPE_REGISTRY":  {},
		"not http://":      {URL: "localhost:8081"},
		"not http":         {URL: "ftp://ann:s3cret@localhost"},
		"can't be parsed":  {URL: "http://ann:s3cret@local host:x"},
		"username and a t": {URL: "http://localhost", Username: "ann", Token: "t0ken"},
	} {
		_, err := schema.NewClient(r, schema.ClientConfig{})
		wantText(t, err, text)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func BenchmarkClient_CachedByID(b *testing.B) {
	s, err := server.New(server.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	srv := httptest.NewServer(s)
	defer srv.Close()
	c, err := schema.NewClient(troupe.Registry{URL: srv.URL}, schema.ClientConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	v, err := c.Register(b.Context(), "orders", order)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.ByID(b.Context(), v.ID); err != nil {
				b.Error(err)
			}
		}
	})
}
