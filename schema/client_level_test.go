package schema_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
)

// Apicurio does not say which level is in force for a subject that it does not know.
func TestClient_LevelOfAnUnknownSubjectIsTheRegistrys(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		if r.URL.Path != "/config" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code": 40401, "message": "no such subject"}`)
			return
		}
		fmt.Fprint(w, `{"compatibilityLevel": "FULL"}`)
	}))
	t.Cleanup(s.Close)
	c, err := schema.NewClient(troupe.Registry{URL: s.URL}, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if level, err := c.Level(t.Context(), "orders"); err != nil || level != schema.Full {
		t.Errorf("%q, %v", level, err)
	}
}
