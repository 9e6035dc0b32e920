package main

import (
	"bytes"
	"context"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
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
		{"dlq show", 2, "needs the id of one letter, as troupe dlq ls lists it, but got none; see troupe dlq show --help"},
		{"dlq show a b", 2, "but got 2 arguments; see troupe dlq show --help"},
		{"dlq show a b c", 2, "but got 3 arguments; see troupe dlq show --help"},
		{"dlq get x", 2, "did you mean troupe dlq show?"},
		{"schema get", 2, "needs a subject, SUBJECT@VERSION, id:N or guid:UUID, but got none; see troupe schema get --help"},
		{"schema diff a", 2, "needs two schemas, the old one and the new one, but got 1 argument; see"},
		{"schema explain a b", 2, "takes at most one rule, but got 2 arguments; see"},
		{"schema validate", 2, "did you mean troupe schema check?"},
		{"schema list", 2, "troupe schema ls?"},
		{"schema help check", 0, ""},
		{"schema help chek", 2, "did you mean troupe schema check?"},
		{"help schema check", 0, ""},
		{"help schema chek", 2, `troupe schema has no command "chek"; did you mean troupe schema check?; see troupe schema --help`},
		{"help nope", 2, `troupe has no command "nope"; see troupe --help`},
		{"completion", 0, ""},
		{"completion bash", 0, ""},
		{"completion tcsh", 2, `troupe completion has no command "tcsh"; did you mean troupe completion bash`},
		{"schema ls --timeout soon", 2, `--timeout "soon" is not a time span such as 500ms, 5s or 2m; see troupe schema ls --help`},
		{"dev --kafka-port 6379", 2, "--kafka-port and --redis-port are both 6379; see troupe dev --help"},
		{"dev --redis-port 70000", 2, "--redis-port 70000 is not a port"},
		{"dev --kafka-port x", 2, `--kafka-port "x" is not a number; see troupe dev --help`},
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

func TestVersion_NamesTheCommitWhereThereIsNoVersion(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]debug.BuildInfo{
		"v1.2.3 (go1)": {Main: debug.Module{Version: "v1.2.3"}, Settings: commit},
		"development at 0123456789ab, modified (go1)": {Main: debug.Module{Version: "(devel)"}, Settings: commit},
		"development at 0123456789ab (go1)":           {Settings: commit[:1]},
		"development (go1)":                           {},
	} {
		info.GoVersion = "go1"
		if got := versionOf(&info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestHelp_NamesTheExitCodes(t *testing.T) {
	for _, args := range []string{"--help", "schema --help", "dlq --help", "schema check --help", "schema lint --help"} {
		var out, errs bytes.Buffer
		if run(context.Background(), strings.Fields(args), strings.NewReader(""), &out, &errs); !strings.Contains(out.String(), "Exit codes: 0 ") {
			t.Errorf("%s: %s", args, &out)
		}
	}
}

func everyCommand() []*cobra.Command {
	root := newRoot()
	addCompletion(root)
	return commands(root)
}

func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

func TestHelp_OfEveryCommandHasAnExample(t *testing.T) {
	for _, cmd := range everyCommand() {
		var out, errs bytes.Buffer
		code := run(context.Background(), append(strings.Fields(cmd.CommandPath())[1:], "--help"), strings.NewReader(""), &out, &errs)
		if code != 0 || errs.Len() > 0 {
			t.Errorf("%s --help exits %d: %s", cmd.CommandPath(), code, &errs)
		}
		if !strings.Contains(out.String(), "\nExamples:\n  ") || !strings.Contains(out.String(), "\nUsage:\n  ") {
			t.Errorf("%s --help has no usage or no example:\n%s", cmd.CommandPath(), &out)
		}
	}
}

// One line on stderr that says where to read on, nothing on stdout.
func TestEveryCommand_AnswersASlipInOneLine(t *testing.T) {
	for _, cmd := range everyCommand() {
		path := strings.Fields(cmd.CommandPath())[1:]
		slips := [][]string{{"--no-such-flag"}, {"-Z"}}
		if cmd.HasSubCommands() {
			slips = append(slips, []string{"no-such-command"}, []string{"no-such-command", "b"}, []string{""})
		}
		for _, slip := range slips {
			var out, errs bytes.Buffer
			code := run(context.Background(), append(slices.Clone(path), slip...), strings.NewReader(""), &out, &errs)
			if said := errs.String(); code != 2 || out.Len() > 0 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "; see troupe") || !strings.HasSuffix(said, " --help\n") {
				t.Errorf("%s %q exits %d: stdout %q, stderr %q", cmd.CommandPath(), slip, code, &out, &errs)
			}
		}
	}
}

// At a terminal a read of stdin would wait for the next line.
func TestRun_InterruptsWhatWaitsForStdin(t *testing.T) {
	inDirectory(t, map[string]string{"v1.avsc": orderV1})
	for _, args := range []string{"schema resolve v1.avsc v1.avsc --datum -", "schema diff - v1.avsc", "schema lint -"} {
		ctx, cancel := context.WithCancel(context.Background())
		stdin, keyboard := io.Pipe()
		asked := make(chan struct{})
		var out, errs bytes.Buffer
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, strings.Fields(args), &interruptible{ctx: ctx, r: signalled{stdin, asked}}, &out, &errs)
		}()
		<-asked
		cancel()
		if code := <-ended; code != 130 || out.Len() > 0 || !strings.HasPrefix(errs.String(), "troupe: interrupted: ") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s exits %d: stdout %q, stderr %q", args, code, &out, &errs)
		}
		keyboard.Close()
	}
}

// signalled says once that it is read.
type signalled struct {
	r     io.Reader
	asked chan struct{}
}

func (s signalled) Read(b []byte) (int, error) {
	close(s.asked)
	return s.r.Read(b)
}
