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
		{"nope", 2, `unknown command "nope"`},
		{"--nope", 2, "unknown flag: --nope"},
		{"dev nope", 2, `unknown command "nope"`},
		{"dev --nope", 2, "unknown flag"},
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
