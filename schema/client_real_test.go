package schema_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
)

// realRegistry is the registry that TROUPE_REGISTRY names.
func realRegistry(t *testing.T) troupe.Registry {
	t.Helper()
	settings, err := troupe.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if settings.Registry.URL == "" {
		t.Skip("TROUPE_REGISTRY does not name a real registry")
	}
	return settings.Registry
}

func TestClient_IsARegistryOnARealServer(t *testing.T) {
	where := realRegistry(t)
	testRegistry(t, func(t *testing.T) schema.Registry { return newClient(t, where, schema.ClientConfig{}) })
}

func TestClient_TakesARealRegistrysRefusalAsOne(t *testing.T) {
	where := realRegistry(t)
	c, subject := newClient(t, where, schema.ClientConfig{}), newSubject("orders")
	if _, err := c.Register(t.Context(), subject, order); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, where.URL+"/config/"+subject, strings.NewReader(`{"compatibility":"BACKWARD"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Skipf("the registry can't be told to check: PUT /config answers %s", res.Status)
	}
	_, err = c.Register(t.Context(), subject, orderWithoutDefault) // a new field without a default
	refused := wantError[*schema.IncompatibleError](t, "Register", err)
	if len(refused.Reasons) != 1 || refused.Reasons[0] == "" {
		t.Errorf("no reason: %+v", refused)
	}
	t.Log(err)
}

func TestClient_ResolvesReferencesOfARealRegistry(t *testing.T) {
	where := realRegistry(t)
	money, line := newSubject("money+tax/1"), newSubject("line")
	const text = `{"type":"record","name":"Line","namespace":"shop","fields":[{"name":"price","type":"shop.Money"},{"name":"tax","type":["null","Money"]}]}`
	base := where.URL + "/subjects/"
	defer http.DefaultClient.CloseIdleConnections()
	escaped := strings.ReplaceAll(url.PathEscape(money), "+", "%2B")
	post(t, base+escaped+"/versions", map[string]any{"schema": moneyText})
	post(t, base+line+"/versions", map[string]any{"schema": text,
		"references": []map[string]any{{"name": "shop.Money", "subject": money, "version": 1}}})
	c := newClient(t, where, schema.ClientConfig{})
	v, err := c.Latest(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	whole := must(text, must(moneyText))
	if !v.Schema.Equal(whole) {
		t.Errorf("got %s", v.Schema)
	}
	if got, err := c.Lookup(t.Context(), line, whole); err != nil || got.ID != v.ID {
		t.Errorf("Lookup = %+v, %v, not %+v", got, err, v)
	}
	if got, err := newClient(t, where, schema.ClientConfig{}).ByID(t.Context(), v.ID); err != nil || !got.Equal(whole) {
		t.Errorf("ByID = %v, %v", got, err)
	}
}

const moneyText = `{"type":"record","name":"shop.Money","fields":[{"name":"units","type":"long"}]}`
