package interop

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const pythonPeer = "testdata/python/peer.py"

// python runs the peer with the interpreter that TROUPE_PYTHON names, or with
// python3 if that can. Whoever names one wants the tests to run, so then what it
// lacks is a failure.
func python(t *testing.T) (before, after []string) {
	t.Helper()
	if _, err := os.Stat(pythonPeer); err != nil { // go test shall know what the result depends on
		t.Fatal(err)
	}
	interpreter := os.Getenv("TROUPE_PYTHON")
	report := t.Fatalf
	if interpreter == "" {
		interpreter, report = "python3", t.Skipf
	}
	if lacks := pythonLacks(); lacks != "" {
		report("%s can't run %s (%s): in a virtual environment, pip install -r internal/interop/testdata/python/requirements.txt, and name its python in TROUPE_PYTHON",
			interpreter, pythonPeer, lacks)
	}
	return []string{interpreter, pythonPeer}, nil
}

// pythonLacks is what the interpreter complains about, "" if it has everything.
var pythonLacks = sync.OnceValue(func() string {
	interpreter := os.Getenv("TROUPE_PYTHON")
	if interpreter == "" {
		interpreter = "python3"
	}
	const imports = "import confluent_kafka.schema_registry.avro, cloudevents.core.bindings.kafka"
	out, err := exec.Command(interpreter, "-c", imports).CombinedOutput()
	if err == nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return err.Error()
})
