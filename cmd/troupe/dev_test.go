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
	"testing"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

// startDev runs troupe dev on free ports, until stop or the end of t, and
// sets the variables that it says to export.
func startDev(t *testing.T, args ...string) (stop func()) {
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
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d after Ctrl-C: %s", code, &errs)
		}
	}
	t.Cleanup(stop)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if variable, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
		}
		if strings.HasPrefix(lines.Text(), "Ready") {
			go io.Copy(io.Discard, r)
			return stop
		}
	}
	t.Fatalf("it ended before it was ready: %s", &errs)
	return nil
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
	stop()

	startDev(t, "--data", data, "--topics", "orders:3")
	s = troupetest.New(t)
	if got := s.Records(t, "orders"); len(got) != 1 || string(got[0].Value) != "kept" {
		t.Errorf("records after a restart: %v", got)
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
