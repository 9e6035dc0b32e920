package dedupe_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/troupe-go/troupe/dedupe"
)

// An event is claimed before it is handled and marked done after, and is
// recognised when it is delivered again. A consumer does this by itself.
func Example() {
	ctx, store := context.Background(), dedupe.NewMemory()
	payload := []byte("two espresso cups")

	for delivery := range 2 {
		claim := &dedupe.Claim{
			Key:         dedupe.KeyOf("shop/orders", "ord-100001"),
			Fingerprint: dedupe.FingerprintOf(payload),
			Token:       fmt.Sprintf("member-1:7:%d", delivery),
		}
		batch := []*dedupe.Claim{claim}
		if err := store.Claim(ctx, "stock", 30*time.Second, batch); err != nil {
			log.Fatal(err)
		}
		if claim.Outcome != dedupe.Run {
			fmt.Println(claim.Outcome)
			continue
		}
		fmt.Printf("reserve %s\n", payload)
		if err := store.Done(ctx, "stock", 24*time.Hour, batch); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// reserve two espresso cups
	// Duplicate
}

// OpenRedis does not connect; Check says whether the server can be trusted.
func ExampleOpenRedis() {
	store, err := dedupe.OpenRedis("redis://localhost:6379/0?read_timeout=500ms")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if err := store.Check(context.Background()); err != nil {
		log.Println(err) // check Redis at localhost:6379: …
	}
}
