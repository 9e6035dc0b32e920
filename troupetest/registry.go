package troupetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema/server"
)

// registry is the embedded schema registry.
type registry struct {
	schemas *server.Server
	port    int
	release func() // gives up the port

	mu     sync.Mutex
	http   *http.Server // nil while stopped
	served chan error
}

func startRegistry(dir string, o Options) (*registry, error) {
	schemas, err := server.New(server.Config{Directory: dir})
	if err != nil {
		return nil, err
	}
	r := &registry{schemas: schemas, port: o.RegistryPort, release: func() {}}
	if r.port == 0 {
		if r.port, r.release, err = takePort(); err != nil {
			return nil, errors.Join(err, schemas.Close())
		}
	}
	if err := r.start(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *registry) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.http != nil {
		return nil
	}
	l, err := net.Listen("tcp", r.address())
	if err != nil {
		return startError("registry", []int{r.port}, err)
	}
	h, served := &http.Server{Handler: r.schemas, ReadHeaderTimeout: 10 * time.Second}, make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	r.http, r.served = h, served
	return nil
}

// stop breaks the connections, also those with a request under way.
func (r *registry) stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.http == nil {
		return nil
	}
	err := r.http.Close()
	if served := <-r.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	r.http = nil
	return err
}

func (r *registry) close() error {
	defer r.release()
	return errors.Join(r.stop(), r.schemas.Close())
}

func (r *registry) address() string { return local(r.port) }

// StopRegistry stops the embedded registry: connections break, the port is
// closed, the schemas are kept. It skips tb on a real registry; Proxy has faults
// that work there too.
func (s *Services) StopRegistry(tb testing.TB) {
	tb.Helper()
	s.needRegistry(tb)
	if err := s.registry.stop(); err != nil {
		tb.Fatal(err)
	}
}

// StartRegistry starts the embedded registry again, on the same port, with its schemas.
func (s *Services) StartRegistry(tb testing.TB) {
	tb.Helper()
	s.needRegistry(tb)
	if err := retryBind(s.registry.start); err != nil {
		tb.Fatal(err)
	}
}

func (s *Services) needRegistry(tb testing.TB) {
	tb.Helper()
	if s.registry == nil {
		tb.Skip("needs the embedded registry: TROUPE_REGISTRY names a real one")
	}
}

func pingRegistry(ctx context.Context, g troupe.Registry) error {
	fail := func(err error) error {
		return fmt.Errorf("reach the registry at TROUPE_REGISTRY=%s: %w", g.URL, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(g.URL, "/")+"/subjects", nil)
	if err != nil {
		return fail(err)
	}
	if g.Username != "" {
		req.SetBasicAuth(g.Username, g.Password)
	} else if g.Token != "" {
		req.Header.Set("Authorization", "Bearer "+g.Token)
	}
	t := &http.Transport{TLSClientConfig: g.TLS, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: t, Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fail(errors.New(resp.Status))
	}
	return nil
}

// local is the address of a port of this machine.
func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
