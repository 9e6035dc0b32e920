// Package service_test runs both programs as the processes that they are.
package service_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPrograms(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin, "./orders", "./stock").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("ReserveAnOrderAndStopWhenTold", func(t *testing.T) { reserveAnOrder(t, bin) })
	t.Run("SayWhichSettingsAreMissing", func(t *testing.T) { missSettings(t, bin) })
}

func reserveAnOrder(t *testing.T, bin string) {
	s := troupetest.New(t)
	orders, stock, group := s.Topic(t, 4), s.Topic(t, 4), s.Group(t)
	env := append(os.Environ(), s.Environ()...)
	stopStock, _ := start(t, env, filepath.Join(bin, "stock"), "-dev", "-group", group, "-orders", orders, "-topic", stock)
	stopOrders, url := start(t, env, filepath.Join(bin, "orders"), "-dev", "-listen", "127.0.0.1:0", "-topic", orders)

	posted, err := http.Post(url, "application/json", strings.NewReader(`{"customer_id": "ada", "sku": "tea", "quantity": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	defer posted.Body.Close()
	var order struct{ ID string }
	if err := json.NewDecoder(posted.Body).Decode(&order); err != nil || posted.StatusCode != http.StatusAccepted {
		t.Fatal(posted.Status, err)
	}
	s.WaitCommitted(t, group, orders)
	reserved := s.Records(t, stock)
	if len(reserved) != 1 || reserved[0].Headers.Get("ce_causationid") != order.ID || reserved[0].Headers.Get("ce_type") != "store.stock.StockReserved" {
		t.Errorf("order %s caused %v", order.ID, reserved)
	}
	stopOrders()
	stopStock()
}

func missSettings(t *testing.T, bin string) {
	for program, want := range map[string]string{"orders": "TROUPE_BROKERS and TROUPE_REGISTRY must be set", "stock": "TROUPE_REDIS"} {
		cmd := exec.Command(filepath.Join(bin, program))
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
			t.Errorf("%s: exit code %d, %s", program, cmd.ProcessState.ExitCode(), out)
		}
	}
}

// start runs a program and returns when it says that it is ready, with the url
// that it says then. stop sends SIGTERM and wants it to end with exit code 0.
func start(t *testing.T, env []string, program string, args ...string) (stop func(), url string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = env
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	lines := bufio.NewScanner(io.TeeReader(stderr, &log))
	t.Cleanup(func() { // no effect after stop, but for the log
		cmd.Process.Kill()
		for lines.Scan() {
		}
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s\n%s", program, &log)
		}
	})
	var line struct{ Msg, URL string }
	for line.Msg != "ready" {
		if !lines.Scan() {
			t.Fatalf("%s ended: %v", program, cmd.Wait())
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
	}
	return func() {
		t.Helper()
		cmd.Process.Signal(syscall.SIGTERM)
		for lines.Scan() { // until it has closed its end
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", program, err)
		}
	}, line.URL
}
