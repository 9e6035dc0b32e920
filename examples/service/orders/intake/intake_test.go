package intake

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/service/contract"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// published is a Publisher that keeps the ids.
type published struct {
	ids []string
	err error
}

func (p *published) Publish(_ context.Context, _, _ string, record schema.Record, opts ...producer.Option) error {
	var m event.Meta
	for _, o := range opts {
		o(&m)
	}
	p.ids = append(p.ids, m.ID)
	if order := record.(*contract.OrderPlaced); order.OrderID != m.ID {
		return errors.New("an order's id is its event's")
	}
	return p.err
}

func post(p *published, idempotencyKey, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
	r.Header.Set("Idempotency-Key", idempotencyKey)
	w := httptest.NewRecorder()
	(&Service{Publisher: p, Topic: "orders"}).Handler().ServeHTTP(w, r)
	return w
}

const tea = `{"customer_id": "ada", "sku": "tea", "quantity": 2}`

func TestIntake_AnswersWithTheEventID(t *testing.T) {
	var p published
	w := post(&p, "", tea)
	var answer struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusAccepted || len(p.ids) != 1 || answer.ID != p.ids[0] {
		t.Fatalf("%d %s, published %v", w.Code, w.Body, p.ids)
	}
}

func TestIntake_TheSameOrderPostedAgainIsTheSameEvent(t *testing.T) {
	var p published
	post(&p, "k-1", tea)
	post(&p, "k-1", tea)
	post(&p, "k-1", strings.Replace(tea, "ada", "bob", 1))
	post(&p, "k-2", tea)
	if p.ids[0] != p.ids[1] || p.ids[0] == p.ids[2] || p.ids[0] == p.ids[3] {
		t.Fatal(p.ids)
	}
}

func TestIntake_SaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]int{
		`{`: http.StatusBadRequest,
		`{"customer_id": "ada", "sku": "tea", "quantity": 0}`: http.StatusBadRequest,
		tea: http.StatusServiceUnavailable,
	} {
		if w := post(&published{err: producer.ErrUnknownFate}, "", body); w.Code != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}
