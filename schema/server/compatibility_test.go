package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema/server"
)

// Three versions of which each can read only some of the others.
const (
	withTotal = `{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"long"}]}`
	intID     = `{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"int"},{"name":"total","type":"long"}]}`
)

func (a api) level(subject, level string) {
	a.Helper()
	body := fmt.Sprintf(`{"compatibility":%q}`, level)
	a.says("PUT /config/"+subject, body, body)
}

func TestServer_ChecksBackwardUnlessToldOtherwise(t *testing.T) {
	a := start(t, server.Config{})
	a.register("orders", proposal(v1))
	a.says("POST /subjects/orders/versions", proposal(withTotal), http.StatusConflict)
	a.register("orders", proposal(v2))
	a.level("orders", "NONE")
	a.register("orders", proposal(withTotal))
}

func TestServer_StartsAtTheLevelOfItsConfig(t *testing.T) {
	a := start(t, server.Config{Level: "FORWARD"})
	a.says("GET /config", "", `{"compatibilityLevel":"FORWARD"}`)
	a.register("orders", proposal(v1))
	a.register("orders", proposal(withTotal))
	a.says("PUT /config", `{"compatibility":"NONE"}`, `{"compatibility":"NONE"}`)
	a.says("DELETE /config", "", `{"compatibilityLevel":"NONE","compatibility":"NONE"}`)
	a.says("GET /config", "", `{"compatibilityLevel":"FORWARD"}`)
	if _, err := server.New(server.Config{Level: "SIDEWARD"}); err == nil || !strings.Contains(err.Error(), "SIDEWARD") {
		t.Errorf("a level that doesn't exist: %v", err)
	}
}

func TestServer_ChecksWhatTheLevelAsksAbout(t *testing.T) {
	a := start(t, server.Config{})
	a.level("orders", "NONE")
	a.register("orders", proposal(withTotal)) // 1
	a.register("orders", proposal(v1))        // 2
	for level, want := range map[string]bool{
		"NONE": true, "BACKWARD": true, "BACKWARD_TRANSITIVE": true, "FORWARD": true, "FORWARD_TRANSITIVE": false, "FULL": true, "FULL_TRANSITIVE": false,
	} {
		a.level("orders", level)
		verdict := fmt.Sprintf(`{"is_compatible":%t}`, want)
		a.says("POST /compatibility/subjects/orders/versions", proposal(v2), verdict) // not read by 1, which has no default
		a.says("POST /compatibility/subjects/orders/versions/latest", proposal(v2), `{"is_compatible":true}`)
		if status, got := a.call("POST /subjects/orders/versions", proposal(v2)); (status == http.StatusOK) != want {
			t.Errorf("register at %s: %d %s", level, status, got)
		} else if want {
			a.says("DELETE /subjects/orders/versions/latest", "", fmt.Sprint(version(t, got)))
		}
	}
	a.level("orders", "BACKWARD")
	a.says("POST /compatibility/subjects/orders/versions/latest", proposal(withTotal), `{"is_compatible":false}`)
	a.says("POST /compatibility/subjects/orders/versions/1", proposal(withTotal), `{"is_compatible":true}`)
	a.says("POST /compatibility/subjects/orders/versions/9", proposal(v1), 40402)
	a.says("POST /compatibility/subjects/orders/versions/x", proposal(v1), 42202)
	a.says("POST /compatibility/subjects/orders/versions/1", proposal("x"), 42201)
}

func version(t *testing.T, registered string) int {
	t.Helper()
	var got struct{ Version int }
	if err := json.Unmarshal([]byte(registered), &got); err != nil {
		t.Fatal(err)
	}
	return got.Version
}

// It would be the first version, as Confluent's registry says too.
func TestServer_CallsEverythingCompatibleWithASubjectThatHasNoVersions(t *testing.T) {
	a := start(t, server.Config{})
	a.says("POST /compatibility/subjects/absent/versions/latest?verbose=true", proposal(v1), `{"is_compatible":true,"messages":[]}`)
	a.says("POST /compatibility/subjects/absent/versions", proposal(v1), `{"is_compatible":true}`)
	a.says("POST /compatibility/subjects/absent/versions/1", proposal(v1), 40402)
}

func TestServer_ForgetsDeletedVersionsWhenItChecks(t *testing.T) {
	a := start(t, server.Config{Level: "FULL_TRANSITIVE"})
	a.register("orders", proposal(withTotal))
	a.says("POST /subjects/orders/versions", proposal(v1), http.StatusConflict)
	a.says("DELETE /subjects/orders/versions/1", "", `1`)
	a.register("orders", proposal(v1))
	a.says("DELETE /subjects/orders/versions/1?permanent=true", "", `1`)
	a.register("orders", proposal(v2))
	a.says("POST /compatibility/subjects/orders/versions/1", proposal(v1), 40402)
}

// The form of the messages is what clients of Confluent's registry know, and take apart.
func TestServer_NamesEveryViolationOfEveryVersion(t *testing.T) {
	a := start(t, server.Config{})
	a.level("orders", "NONE")
	a.register("orders", proposal(v1))
	a.register("orders", proposal(withTotal))
	a.level("orders", "FULL_TRANSITIVE")
	want := []string{
		`{errorType:'TYPE_MISMATCH', description:'The new schema cannot read what version 2 wrote: at path '/fields/0/type' (shop.Order.id), the writer has string, the reader int', additionalInfo:'reader: int, writer: string'}`,
		`{errorType:'TYPE_MISMATCH', description:'Version 2 cannot read what the new schema writes: at path '/fields/0/type' (shop.Order.id), the writer has int, the reader string', additionalInfo:'reader: string, writer: int'}`,
		`{oldSchemaVersion: 2}`,
		`{oldSchema: '` + withTotal + `'}`,
		`{errorType:'TYPE_MISMATCH', description:'The new schema cannot read what version 1 wrote: at path '/fields/0/type' (shop.Order.id), the writer has string, the reader int', additionalInfo:'reader: int, writer: string'}`,
		`{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The new schema cannot read what version 1 wrote: at path '/fields/1' (shop.Order.total), the writer has no such field, and the reader (long) has no default for it', additionalInfo:'reader: long, writer: nothing'}`,
		`{errorType:'TYPE_MISMATCH', description:'Version 1 cannot read what the new schema writes: at path '/fields/0/type' (shop.Order.id), the writer has int, the reader string', additionalInfo:'reader: string, writer: int'}`,
		`{oldSchemaVersion: 1}`,
		`{oldSchema: '` + v1 + `'}`,
		`{compatibility: 'FULL_TRANSITIVE'}`,
	}
	_, text := a.call("POST /compatibility/subjects/orders/versions?verbose=true", proposal(intID))
	var got struct {
		Compatible bool `json:"is_compatible"`
		Messages   []string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Compatible {
		t.Fatal(text)
	}
	if said := strings.Join(got.Messages, "\n"); said != strings.Join(want, "\n") {
		t.Errorf("messages:\n%s\nnot\n%s", said, strings.Join(want, "\n"))
	}

	status, text := a.call("POST /subjects/orders/versions", proposal(intID))
	var refused struct {
		Code    int `json:"error_code"`
		Message string
	}
	if err := json.Unmarshal([]byte(text), &refused); err != nil || status != http.StatusConflict || refused.Code != http.StatusConflict {
		t.Fatalf("%d %s", status, text)
	}
	if want := `Schema being registered is incompatible with an earlier schema for subject "orders", details: [` + strings.Join(want, ", ") + "]"; refused.Message != want {
		t.Errorf("%s\nnot\n%s", refused.Message, want)
	}
}

func TestServer_SaysABoundedNumberOfReasons(t *testing.T) {
	a := start(t, server.Config{Level: "BACKWARD_TRANSITIVE"})
	var fields []string
	for i := range 600 {
		fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"int","default":0,"doc":%q}`, i, strings.Repeat("x", 20)))
	}
	record := func(fields []string) string {
		return `{"type":"record","name":"Wide","fields":[` + strings.Join(fields, ",") + `]}`
	}
	a.register("wide", proposal(record(fields[:1])))
	a.register("wide", proposal(record(fields[:2])))
	a.register("wide", proposal(record(fields)))
	for i := range fields {
		fields[i] = strings.Replace(fields[i], `"default":0,`, "", 1)
	}
	_, text := a.call("POST /compatibility/subjects/wide/versions?verbose=true", proposal(record(fields)))
	var got struct{ Messages []string }
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	violations := 0
	for _, m := range got.Messages {
		if strings.HasPrefix(m, "{errorType:") {
			violations++
		}
		if len(m) > 11<<10 {
			t.Errorf("%d bytes: %.100s", len(m), m)
		}
	}
	if last := got.Messages[len(got.Messages)-2]; violations > 1000 || last != fmt.Sprintf("{unlisted: %d}", 598+599-violations) {
		t.Errorf("%d violations, %s", violations, last)
	}
}

func TestServer_TakesOneOfManyThatExcludeEachOther(t *testing.T) {
	a := start(t, server.Config{Level: "FULL"})
	statuses := make(chan int, 16)
	for i := range cap(statuses) {
		go func() {
			body := proposal(fmt.Sprintf(`{"type":"record","name":"shop.Order","fields":[{"name":"f%d","type":"int"}]}`, i))
			res, err := http.Post(a.url+"/subjects/orders/versions", "application/json", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			res.Body.Close()
			statuses <- res.StatusCode
		}()
	}
	met := map[int]int{}
	for range cap(statuses) {
		met[<-statuses]++
	}
	if met[http.StatusOK] != 1 || met[http.StatusConflict] != cap(statuses)-1 {
		t.Errorf("statuses %v", met)
	}
	a.says("GET /subjects/orders/versions", "", `[1]`)
}
