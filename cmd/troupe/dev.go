package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/troupetest"
)

// dev is what `troupe dev` was asked for.
type dev struct {
	kafkaPort, redisPort, registryPort int
	data                               string
	topics                             []string
}

func newDev() *cobra.Command {
	var d dev
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Serve Kafka, Redis and a schema registry on this machine",
		Long: `Serve a Kafka-protocol broker, Redis and a Confluent-API schema registry on
localhost, in one process, until Ctrl-C. Any Kafka client, Redis client and
serializer can use them.

They speak the real protocols and are made for development: there is no
replication, no TLS, no authorization, and speed says nothing about the real
ones. Topics are not created by using them: name them with --topics or create
them with a client.

The variables that lead services here go to stdout as export lines, everything
else goes to stderr: troupe dev > env, then . ./env in another terminal.

Without --data everything is gone at the end. With it, topics, records,
committed offsets, schemas and Redis keys are there again at the next start;
when the process is killed, Redis may lack what changed in the last second.

The registry refuses schemas that are incompatible (level BACKWARD until its
API sets another one); troupe schema serve serves a registry alone.`,
		Example: `  troupe dev
  troupe dev --data ~/.troupe --topics orders:4,payments:4
  troupe dev --kafka-port 0 --redis-port 0 --registry-port 0      any free ports`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			topics, err := parseTopics(d.topics)
			if err = errors.Join(err, d.checkPorts()); err != nil {
				return misused(cmd, "%w", err)
			}
			return d.serve(cmd.Context(), topics, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&d.kafkaPort, "kafka-port", 9092, "port of Kafka; 0 takes a free one")
	f.IntVar(&d.redisPort, "redis-port", 6379, "port of Redis; 0 takes a free one")
	f.IntVar(&d.registryPort, "registry-port", 8081, "port of the schema registry; 0 takes a free one")
	f.StringVar(&d.data, "data", "", "directory that keeps the data (default: nothing is kept)")
	f.StringSliceVar(&d.topics, "topics", nil, "topics to create, name:partitions,...; a name alone has 1 partition")
	return cmd
}

// checkPorts makes sure that no port is asked for twice.
func (d dev) checkPorts() error {
	flags := map[int]string{}
	for _, p := range []struct {
		flag string
		port int
	}{{"--kafka-port", d.kafkaPort}, {"--redis-port", d.redisPort}, {"--registry-port", d.registryPort}} {
		switch other := flags[p.port]; {
		case p.port < 0 || p.port > 65535:
			return fmt.Errorf("%s %d is not a port", p.flag, p.port)
		case p.port != 0 && other != "":
			return fmt.Errorf("%s and %s are both %d", other, p.flag, p.port)
		}
		flags[p.port] = p.flag
	}
	return nil
}

// topic is a topic to create.
type topic struct {
	name       string
	partitions int
}

// parseTopics reads name:partitions; a name alone has one partition.
func parseTopics(args []string) ([]topic, error) {
	var topics []topic
	for _, arg := range args {
		name, count, counted := strings.Cut(strings.TrimSpace(arg), ":")
		t := topic{name, 1}
		if counted {
			var err error
			if t.partitions, err = strconv.Atoi(count); err != nil || t.partitions < 1 || t.partitions > 10_000 {
				return nil, fmt.Errorf("--topics %s: %q is not a number of partitions from 1 to 10000", arg, count)
			}
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" || name == "" || name == "." || name == ".." || len(name) > 249 {
			return nil, fmt.Errorf("--topics %s: %q can't be the name of a topic: up to 249 letters, digits, dots, dashes and underscores", arg, name)
		}
		if slices.ContainsFunc(topics, func(o topic) bool { return o.name == name }) {
			return nil, fmt.Errorf("--topics: %s is there twice", name)
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// serve serves until ctx ends, which is not an error.
func (d dev) serve(ctx context.Context, topics []topic, out, errs io.Writer) (err error) {
	if d.data == "" {
		fmt.Fprintln(errs, "Starting; nothing will be kept (--data DIR would).")
	} else {
		fmt.Fprintln(errs, "Starting with the data in "+d.data+".")
	}
	s, err := troupetest.Start(ctx, troupetest.Options{
		Embedded:  true,
		KafkaPort: d.kafkaPort, RedisPort: d.redisPort, RegistryPort: d.registryPort,
		Dir: d.data,
		Log: slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return portError(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, t := range topics {
		said, err := createTopic(ctx, s, t)
		if err != nil {
			return err
		}
		fmt.Fprintln(errs, said)
	}
	if _, err := fmt.Fprint(out, exports(s)); err != nil {
		return fmt.Errorf("print the variables: %w", err)
	}
	fmt.Fprint(errs, greeting())
	<-ctx.Done()
	fmt.Fprintln(errs, "Stopping.")
	return nil
}

// createTopic creates a topic unless an earlier run did, and says what there is now.
func createTopic(ctx context.Context, s *troupetest.Services, t topic) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = s.CreateTopic(ctx, t.name, t.partitions, nil)
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Sprintf("Topic %s: %s.", t.name, partitions(t.partitions)), err
	}
	client, err := broker.New(s.Kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer client.Close()
	there, err := client.Topic(ctx, t.name)
	if err != nil {
		return "", fmt.Errorf("look at topic %s: %w", t.name, err)
	}
	said = fmt.Sprintf("Topic %s: %s, from an earlier run.", t.name, partitions(len(there.Leaders)))
	if len(there.Leaders) != t.partitions {
		said = fmt.Sprintf("Topic %s: it has %s from an earlier run and stays so, though --topics says %d.", t.name, partitions(len(there.Leaders)), t.partitions)
	}
	return said, nil
}

func partitions(n int) string {
	if n == 1 {
		return "1 partition"
	}
	return fmt.Sprintf("%d partitions", n)
}

// portError names the flag that helps when a port is taken.
func portError(err error) error {
	var taken *troupetest.PortTakenError
	if !errors.As(err, &taken) {
		return err
	}
	flag := map[string]string{"Kafka": "--kafka-port", "Redis": "--redis-port", "registry": "--registry-port"}[taken.Service]
	return fmt.Errorf("port %d is in use by another process: end that one, or choose another port for %s with %s (0 takes a free one)",
		taken.Ports[0], taken.Service, flag)
}

// exports are the lines for a shell that lead services here.
func exports(s *troupetest.Services) string {
	var b strings.Builder
	for _, line := range s.Environ() {
		fmt.Fprintln(&b, "export", line)
	}
	return b.String()
}

// greeting says what to do next, which is something else in a checkout of troupe than in one of whoever uses it.
func greeting() string {
	first := `  go run ./cmd/yours                    your services, which troupe.FromEnv leads here
  troupe dlq ls                         what one of them could not handle
`
	if isFile("examples/quickstart/main.go") {
		first = `  go run ./examples/quickstart          four services that react to each other's events
  troupe dlq ls --group payments        what one of them could not handle
`
	}
	return "\nReady; Ctrl-C ends it. In another terminal, after the export lines:\n\n" + first +
		"  troupe schema check                   who breaks when a schema that you changed goes live\n"
}
