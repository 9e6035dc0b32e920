package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun_TellsUsageFromErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"", 0, ""},
		{"--help", 0, ""},
		{"--version", 0, ""},
		{"nope", 2, `troupe has no command "nope"; see troupe --help`},
		{"dlqq", 2, `troupe has no command "dlqq"; did you mean troupe dlq?; see troupe --help`},
		{"version", 2, "troupe --version says the version; see troupe --help"},
		{"--nope", 2, "unknown flag: --nope; see troupe --help"},
		{"dev nope", 2, `troupe dev takes no arguments, but got "nope"; see troupe dev --help`},
		{"dev --bogus", 2, "unknown flag: --bogus; see troupe dev --help"},
		{"dev --topic a", 2, "did you mean --topics?; see troupe dev --help"},
		{"dlq lss", 2, `troupe dlq has no command "lss"; did you mean troupe dlq ls?; see troupe dlq --help`},
		{"dlq ls extra", 2, `troupe dlq ls takes no arguments, but got "extra"; see troupe dlq ls --help`},
		{"dlq ls --grop x", 2, "did you mean --group?"},
		{"dlq show", 2, "needs the id of one letter, as troupe dlq ls lists it, but got 0 arguments; see troupe dlq show --help"},
		{"dlq show a b", 2, "but got 2 arguments; see troupe dlq show --help"},
		{"dev --kafka-port 6379", 2, "--kafka-port and --redis-port are both 6379; see troupe dev --help"},
		{"dev --redis-port 70000", 2, "--redis-port 70000 is not a port"},
		{"dev --kafka-port x", 2, "--kafka-port"},
		{"dev --topics a:0", 2, "number of partitions"},
		{"dev --topics a,a", 2, "twice"},
		{"dev --topics a/b", 2, "can't be the name of a topic"},
		{"dev --data /dev/null/x --kafka-port 0 --redis-port 0 --registry-port 0", 1, "/dev/null"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(context.Background(), strings.Fields(c.args), strings.NewReader(""), &out, &errs)
			if code != c.code {
				t.Errorf("exit code %d, want %d; stderr: %s", code, c.code, &errs)
			}
			if !strings.Contains(errs.String(), c.says) {
				t.Errorf("stderr %q does not say %q", &errs, c.says)
			}
			if code == 0 && (errs.Len() > 0 || out.Len() == 0) {
				t.Errorf("stdout %q, stderr %q", &out, &errs)
			}
			if code == 2 && (out.Len() > 0 || strings.Count(errs.String(), "\n") != 1) {
				t.Errorf("an error is one line on stderr: stdout %q, stderr %q", &out, &errs)
			}
		})
	}
}
