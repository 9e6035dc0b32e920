package schema_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
)

func TestClient_SendsCredentialsOnlyOverTLSWhereItBegan(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s over plain HTTP, with Authorization %q", r.URL, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte("[]"))
	}))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer secure.Close()
	c, err := schema.NewClient(troupe.Registry{URL: secure.URL, Username: "u", Password: "secret"}, schema.ClientConfig{Transport: secure.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Subjects(t.Context()); err == nil || !strings.Contains(err.Error(), "leads from https to http://") {
		t.Errorf("error %v", err)
	}
}
