// Command ready returns when the services of .ci/services can be used, which is
// later than their ports are open: Kafka when a topic is created, written to
// with acks=all and read by a group; Redis when it answers; the registry when it
// lists subjects, and checks compatibility as Confluent's would (Apicurio does
// not until it is told to).
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func main() {
	var (
		brokers  = flag.String("brokers", "", "host:port of Kafka")
		sasl     = flag.String("sasl-broker", "", "host:port of Kafka's TLS and SCRAM-SHA-512 listener")
		ca       = flag.String("ca", "", "PEM file of the authority behind -sasl-broker")
		user     = flag.String("user", "", "user at -sasl-broker")
		password = flag.String("password", "", "password of -user")
		cache    = flag.String("redis", "", "redis:// URL")
		registry = flag.String("registry", "", "root URL of the registry")
		timeout  = flag.Duration("timeout", 2*time.Minute, "how long to wait")
	)
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	began := time.Now()
	check := func(what, address string, try func(context.Context) error) {
		if address == "" {
			return
		}
		if err := retry(ctx, try); err != nil {
			fmt.Fprintf(os.Stderr, "ready: %s at %s: %v\n", what, address, err)
			os.Exit(1)
		}
		fmt.Fprintf(os.Stderr, "%s is ready after %.1f s\n", what, time.Since(began).Seconds())
	}
	check("Redis", *cache, func(ctx context.Context) error { return redisReady(ctx, *cache) })
	check("Kafka", *brokers, func(ctx context.Context) error { return kafkaReady(ctx, kgo.SeedBrokers(*brokers)) })
	check("Kafka's TLS and SCRAM port", *sasl, func(ctx context.Context) error {
		roots := x509.NewCertPool()
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return err
		}
		roots.AppendCertsFromPEM(pem)
		return kafkaReady(ctx, kgo.SeedBrokers(*sasl),
			kgo.DialTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}),
			kgo.SASL(scram.Auth{User: *user, Pass: *password}.AsSha512Mechanism()))
	})
	check("The registry", *registry, func(ctx context.Context) error { return registryReady(ctx, *registry) })
}

// retry calls try until it succeeds; each call has 10 s.
func retry(ctx context.Context, try func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := try(once)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func kafkaReady(ctx context.Context, opts ...kgo.Opt) error {
	const topic, group = "troupe-ci-ready", "troupe-ci-ready"
	opts = append(opts, kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.MetadataMinAge(50*time.Millisecond))
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 5000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 1, -1
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create a topic: %w", err)
	}
	if err := cl.ProduceSync(ctx, kgo.StringRecord("ready?")).FirstErr(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	for {
		fetched := cl.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			return fmt.Errorf("read as a group: %w", err)
		}
		if fetched.NumRecords() > 0 {
			return cl.CommitUncommittedOffsets(ctx)
		}
	}
}

func redisReady(ctx context.Context, url string) error {
	o, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	cl := redis.NewClient(o)
	defer cl.Close()
	return cl.Ping(ctx).Err()
}

func registryReady(ctx context.Context, url string) error {
	if err := call(ctx, http.MethodGet, url+"/subjects", ""); err != nil {
		return err
	}
	return call(ctx, http.MethodPut, url+"/config", `{"compatibility":"BACKWARD"}`)
}

func call(ctx context.Context, method, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, said)
	}
	return err
}
