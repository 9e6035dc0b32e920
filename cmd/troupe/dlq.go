package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/internal/broker"
)

// The exit codes of troupe dlq, beside 0 for success and 1 for any other error.
const (
	exitUsage       = 2
	exitPartial     = 3
	exitDenied      = 4
	exitInterrupted = 130
)

// dlqError is an error with the exit code it stands for.
type dlqError struct {
	code int
	err  error
}

func (e *dlqError) Error() string { return e.err.Error() }
func (e *dlqError) Unwrap() error { return e.err }

// ExitCode is the status that the process ends with.
func (e *dlqError) ExitCode() int { return e.code }

func usage(format string, args ...any) error {
	return &dlqError{exitUsage, fmt.Errorf(format, args...)}
}

// dlqOptions are the flags of every dlq command.
type dlqOptions struct {
	brokers  []string
	registry string
	timeout  time.Duration
	now      func() time.Time
	// width is that of the terminal that w is; 0 when it is none.
	width func(w io.Writer) int
}

// newDLQ returns the command that reads dead letters.
func newDLQ() *cobra.Command {
	o := &dlqOptions{now: time.Now, width: terminalWidth}
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look at dead letters: the events that could not be handled",
		Long: `Look at dead letters: the events that could not be handled.

The letters of a consumer group are in the topic dlq.<group>. Nothing here
changes anything: no group is joined, no offset committed, no record written.

Data goes to stdout, words go to stderr. Exit codes: 0 ok, 1 error, 2 usage,
3 not everything could be read, 4 access denied, 130 interrupted.

TLS, SASL and the rest come from the TROUPE_* variables.`,
		Example: `  troupe dlq ls --group payments --since 6h
  troupe dlq show 74wgqwkc5gcqx08n`,
		Args: subcommand,
		RunE: help,
	}
	cmd.PersistentFlags().StringSliceVar(&o.brokers, "brokers", nil, "Kafka brokers, host:port,host:port (default $TROUPE_BROKERS)")
	cmd.PersistentFlags().StringVar(&o.registry, "registry", "", "schema registry URL (default $TROUPE_REGISTRY)")
	cmd.PersistentFlags().DurationVar(&o.timeout, "timeout", 10*time.Second, "how long to wait for an answer of the cluster")
	cmd.AddCommand(newDLQLs(o), newDLQShow(o))
	return cmd
}

// settings are the environment's, with the flags over them. What is wrong with
// the registry matters where needed says so.
func (o *dlqOptions) settings(registry needed) (troupe.Settings, error) {
	flags := map[string]struct{ name, value string }{
		"TROUPE_BROKERS":  {"--brokers", strings.Join(o.brokers, ",")},
		"TROUPE_REGISTRY": {"--registry", o.registry},
	}
	s, err := troupe.FromLookup(func(variable string) string {
		return cmp.Or(flags[variable].value, os.Getenv(variable))
	})
	var wrong []error
	for _, err := range each(err) {
		var setting *troupe.SettingError
		if errors.As(err, &setting) {
			flag := flags[setting.Variable]
			switch {
			case flag.value != "":
				err = fmt.Errorf("%s: %w", flag.name, setting.Err)
			case strings.HasPrefix(setting.Variable, "TROUPE_REDIS"), !bool(registry) && strings.HasPrefix(setting.Variable, "TROUPE_REGISTRY"):
				continue
			}
		}
		wrong = append(wrong, err)
	}
	if len(wrong) > 0 {
		return s, &dlqError{exitUsage, errors.Join(wrong...)}
	}
	if len(s.Kafka.Brokers) == 0 {
		return s, usage("no Kafka brokers: set TROUPE_BROKERS or --brokers to host:port")
	}
	return s, nil
}

// needed says whether a command uses the registry.
type needed bool

// each returns the errors that err joins.
func each(err error) []error {
	switch e := err.(type) {
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return []error{err}
}

func (o *dlqOptions) reader(s troupe.Settings) (*dlq.Reader, error) {
	if o.timeout <= 0 {
		return nil, usage("--timeout %v is not positive", o.timeout)
	}
	r, err := dlq.NewReader(dlq.ReaderConfig{Kafka: s.Kafka, Timeout: o.timeout, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, &dlqError{exitUsage, err}
	}
	return r, nil
}

// explain gives err, which reading a group's letters ended with, its exit code
// and the words that help.
func explain(ctx context.Context, r *dlq.Reader, group string, err error) error {
	var incomplete *dlq.IncompleteError
	switch {
	case ctx.Err() != nil:
		return &dlqError{exitInterrupted, fmt.Errorf("interrupted: %w", err)}
	case errors.Is(err, dlq.ErrNoTopic):
		return fmt.Errorf("group %q has no letter topic (%s); %s", group, dlq.Topic(group), groupsWithLetters(ctx, r))
	case broker.Denied(err):
		return &dlqError{exitDenied, err}
	case errors.As(err, &incomplete):
		return &dlqError{exitPartial, err}
	case errors.As(err, new(*net.OpError)): // nobody listens, or there is no such host
		return fmt.Errorf("%w; is Kafka up, and are TROUPE_BROKERS or --brokers right?", err)
	}
	return err
}

func groupsWithLetters(ctx context.Context, r *dlq.Reader) string {
	groups, err := r.Groups(ctx)
	switch {
	case err != nil:
		return "which groups have one can't be found out: " + err.Error()
	case len(groups) == 0:
		return "no group has one"
	}
	return "groups that have one: " + strings.Join(groups, ", ")
}
