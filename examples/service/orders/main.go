// Orders takes orders over HTTP and publishes them as events.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/examples/service/contract"
	"github.com/troupe-go/troupe/examples/service/orders/intake"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

var (
	listen = flag.String("listen", "127.0.0.1:8000", "`address` to serve HTTP on")
	topic  = flag.String("topic", contract.Orders, "topic of the orders")
	dev    = flag.Bool("dev", false, "register the schema of the events; in production, that is a step of the deployment")
)

// Exit codes: 0 stopped by a signal, 1 failed, 2 wrong flags.
func main() {
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", "orders"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx); err != nil {
		slog.Error("failed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	settings, err := troupe.FromEnv()
	if err != nil {
		return err
	}
	if len(settings.Kafka.Brokers) == 0 || settings.Registry.URL == "" {
		return errors.New("TROUPE_BROKERS and TROUPE_REGISTRY must be set: run `troupe dev`, which says to what, or docker compose up (see compose.yaml)")
	}

	registry, err := schema.NewClient(settings.Registry, schema.ClientConfig{})
	if err != nil {
		return err
	}
	defer registry.Close()

	p, err := producer.New(producer.Config{Kafka: settings.Kafka, Registry: registry, Source: "orders", AutoRegister: *dev})
	if err != nil {
		return err
	}
	defer p.Close() // each Publish has waited for its event
	// A missing topic or a refused schema ends the program now, not its first order.
	if err := p.Prepare(ctx, *topic, &contract.OrderPlaced{}); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	service := &intake.Service{Publisher: p, Topic: *topic}
	server := &http.Server{Handler: service.Handler(), ReadTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	slog.Info("ready", "url", "http://"+listener.Addr().String()+"/orders")

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping")
	// Requests under way are still answered; a Publish takes up to a minute at worst.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return server.Shutdown(ctx)
}
