// Package intake takes orders over HTTP and publishes them.
package intake

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/examples/service/contract"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

// Publisher is what the service needs of a producer.Producer.
type Publisher interface {
	Publish(ctx context.Context, topic, key string, record schema.Record, opts ...producer.Option) error
}

// Service takes orders.
type Service struct {
	Publisher Publisher
	// Topic is where OrderPlaced goes.
	Topic string
}

// Handler serves POST /orders.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.place)
	return mux
}

// place answers 202 once the order is in Kafka, on all in-sync replicas.
func (s *Service) place(w http.ResponseWriter, r *http.Request) {
	var order struct {
		CustomerID string `json:"customer_id"`
		SKU        string `json:"sku"`
		Quantity   int32  `json:"quantity"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if order.CustomerID == "" || order.SKU == "" || order.Quantity < 1 {
		http.Error(w, "customer_id, sku and a quantity of at least 1 are required", http.StatusBadRequest)
		return
	}
	id := orderID(order.CustomerID, r.Header.Get("Idempotency-Key"))
	// Nothing in the event may differ when the same order is posted again (the time
	// does; it is in the event's metadata): one id with two contents is an error.
	err := s.Publisher.Publish(r.Context(), s.Topic, order.CustomerID,
		&contract.OrderPlaced{OrderID: id, CustomerID: order.CustomerID, Sku: order.SKU, Quantity: order.Quantity},
		producer.WithID(id))
	if err != nil {
		// The order may be in Kafka all the same (producer.ErrUnknownFate).
		slog.ErrorContext(r.Context(), "order not published", "order", id, "error", err)
		http.Error(w, "the order could not be taken now: post it again with the same Idempotency-Key", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	json.NewEncoder(w).Encode(map[string]string{"id": id}) // a client that is gone needs no answer
}

// orderID makes the same id, and so the same event, of a customer's order that
// is posted again: whoever reads it absorbs the repeat.
func orderID(customer, key string) string {
	if key == "" {
		return uuid.NewString()
	}
	// A header's value has no line break, so that no two pairs read the same.
	return uuid.NewSHA1(uuid.Nil, []byte(key+"\n"+customer)).String()
}
