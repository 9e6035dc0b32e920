package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

// startDev runs troupe dev on free ports, until stop or the end of t, and
// sets the variables that it says to export, and nothing else on stdout. What
// it says on stderr is what stop returns.
func startDev(t *testing.T, args ...string) (stop func() (stderr string)) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TROUPE_") {
			t.Setenv(name, "")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		args := append([]string{"dev", "--kafka-port", "0", "--redis-port", "0", "--registry-port", "0"}, args...)
		ended <- run(ctx, args, strings.NewReader(""), w, &errs)
		w.Close()
	}()
	stop = sync.OnceValue(func() string {
		cancel()
		rest, _ := io.ReadAll(r)
		if code := <-ended; code != 0 || len(rest) > 0 {
			t.Errorf("exit code %d after Ctrl-C, stdout says more: %q, stderr: %s", code, rest, &errs)
		}
		return errs.String()
	})
	t.Cleanup(func() { stop() })
	lines := bufio.NewScanner(r)
	for _, want := range []string{"TROUPE_BROKERS", "TROUPE_REDIS", "TROUPE_REGISTRY"} {
		if !lines.Scan() {
			t.Fatalf("it ended before it was ready: %s", &errs)
		}
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if !strings.HasPrefix(lines.Text(), "export ") || name != want {
			t.Fatalf("stdout says %q, not export %s", lines.Text(), want)
		}
		t.Setenv(name, value)
	}
	return stop
}

func TestDev_KeepsTopicsAndRecordsInItsDirectory(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	stop := startDev(t, "--data", data, "--topics", "orders:3,audit")
	s := troupetest.New(t)
	if kafka, redis, registry := s.Embedded(); kafka || redis || registry {
		t.Fatal("troupe dev did not say how to reach all services")
	}
	s.Produce(t, event.Record{Topic: "orders", Partition: 2, Value: []byte("kept")}, event.Record{Topic: "audit"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	said := stop()
	if !strings.Contains(said, "Topic orders: 3 partitions.\n") || !strings.Contains(said, "Topic audit: 1 partition.\n") || !strings.Contains(said, "Ready;") {
		t.Errorf("stderr is %s", said)
	}

	stop = startDev(t, "--data", data, "--topics", "orders:5,audit")
	s = troupetest.New(t)
	if got := s.Records(t, "orders"); len(got) != 1 || string(got[0].Value) != "kept" {
		t.Errorf("records after a restart: %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	said = stop()
	if !strings.Contains(said, "Topic orders: it has 3 partitions from an earlier run and stays so, though --topics says 5.\n") || !strings.Contains(said, "Topic audit: 1 partition, from an earlier run.\n") {
		t.Errorf("stderr is %s", said)
	}
}

func TestDev_NamesTheQuickstartWhereItIs(t *testing.T) {
	inDirectory(t, map[string]string{"main.go": ""})
	if said := greeting(); strings.Contains(said, "quickstart") || !strings.Contains(said, "troupe dlq ls ") {
		t.Errorf("in somebody's own directory: %s", said)
	}
	inDirectory(t, map[string]string{"examples/quickstart/main.go": ""})
	if said := greeting(); !strings.Contains(said, "go run ./examples/quickstart ") {
		t.Errorf("in a checkout: %s", said)
	}
}

func TestDev_NamesTheFlagWhenAPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	for _, flag := range []string{"--kafka-port", "--redis-port", "--registry-port"} {
		t.Run(flag, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := []string{"dev", "--kafka-port", "0", "--redis-port", "0", "--registry-port", "0", flag, taken}
			if code := run(context.Background(), args, strings.NewReader(""), &out, &errs); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !strings.Contains(errs.String(), taken) || !strings.Contains(errs.String(), flag) {
				t.Errorf("the error does not name the port and the flag: %s", &errs)
			}
		})
	}
}

func TestDev_InterruptedBeforeItIsReadyExits130(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	args := []string{"dev", "--kafka-port", "0", "--redis-port", "0", "--registry-port", "0", "--topics", "a"}
	if code := run(ctx, args, strings.NewReader(""), &out, &errs); code != exitInterrupted {
		t.Errorf("exit code %d, want 130: %s", code, &errs)
	}
}
