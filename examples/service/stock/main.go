// Stock reacts to placed orders: it reserves the goods and publishes that it did.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/examples/service/contract"
	"github.com/troupe-go/troupe/examples/service/stock/reserve"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

var (
	group  = flag.String("group", "stock", "consumer group: the same for all processes of this service")
	orders = flag.String("orders", contract.Orders, "topic of the orders")
	topic  = flag.String("topic", contract.Stock, "topic of the reservations")
	dev    = flag.Bool("dev", false, "create the dead letters' topic and register the schema of the events; in production, that is a step of the deployment")
)

// Exit codes: 0 stopped by a signal, 1 failed, 2 wrong flags.
func main() {
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", "stock"))
	dedupe.LogRedis(slog.Default()) // else go-redis writes lines of its own to stderr
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
	if len(settings.Kafka.Brokers) == 0 || settings.Redis == "" || settings.Registry.URL == "" {
		return errors.New("TROUPE_BROKERS, TROUPE_REDIS and TROUPE_REGISTRY must be set: run `troupe dev`, which says to what, or docker compose up (see compose.yaml)")
	}

	registry, err := schema.NewClient(settings.Registry, schema.ClientConfig{})
	if err != nil {
		return err
	}
	defer registry.Close()

	store, err := dedupe.OpenRedis(settings.Redis)
	if err != nil {
		return err
	}
	defer store.Close()

	letters, err := dlq.NewWriter(dlq.Config{Kafka: settings.Kafka})
	if err != nil {
		return err
	}
	defer letters.Close()
	if *dev { // else whoever owns the topics has created dlq.<group> with them
		if err := letters.Provision(ctx, *group, *orders); err != nil {
			return err
		}
	}

	p, err := producer.New(producer.Config{Kafka: settings.Kafka, Registry: registry, Source: "stock", AutoRegister: *dev})
	if err != nil {
		return err
	}
	defer p.Close() // each Publish has waited for its event
	// A missing topic or a refused schema ends the program now, not its first event.
	if err := p.Prepare(ctx, *topic, &contract.StockReserved{}); err != nil {
		return err
	}

	service := &reserve.Service{Publisher: p, Topic: *topic, Shelf: reserve.NewShelf(map[string]int32{"tea": 100, "coffee": 50})}
	c, err := consumer.New(consumer.Config{
		Kafka: settings.Kafka, Registry: registry, Group: *group,
		Dedupe: store, DeadLetters: letters,
	},
		consumer.On(*orders, service.OnOrderPlaced),
	)
	if err != nil {
		return err
	}
	slog.Info("ready", "group", *group)
	err = c.Run(ctx) // until a signal: then running handlers finish and the offsets are committed
	slog.Info("stopped", "stats", c.Stats())
	return err
}
