package schema_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

// Each registry keeps the same promises.

func TestMemory_IsARegistry(t *testing.T) {
	testRegistry(t, func(*testing.T) schema.Registry { return schema.NewMemory() })
}

func TestDirectory_IsARegistry(t *testing.T) {
	testRegistry(t, func(t *testing.T) schema.Registry {
		d, err := schema.OpenDirectory(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

func TestClient_IsARegistry(t *testing.T) {
	testRegistry(t, func(t *testing.T) schema.Registry {
		return newClient(t, troupe.Registry{URL: serve(t, server.Config{}).URL}, schema.ClientConfig{})
	})
}

// Another client is also a process that starts later.
func TestClient_SeesWhatAnotherClientRegistered(t *testing.T) {
	settings, err := troupe.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	where := settings.Registry
	if where.URL == "" {
		where.URL = serve(t, server.Config{}).URL
	}
	subject := newSubject("seen")
	v, err := newClient(t, where, schema.ClientConfig{}).Register(t.Context(), subject, order)
	if err != nil {
		t.Fatal(err)
	}
	other := newClient(t, where, schema.ClientConfig{})
	if got, err := other.ByID(t.Context(), v.ID); err != nil || !got.Equal(order) {
		t.Errorf("ByID(%d) = %v, %v, not the schema that was registered", v.ID, got, err)
	}
	if got, err := other.Lookup(t.Context(), subject, order); err != nil || got.ID != v.ID || got.Version != v.Version {
		t.Errorf("Lookup = %+v, %v, not %+v", got, err, v)
	}
}

var (
	order = must(`{"type":"record","name":"Order","namespace":"shop","doc":"An order.","fields":[
		{"name":"id","type":"string"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}`)
	orderWithoutDefault = must(`{"name":"shop.Order","type":"record","fields":[
		{"type":{"scale":2,"precision":9,"type":"bytes","logicalType":"decimal"},"name":"total0"},{"name":"id","type":{"type":"string"}}]}`)
	orderWithNote = must(`{"type":"record","name":"Order","namespace":"shop","doc":"An order.","fields":[
		{"name":"id","type":"string"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
		{"name":"note","type":["null","string"],"default":null}]}`)
	orderUndocumented = must(`{"type":"record","name":"Order","namespace":"shop","fields":[
		{"name":"id","type":"string"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}`)
	payment = must(`{"type":"record","name":"Payment","namespace":"shop","fields":[{"name":"order","type":"string"}]}`)
)

func must(text string, refs ...*schema.Schema) *schema.Schema {
	s, err := schema.Parse(text, refs...)
	if err != nil {
		panic(err)
	}
	return s
}

// newSubject is a name that no earlier run has used.
func newSubject(name string) string { return name + "-" + uuid.NewString() }

// testRegistry is what every Registry must do. open returns one that has none of the subjects used.
func testRegistry(t *testing.T, open func(*testing.T) schema.Registry) {
	register := func(t *testing.T, r schema.Registry, subject string, s *schema.Schema) schema.Version {
		t.Helper()
		v, err := r.Register(t.Context(), subject, s)
		if err != nil {
			t.Fatalf("Register: %v", err)
		}
		if v.Subject != subject || v.ID < 1 || v.Version < 1 || !v.Schema.Equal(s) {
			t.Fatalf("Register = %+v", v)
		}
		return v
	}
	same := func(t *testing.T, got, want schema.Version) {
		t.Helper()
		if got.Subject != want.Subject || got.Version != want.Version || got.ID != want.ID || !got.Schema.Equal(want.Schema) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}

	t.Run("hands out what was registered", func(t *testing.T) {
		r, subject := open(t), newSubject("orders")
		v := register(t, r, subject, order)
		if got, err := r.ByID(t.Context(), v.ID); err != nil || got.String() != order.String() {
			t.Errorf("ByID = %v, %v", got, err)
		}
		got, err := r.Latest(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, v)
	})

	t.Run("registers once what is registered twice", func(t *testing.T) {
		r, subject := open(t), newSubject("orders")
		first := register(t, r, subject, order)
		register(t, r, subject, orderWithNote)
		same(t, register(t, r, subject, order), first)
		if versions, err := r.Versions(t.Context(), subject); err != nil || len(versions) != 2 {
			t.Errorf("Versions = %v, %v, not two", versions, err)
		}
	})

	t.Run("gives one schema one id in all subjects", func(t *testing.T) {
		r := open(t)
		a, b := register(t, r, newSubject("a"), order), register(t, r, newSubject("b"), order)
		if a.ID != b.ID {
			t.Errorf("ids %d and %d", a.ID, b.ID)
		}
		if c := register(t, r, newSubject("c"), payment); c.ID == a.ID {
			t.Error("two schemas have one id")
		}
	})

	t.Run("lists versions oldest first", func(t *testing.T) {
		r, subject := open(t), newSubject("orders")
		want := []schema.Version{register(t, r, subject, order), register(t, r, subject, orderWithNote)}
		got, err := r.Versions(t.Context(), subject)
		if err != nil || len(got) != len(want) {
			t.Fatalf("Versions = %v, %v", got, err)
		}
		for i := range want {
			same(t, got[i], want[i])
		}
		if want[0].Version != 1 || want[1].Version != 2 {
			t.Errorf("versions %d and %d, not 1 and 2", want[0].Version, want[1].Version)
		}
		latest, err := r.Latest(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		same(t, latest, want[1])
	})

	t.Run("looks up by what a schema says", func(t *testing.T) {
		r, subject := open(t), newSubject("orders")
		v := register(t, r, subject, order)
		register(t, r, subject, orderWithNote)
		for name, s := range map[string]*schema.Schema{
			"the same text": order, "another text of it": must(order.String()), "without its docs": orderUndocumented,
		} {
			got, err := r.Lookup(t.Context(), subject, s)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			same(t, got, v)
		}
	})

	t.Run("says what it does not have", func(t *testing.T) {
		r, subject := open(t), newSubject("orders")
		register(t, r, subject, order)
		absent := newSubject("absent")
		for name, ask := range map[string]func() error{
			"ByID":                    func() error { _, err := r.ByID(t.Context(), 1<<31-7); return err },
			"ByGUID":                  func() error { _, err := r.ByGUID(t.Context(), [16]byte{15: 1}); return err },
			"Lookup, no such schema":  func() error { _, err := r.Lookup(t.Context(), subject, orderWithoutDefault); return err },
			"Lookup, no such subject": func() error { _, err := r.Lookup(t.Context(), absent, order); return err },
			"Versions":                func() error { _, err := r.Versions(t.Context(), absent); return err },
			"Latest":                  func() error { _, err := r.Latest(t.Context(), absent); return err },
		} {
			wantError[*schema.NotFoundError](t, name, ask())
		}
		if _, err := r.Register(t.Context(), "", order); err == nil {
			t.Error("a subject without a name was accepted")
		}
	})

	t.Run("takes any name for a subject", func(t *testing.T) {
		r := open(t)
		for _, name := range []string{"a/b", "a+b", "a b", "a%b", "a%2Fb", "a?b=c", "a#b", "a:b", "a\\b", "grün", "a..b", "日本"} {
			subject := newSubject(name)
			v := register(t, r, subject, order)
			got, err := r.Latest(t.Context(), subject)
			if err != nil {
				t.Errorf("%q: %v", subject, err)
				continue
			}
			same(t, got, v)
		}
	})

	t.Run("takes the same schema from many at once", func(t *testing.T) {
		r, subject := open(t), newSubject("orders")
		var (
			wg    sync.WaitGroup
			mu    sync.Mutex
			given = map[string]bool{}
		)
		for range 16 {
			wg.Go(func() {
				v, err := r.Register(context.WithoutCancel(t.Context()), subject, order)
				mu.Lock()
				defer mu.Unlock()
				given[fmt.Sprint(v.ID, v.Version, err)] = true
			})
		}
		wg.Wait()
		if len(given) != 1 || !strings.HasSuffix(fmt.Sprint(given), " 1 <nil>:true]") {
			t.Errorf("outcomes: %v", given)
		}
	})
}

// serve starts an embedded registry that ends with t.
func serve(t *testing.T, cfg server.Config) *httptest.Server {
	t.Helper()
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() {
		srv.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func newClient(t *testing.T, r troupe.Registry, cfg schema.ClientConfig) *schema.Client {
	t.Helper()
	c, err := schema.NewClient(r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
