package schema_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

func ExampleNewClient() {
	embedded, err := server.New(server.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer embedded.Close()
	srv := httptest.NewServer(embedded) // in production: Confluent's, Karapace, Apicurio, ...
	defer srv.Close()

	registry, err := schema.NewClient(troupe.Registry{URL: srv.URL}, schema.ClientConfig{Patience: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	ctx := context.Background()
	placed, err := schema.Parse(`{"type": "record", "name": "shop.OrderPlaced", "fields": [{"name": "id", "type": "string"}]}`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := registry.Register(ctx, schema.TopicRecordName("orders", placed.FullName()), placed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s version %d has id %d\n", v.Subject, v.Version, v.ID)

	again, err := registry.ByID(ctx, v.ID) // from memory
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.FullName())
	// Output:
	// orders-shop.OrderPlaced version 1 has id 1
	// shop.OrderPlaced
}

func ExampleMemory() {
	var registry schema.Memory
	ctx := context.Background()
	for _, text := range []string{`"string"`, `{"type": "string"}`, `["null", "string"]`} {
		s, err := schema.Parse(text)
		if err != nil {
			log.Fatal(err)
		}
		v, err := registry.Register(ctx, "names", s)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s is version %d\n", text, v.Version)
	}
	// Output:
	// "string" is version 1
	// {"type": "string"} is version 1
	// ["null", "string"] is version 2
}
