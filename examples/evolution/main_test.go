package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun_BothVersionsAreSeenAndTheBreakingOneDoesNotStart(t *testing.T) {
	var out bytes.Buffer
	topic := troupetest.Name(t)
	if err := run(t.Context(), &out, topic); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), topic, "orders")
	got = regexp.MustCompile(`\(id \d+\)`).ReplaceAllString(got, "(id N)")
	const want = `oven, which knows version 1:  o-1 for 350, ordered by COUNTER
oven, which knows version 1:  o-2 for 1200, ordered by OTHER
books, which know version 2:  o-1 for 350 EUR, ordered by COUNTER
books, which know version 2:  o-2 for 1200 CHF, ordered by WEB
the shop's next release: prepare to publish to orders: schema of bakery.orders.OrderPlaced under subject orders-bakery.orders.OrderPlaced: the schema breaks FULL_TRANSITIVE compatibility:
  consumers that get the new schema can't read events of version 2 (id N):
    TYPE_MISMATCH at bakery.orders.OrderPlaced.order_id (/fields/0/type): the writer has string, the reader long
    READER_FIELD_MISSING_DEFAULT_VALUE at bakery.orders.OrderPlaced.total (/fields/1): the writer has no such field, and the reader (string) has no default for it
  consumers that have version 2 (id N) can't read the new events:
    TYPE_MISMATCH at bakery.orders.OrderPlaced.order_id (/fields/0/type): the writer has long, the reader string
    READER_FIELD_MISSING_DEFAULT_VALUE at bakery.orders.OrderPlaced.total_cents (/fields/1): the writer has no such field, and the reader (long) has no default for it
  consumers that get the new schema can't read events of version 1 (id N):
    TYPE_MISMATCH at bakery.orders.OrderPlaced.order_id (/fields/0/type): the writer has string, the reader long
    READER_FIELD_MISSING_DEFAULT_VALUE at bakery.orders.OrderPlaced.total (/fields/1): the writer has no such field, and the reader (string) has no default for it
  consumers that have version 1 (id N) can't read the new events:
    TYPE_MISMATCH at bakery.orders.OrderPlaced.order_id (/fields/0/type): the writer has long, the reader string
    READER_FIELD_MISSING_DEFAULT_VALUE at bakery.orders.OrderPlaced.total_cents (/fields/1): the writer has no such field, and the reader (long) has no default for it
Change the schema so that both can be read, or give the new one a new record name.
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
