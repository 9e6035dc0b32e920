package dlq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

func ExampleWriter() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer services.Close()

	letters, err := dlq.NewWriter(dlq.Config{Kafka: services.Kafka})
	if err != nil {
		log.Fatal(err)
	}
	defer letters.Close()
	if err := letters.Provision(ctx, "payments", "orders"); err != nil {
		log.Fatal(err)
	}
	// A consumer does this for an event that it could not handle.
	err = letters.Put(ctx, dlq.Failure{
		Record:  event.Record{Topic: "orders", Partition: 0, Offset: 1207, Value: []byte("{}")},
		Group:   "payments",
		Handler: "charge",
		Class:   "decode",
		Cause:   errors.New("unknown magic byte"),
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleReader_List() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer services.Close()
	fail(ctx, services, "payments", "orders", 1207)

	reader, err := dlq.NewReader(dlq.ReaderConfig{Kafka: services.Kafka})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	listing := reader.List(ctx, dlq.Query{Group: "payments", Since: time.Now().Add(-time.Hour)})
	for letter, err := range listing.All() {
		if err != nil {
			log.Fatal(err) // what was listed is true, but there may be more
		}
		fmt.Println(letter.ID, letter.Source, letter.Class, letter.Message)
	}
	fmt.Println(listing.Scanned())
	// Output:
	// rsr4kkzvvt2ng2gm orders/0@1207 decode unknown magic byte
	// 1 1
}

// fail dead-letters one event.
func fail(ctx context.Context, s *troupetest.Services, group, topic string, offset int64) {
	letters, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka})
	if err != nil {
		log.Fatal(err)
	}
	defer letters.Close()
	if err := letters.Provision(ctx, group, topic); err != nil {
		log.Fatal(err)
	}
	err = letters.Put(ctx, dlq.Failure{
		Record: event.Record{Topic: topic, Offset: offset, Value: []byte("{}")},
		Group:  group, Handler: "charge", Class: "decode", Cause: errors.New("unknown magic byte"),
	})
	if err != nil {
		log.Fatal(err)
	}
}
