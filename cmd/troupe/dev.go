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

Without --data everything is gone at the end. With it, topics, records,
committed offsets, schemas and Redis keys are there again at the next start;
when the process is killed, Redis may lack what changed in the last second.`,
		Example: `  troupe dev
  troupe dev --data ~/.troupe --topics orders:4,payments:4
  troupe dev --kafka-port 0 --redis-port 0 --registry-port 0      any free ports`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			topics, err := parseTopics(d.topics)
			if err != nil {
				return usage("%w", err)
			}
			return d.serve(cmd.Context(), topics, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&d.kafkaPort, "kafka-port", 9092, "port of Kafka; 0 takes a free one")
	f.IntVar(&d.redisPort, "redis-port", 6379, "port of Redis; 0 takes a free one")
	f.IntVar(&d.registryPort, "registry-port", 8081, "port of the schema registry; 0 takes a free one")
	f.StringVar(&d.data, "data", "", "directory that keeps the data (default: nothing is kept)")
	f.StringSliceVar(&d.topics, "topics", nil, "topics to create, name:partitions,...")
	return cmd
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
		if err := createTopic(ctx, s, t); err != nil {
			return err
		}
	}
	fmt.Fprint(out, greeting(s, topics))
	<-ctx.Done()
	fmt.Fprintln(errs, "Stopping.")
	return nil
}

// createTopic creates a topic unless an earlier run did.
func createTopic(ctx context.Context, s *troupetest.Services, t topic) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := s.CreateTopic(ctx, t.name, t.partitions, nil)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
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

func greeting(s *troupetest.Services, topics []topic) string {
	var b strings.Builder
	for _, line := range s.Environ() {
		fmt.Fprintln(&b, "export", line)
	}
	var names []string
	for _, t := range topics {
		names = append(names, t.name)
	}
	if len(names) > 0 {
		fmt.Fprintln(&b, "\nTopics:", strings.Join(names, ", "))
	}
	b.WriteString(`
Ready; Ctrl-C ends it. In another terminal, after the export lines:

  go run ./examples/quickstart          four services that react to each other's events
  troupe dlq ls --group payments        what one of them could not handle
`)
	return b.String()
}
