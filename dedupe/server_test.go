package dedupe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// realServer is a real redis-server, for what an embedded one can't show: processes
// that die, memory that runs out, roles, ACLs, a cluster.
type realServer struct {
	addr string
	args []string
	cmd  *exec.Cmd
}

// startServer starts a redis-server of its own for the test, or skips it where
// none is installed.
func startServer(t *testing.T, args ...string) *realServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("needs redis-server in PATH:", err)
	}
	port := freePort(t)
	s := &realServer{addr: local(port), args: append([]string{
		"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--loglevel", "warning",
	}, args...)}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

var lastPort atomic.Int32

func init() { lastPort.Store(rand.Int32N(2000)) }

// freePort returns a port that nobody listens on, nor on that of its cluster
// bus, 10,000 higher, and that no other test is given. Both are below the range
// that outgoing connections use (one that dials a server which is down could
// get that very port, and keep the server from coming back) and that of
// troupetest.
func freePort(t *testing.T) int {
	t.Helper()
	for range 200 {
		port := 8_000 + int(lastPort.Add(1)%2000)
		if isFree(port) && isFree(port+10_000) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", local(port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

func (s *realServer) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := s.client(t)
	await(t, "redis-server at "+s.addr, func() bool { return c.Ping(t.Context()).Err() == nil })
}

// kill is kill -9.
func (s *realServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *realServer) client(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *realServer) do(t *testing.T, command string, more ...any) {
	t.Helper()
	var args []any
	for _, f := range strings.Fields(command) {
		args = append(args, f)
	}
	if err := s.client(t).Do(context.Background(), append(args, more...)...).Err(); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in 15 s: ", what)
		}
	}
}
