package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

const (
	v1    = `{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string"}]}`
	v2    = `{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string"},{"name":"note","type":["null","string"],"default":null}]}`
	other = `{"type":"record","name":"shop.Payment","fields":[{"name":"amount","type":"long"}]}`
)

// api is a registry and how to talk to it.
type api struct {
	*testing.T
	url string
}

func start(t *testing.T, cfg server.Config) api {
	t.Helper()
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.Close(); s.Close() })
	return api{t, srv.URL}
}

// call sends a request ("GET /subjects") and returns the status and the JSON of the answer.
func (a api) call(request, body string) (int, string) {
	a.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(a.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		a.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); got != "application/vnd.schemaregistry.v1+json" {
		a.Errorf("%s: content type %q", request, got)
	}
	return res.StatusCode, string(bytes.TrimSpace(b))
}

// says fails unless the answer has this JSON; a number is the error_code to expect.
func (a api) says(request, body string, want any) {
	a.Helper()
	status, got := a.call(request, body)
	switch want := want.(type) {
	case string:
		if status != http.StatusOK || got != want {
			a.Errorf("%s: %d %s, not %s", request, status, got, want)
		}
	case int:
		var failure struct {
			Code    int    `json:"error_code"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(got), &failure); err != nil || failure.Code != want || failure.Message == "" {
			a.Errorf("%s: %s, not an error %d", request, got, want)
		}
		for want >= 1000 {
			want /= 10
		}
		if status != want {
			a.Errorf("%s: status %d, not %d", request, status, want)
		}
	}
}

func proposal(text string, more ...string) string {
	return fmt.Sprintf(`{"schema":%q%s}`, text, strings.Join(more, ""))
}

// register returns the id and version that a schema was given.
func (a api) register(subject, body string) (id, version int) {
	a.Helper()
	status, text := a.call("POST /subjects/"+subject+"/versions", body)
	var got struct {
		ID, Version int
		GUID        string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK || len(got.GUID) != 36 {
		a.Fatalf("register under %s: %d %s", subject, status, text)
	}
	return got.ID, got.Version
}

func TestServer_AnswersLikeConfluentsRegistry(t *testing.T) {
	a := start(t, server.Config{})
	a.says("GET /", "", `{}`)
	a.says("GET /subjects", "", `[]`)
	a.says("GET /schemas", "", `[]`)
	a.says("GET /schemas/types", "", `["AVRO"]`)
	a.says("GET /contexts", "", `["."]`)
	if id, v := a.register("orders", proposal(v1)); id != 1 || v != 1 {
		t.Errorf("the first schema has id %d, version %d", id, v)
	}
	a.register("orders", proposal(v2))
	a.register("a%2Fb%2Bc", proposal(v1))
	if id, v := a.register("orders", proposal(" "+v1+"\n")); id != 1 || v != 1 {
		t.Errorf("the first schema again has id %d, version %d", id, v)
	}

	a.says("GET /subjects", "", `["a/b+c","orders"]`)
	a.says("GET /subjects?subjectPrefix=ord", "", `["orders"]`)
	a.says("GET /subjects?offset=1&limit=5", "", `["orders"]`)
	a.says("GET /subjects/orders/versions", "", `[1,2]`)
	a.says("GET /subjects/orders/versions/1/schema", "", v1)
	a.says("GET /subjects/orders/versions/latest/schema", "", v2)
	a.says("GET /subjects/orders/versions/-1/schema", "", v2)
	a.says("GET /subjects/a%2Fb%2Bc/versions/1/schema", "", v1)
	a.says("GET /subjects/a%2Fb+c/versions/1/schema", "", v1)
	a.says("GET /schemas/ids/2/schema", "", v2)
	a.says("GET /schemas/ids/1/subjects", "", `["a/b+c","orders"]`)
	a.says("GET /schemas/ids/1/subjects?subject=orders", "", `["orders"]`)
	a.says("GET /schemas/ids/1/versions", "", `[{"subject":"a/b+c","version":1},{"subject":"orders","version":1}]`)

	_, byID := a.call("GET /schemas/ids/1?fetchMaxId=true", "")
	var got struct {
		GUID, Schema string
		MaxID        int
	}
	if err := json.Unmarshal([]byte(byID), &got); err != nil || got.Schema != v1 || got.MaxID != 2 {
		t.Errorf("schema 1: %s", byID)
	}
	a.says("GET /schemas/guids/"+got.GUID+"/ids", "", `[{"context":".","id":1}]`)
	whole := fmt.Sprintf(`{"subject":"orders","version":1,"id":1,"guid":%q,"schema":%q}`, got.GUID, v1)
	a.says("GET /subjects/orders/versions/1", "", whole)
	a.says("POST /subjects/orders", proposal(" "+v1), whole)
	if status, all := a.call("GET /schemas?latestOnly=true", ""); status != 200 || strings.Count(all, `"id"`) != 2 {
		t.Errorf("GET /schemas: %s", all)
	}

	for request, code := range map[string]int{
		"GET /schemas/ids/3":                 40403,
		"GET /schemas/ids/0/versions":        40403,
		"GET /schemas/ids/x":                 404,
		"GET /schemas/guids/x":               40403,
		"GET /subjects/absent/versions":      40401,
		"GET /subjects/absent/versions/1":    40401,
		"GET /subjects/orders/versions/3":    40402,
		"GET /subjects/orders/versions/0":    42202,
		"GET /subjects/orders/versions/v1":   42202,
		"GET /subjects/orders/versions/-2":   42202,
		"GET /subjects/orders/versions/9e99": 42202,
		"DELETE /subjects/absent":            40401,
		"DELETE /subjects/orders/versions/3": 40402,
		"GET /nowhere":                       404,
		"PATCH /subjects":                    405,
	} {
		a.says(request, "", code)
	}
	a.says("POST /subjects/absent", proposal(v1), 40401)
	a.says("POST /subjects/orders", proposal(other), 40403)
}

func TestServer_RefusesWhatIsNoSchema(t *testing.T) {
	a := start(t, server.Config{MaxBody: 1000})
	for body, code := range map[string]int{
		``:                           400,
		`{`:                          400,
		`[]`:                         400,
		`{}`:                         42201,
		proposal(""):                 42201,
		proposal("not json"):         42201,
		proposal(`{"type":"recrd"}`): 42201,
		proposal("\"string\"", `,"schemaType":"PROTOBUF"`):                            42201,
		proposal(v1, `,"ruleSet":{"domainRules":[]}`):                                 42210,
		proposal(v1, `,"metadata":{"tags":{}}`):                                       42201,
		proposal(v1, `,"id":7`):                                                       42205,
		proposal(v1, `,"version":7`):                                                  42201,
		proposal(v1, `,"references":[{"name":"x.Y","subject":"absent","version":1}]`): 42201,
		proposal(v1 + strings.Repeat(" ", 1000)):                                      413,
	} {
		a.says("POST /subjects/orders/versions", body, code)
	}
	a.says("GET /subjects", "", `[]`)
	if id, _ := a.register("orders", proposal(v1, `,"metadata":null,"ruleSet":null,"references":[],"id":-1`)); id != 1 {
		t.Errorf("refused schemas used up ids: %d", id)
	}
}

func TestServer_ResolvesReferencesAndKeepsWhatIsReferredTo(t *testing.T) {
	a := start(t, server.Config{})
	const line = `{"type":"record","name":"shop.Line","fields":[{"name":"order","type":"shop.Order"}]}`
	refers := proposal(line, `,"references":[{"name":"shop.Order","subject":"orders","version":-1}]`)
	a.register("orders", proposal(v1))
	id, _ := a.register("lines", refers)

	_, got := a.call(fmt.Sprintf("GET /schemas/ids/%d", id), "")
	if !strings.Contains(got, `"references":[{"name":"shop.Order","subject":"orders","version":1}]`) {
		t.Errorf("schema %d: %s", id, got)
	}
	whole, err := schema.Parse(line, parse(t, v1))
	if err != nil {
		t.Fatal(err)
	}
	a.says(fmt.Sprintf("GET /schemas/ids/%d/schema?format=resolved", id), "", whole.String())
	a.says("GET /subjects/orders/versions/1/referencedby", "", fmt.Sprintf("[%d]", id))
	a.says("GET /subjects/lines/versions/1/referencedby", "", `[]`)
	if again, _ := a.register("elsewhere", proposal(whole.String())); again != id {
		t.Errorf("the same schema without references has id %d, not %d", again, id)
	}
	a.says("DELETE /subjects/elsewhere", "", `[1]`)

	a.says("DELETE /subjects/orders/versions/1", "", 42206)
	a.says("DELETE /subjects/orders", "", 42206)
	a.says("DELETE /subjects/lines", "", `[1]`)
	a.says("DELETE /subjects/orders", "", `[1]`)
	a.says("DELETE /subjects/orders?permanent=true", "", 42206) // a soft-deleted schema still refers to it
	a.says("DELETE /subjects/lines?permanent=true", "", `[1]`)
	a.says("DELETE /subjects/elsewhere?permanent=true", "", `[1]`)
	a.says("DELETE /subjects/orders?permanent=true", "", `[1]`)
	a.says(fmt.Sprintf("GET /schemas/ids/%d", id), "", 40403)
}

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServer_DeletesInTwoSteps(t *testing.T) {
	a := start(t, server.Config{})
	a.register("orders", proposal(v1))
	a.register("orders", proposal(v2))

	a.says("DELETE /subjects/orders/versions/2?permanent=true", "", 40407)
	a.says("DELETE /subjects/orders/versions/latest", "", `2`)
	a.says("DELETE /subjects/orders/versions/2", "", 40406)
	a.says("GET /subjects/orders/versions", "", `[1]`)
	a.says("GET /subjects/orders/versions?deleted=true", "", `[1,2]`)
	a.says("GET /subjects/orders/versions?deletedOnly=true", "", `[2]`)
	a.says("GET /subjects/orders/versions/2", "", 40402)
	a.says("GET /subjects/orders/versions/2/schema?deleted=true", "", v2)
	a.says("GET /schemas/ids/2/schema", "", v2) // events that have the id are still read
	a.says("POST /subjects/orders", proposal(v2), 40403)
	if id, v := a.register("orders", proposal(v2)); id != 2 || v != 3 {
		t.Errorf("registered again, it has id %d and version %d, not 2 and 3", id, v)
	}
	a.says("DELETE /subjects/orders/versions/2?permanent=true", "", `2`)
	a.says("GET /subjects/orders/versions?deleted=true", "", `[1,3]`)

	a.says("DELETE /subjects/orders?permanent=true", "", 40405)
	a.says("DELETE /subjects/orders", "", `[1,3]`)
	a.says("DELETE /subjects/orders", "", 40404)
	a.says("GET /subjects", "", `[]`)
	a.says("GET /subjects?deleted=true", "", `["orders"]`)
	a.says("GET /subjects?deletedOnly=true", "", `["orders"]`)
	a.says("GET /subjects/orders/versions", "", 40401)
	a.says("DELETE /subjects/orders?permanent=true", "", `[1,3]`)
	a.says("GET /subjects?deleted=true", "", `[]`)
	a.says("GET /schemas/ids/1", "", 40403)
	if id, v := a.register("payments", proposal(other)); id != 3 || v != 1 {
		t.Errorf("an id that events may have was given away: %d", id)
	}
}

func TestServer_KeepsConfigAndModeForAllAndForOneSubject(t *testing.T) {
	a := start(t, server.Config{})
	a.register("orders", proposal(v1))
	a.says("GET /config", "", `{"compatibilityLevel":"BACKWARD"}`)
	a.says("PUT /config", `{"compatibility":"full"}`, `{"compatibility":"FULL"}`)
	a.says("GET /config/orders", "", 40408)
	a.says("GET /config/orders?defaultToGlobal=true", "", `{"compatibilityLevel":"FULL"}`)
	a.says("PUT /config/orders", `{"compatibility":"NONE"}`, `{"compatibility":"NONE"}`)
	a.says("GET /config/orders?defaultToGlobal=true", "", `{"compatibilityLevel":"NONE"}`)
	a.says("DELETE /config/orders", "", `{"compatibilityLevel":"NONE","compatibility":"NONE"}`)
	a.says("DELETE /config/orders", "", 40408)
	a.says("DELETE /config", "", `{"compatibilityLevel":"FULL","compatibility":"FULL"}`)
	a.says("GET /config", "", `{"compatibilityLevel":"BACKWARD"}`)
	a.says("PUT /config", `{"compatibility":"SOME"}`, 42203)
	a.says("PUT /config", `{}`, 42203)
	a.says("PUT /config", `{"compatibility":"NONE","alias":"x"}`, 422)

	a.says("GET /mode", "", `{"mode":"READWRITE"}`)
	a.says("GET /mode/orders", "", 40409)
	a.says("GET /mode/orders?defaultToGlobal=true", "", `{"mode":"READWRITE"}`)
	a.says("PUT /mode", `{"mode":"WRITEONLY"}`, 42204)
	a.says("PUT /mode/orders", `{"mode":"READONLY"}`, `{"mode":"READONLY"}`)
	a.says("POST /subjects/orders/versions", proposal(v2), 42205)
	a.says("DELETE /subjects/orders", "", 42205)
	a.register("orders", proposal(v1)) // what is there is only read
	a.says("DELETE /mode/orders", "", `{"mode":"READONLY"}`)
	a.says("PUT /mode/orders", `{"mode":"IMPORT"}`, 42205)
	a.says("PUT /mode/orders?force=true", `{"mode":"IMPORT"}`, `{"mode":"IMPORT"}`)
	a.says("POST /subjects/orders/versions", proposal(v2), 42205)
	if id, v := a.register("orders", proposal(v2, `,"id":41,"version":7`)); id != 41 || v != 7 {
		t.Errorf("imported as id %d, version %d, not 41 and 7", id, v)
	}
	a.says("POST /subjects/orders/versions", proposal(other, `,"id":41`), 42205)
	a.says("POST /subjects/orders/versions", proposal(other, `,"id":42,"version":7`), 42205)
	if id, _ := a.register("payments", proposal(other)); id != 42 {
		t.Errorf("after the import of 41, the next id is %d", id)
	}
}

func TestServer_RemembersInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	conversation := []string{"GET /subjects?deleted=true", "GET /schemas?deleted=true", "GET /schemas/ids/1", "GET /schemas/ids/2",
		"GET /config", "GET /config/orders", "GET /mode/orders", "GET /subjects/lines/versions/1"}
	listen := func(a api) (said []string) {
		for _, request := range conversation {
			_, text := a.call(request, "")
			said = append(said, text)
		}
		return said
	}

	before := reopen(t, dir, func(a api) []string {
		a.register("orders", proposal(v1))
		a.register("orders", proposal(v2))
		a.register("gone", proposal(other))
		a.register("lines", proposal(`{"type":"array","items":"shop.Order"}`, `,"references":[{"name":"shop.Order","subject":"orders","version":1}]`))
		a.says("PUT /config/orders", `{"compatibility":"NONE"}`, `{"compatibility":"NONE"}`)
		a.says("PUT /mode/orders", `{"mode":"READONLY"}`, `{"mode":"READONLY"}`)
		a.says("DELETE /subjects/gone", "", `[1]`)
		a.says("DELETE /subjects/gone?permanent=true", "", `[1]`)
		return listen(a)
	})
	// A crash in the middle of a line that was never answered.
	appendTo(t, filepath.Join(dir, "registry.jsonl"), `{"register":{"subject":"half`)
	after := reopen(t, dir, listen)
	for i := range conversation {
		if before[i] != after[i] {
			t.Errorf("%s: %s, and before it was %s", conversation[i], after[i], before[i])
		}
	}
	reopen(t, dir, func(a api) []string {
		if id, _ := a.register("more", proposal(`"long"`)); id != 5 {
			t.Errorf("the id of a permanently deleted schema was given away: the next one is %d", id)
		}
		return nil
	})
	reopen(t, dir, func(a api) []string {
		a.says("GET /schemas/ids/5/schema", "", `"long"`)
		return nil
	})
}

// reopen runs do against a registry in dir and closes it.
func reopen(t *testing.T, dir string, do func(api) []string) []string {
	t.Helper()
	s, err := server.New(server.Config{Directory: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	srv := httptest.NewServer(s)
	defer srv.Close()
	return do(api{t, srv.URL})
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestNew_RefusesAFileThatItCannotTrust(t *testing.T) {
	for text, says := range map[string]string{
		"nonsense\n": "line 1",
		`{"register":{"subject":"a","version":1,"id":1,"schema":"\"string\""}}` + "\n" + `{"register":{"subject":"a","version":2,"id":2,"schema":"\"strin\""}}` + "\n": "line 2: schema 2",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "registry.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := server.New(server.Config{Directory: dir})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v does not name %s and %s", err, path, says)
		}
	}
}

func TestNew_RefusesADirectoryThatAnotherServerUses(t *testing.T) {
	dir := t.TempDir()
	a := start(t, server.Config{Directory: dir})
	if s, err := server.New(server.Config{Directory: dir}); err == nil || !strings.Contains(err.Error(), "another registry uses it") {
		t.Errorf("%v, %v", s, err)
	}
	a.register("orders", proposal(v1))
}

func TestServer_ChangesNothingThatItCannotKeep(t *testing.T) {
	s, err := server.New(server.Config{Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	defer srv.Close()
	a := api{t, srv.URL}
	s.Close() // what a full disk does, too: the write fails
	a.says("POST /subjects/orders/versions", proposal(v1), 50001)
	a.says("GET /subjects", "", `[]`)
}
