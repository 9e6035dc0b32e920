package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

const v1WithDefault = `{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string","default":"?"}]}`

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServer_ServesFilesUnderTheirIDsAsADirectoryDoes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1, "orders/2.avsc": v1WithDefault, "orders/4.avsc": v2, "a%2Fb/1.avsc": v1, "notes/readme.txt": "none"})
	files, err := schema.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, server.Config{Files: dir})
	a.says("GET /subjects", "", `["a/b","orders"]`)
	a.says("GET /subjects/orders/versions", "", `[1,2,4]`)
	client, err := schema.NewClient(troupe.Registry{URL: a.url}, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, subject := range []string{"orders", "a/b"} {
		theirs, err := files.Versions(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := client.Versions(t.Context(), subject)
		if err != nil || len(ours) != len(theirs) {
			t.Fatalf("%s: %v, %v", subject, ours, err)
		}
		for i, v := range theirs {
			if o := ours[i]; o.ID != v.ID || o.Version != v.Version || !o.Schema.Equal(v.Schema) {
				t.Errorf("%s version %d: %d %s, not %d %s", subject, v.Version, o.ID, o.Schema, v.ID, v.Schema)
			}
			byID, err := client.ByID(t.Context(), v.ID)
			want, _ := files.ByID(context.Background(), v.ID)
			if err != nil || byID.String() != want.String() {
				t.Errorf("id %d: %v, %v, not %s", v.ID, byID, err, want)
			}
			_, guid := schema.DirectoryIDs(v.Schema)
			if byGUID, err := client.ByGUID(t.Context(), guid); err != nil || byGUID.String() != want.String() {
				t.Errorf("GUID %x: %v, %v, not %s", guid, byGUID, err, want)
			}
		}
	}
	a.says("GET /subjects/orders/versions/2/schema", "", parse(t, v1WithDefault).String()) // it shares the id of version 1
}

func TestServer_ChangesNoSubjectThatIsFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"orders/1.avsc": v1})
	reopenWith(t, server.Config{Directory: dir, Files: dir}, func(a api) {
		if status, got := a.call("POST /subjects/orders/versions", proposal(v2)); status != 422 || !strings.Contains(got, "orders/2.avsc") {
			t.Errorf("%d %s", status, got)
		}
		a.says("DELETE /subjects/orders", "", 42205)
		a.says("DELETE /subjects/orders/versions/1", "", 42205)
		a.says("GET /mode/orders", "", `{"mode":"READONLY"}`)
		a.says("PUT /mode/orders?force=true", `{"mode":"IMPORT"}`, 42205)
		a.says("DELETE /mode/orders", "", 42205)
		if _, v := a.register("orders", proposal(v1)); v != 1 {
			t.Errorf("what is there has version %d", v)
		}
		a.says("POST /compatibility/subjects/orders/versions", proposal(withTotal), `{"is_compatible":false}`)

		// Others are kept in the journal, whose ids count from 1, also where files have the schema.
		a.register("elsewhere", proposal(v1))
		a.register("payments", proposal(other))
	})
	write(t, dir, map[string]string{"orders/2.avsc": v2})
	reopenWith(t, server.Config{Directory: dir, Files: dir}, func(a api) {
		a.says("GET /subjects", "", `["elsewhere","orders","payments"]`)
		a.says("GET /subjects/orders/versions", "", `[1,2]`)
	})
	if err := os.RemoveAll(filepath.Join(dir, "orders")); err != nil {
		t.Fatal(err)
	}
	reopenWith(t, server.Config{Directory: dir, Files: dir}, func(a api) {
		a.says("GET /subjects", "", `["elsewhere","payments"]`)
		a.says("GET /subjects/elsewhere/versions/1/schema", "", v1)
	})
}

func reopenWith(t *testing.T, cfg server.Config, do func(api)) {
	t.Helper()
	t.Run("", func(t *testing.T) { do(start(t, cfg)) })
}

func TestNew_RefusesFilesThatItCannotServe(t *testing.T) {
	registered := t.TempDir()
	reopenWith(t, server.Config{Directory: registered}, func(a api) { a.register("orders", proposal(v1)) })
	broken, absent := t.TempDir(), filepath.Join(t.TempDir(), "absent")
	write(t, broken, map[string]string{"orders/1.avsc": `{"type":"recrd"}`})
	write(t, registered, map[string]string{"orders/1.avsc": v1})
	for _, c := range []struct {
		cfg  server.Config
		says string
	}{
		{server.Config{Files: broken}, "orders/1.avsc"},
		{server.Config{Files: absent}, absent},
		{server.Config{Directory: registered, Files: registered}, `"orders"`},
	} {
		if _, err := server.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v does not name %s", err, c.says)
		}
	}
}

// What a registry wrote that could not check yet: the level NONE, said or not.
func TestNew_OpensTheFileOfAnEarlierRelease(t *testing.T) {
	for name, c := range map[string]struct{ settings, level string }{
		"no level": {"", "BACKWARD"},
		"NONE":     {`{"level":{"value":"NONE"}}` + "\n", "NONE"},
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"registry.jsonl": `{"register":{"subject":"money","version":1,"id":9,"schema":"{\"type\":\"record\",\"name\":\"shop.Order\",\"fields\":[]}"}}
{"register":{"subject":"orders","version":1,"id":1,"schema":"\"string\""}}
{"register":{"subject":"orders","version":2,"id":2,"schema":"\"int\""}}
{"register":{"subject":"others","version":1,"id":1}}
{"register":{"subject":"others","version":2,"id":3,"schema":"{\"type\":\"array\",\"items\":\"shop.Order\"}","references":[{"name":"shop.Order","subject":"money","version":1}]}}
{"level":{"subject":"others","value":"NONE"}}
{"mode":{"subject":"others","value":"READONLY"}}
{"delete":{"subject":"orders","versions":[2]}}
{"delete":{"subject":"orders","versions":[2],"permanent":true}}
` + c.settings})
		reopenWith(t, server.Config{Directory: dir}, func(a api) {
			a.says("GET /config", "", `{"compatibilityLevel":"`+c.level+`"}`)
			a.says("GET /subjects/orders/versions?deleted=true", "", `[1]`)
			a.says("GET /schemas/ids/1/subjects", "", `["orders","others"]`)
			a.says("GET /config/others", "", `{"compatibilityLevel":"NONE"}`)
			a.says("GET /mode/others", "", `{"mode":"READONLY"}`)
			if id, v := a.register("payments", proposal(other)); id != 10 || v != 1 {
				t.Errorf("%s: the next one has id %d", name, id)
			}
		})
	}
}

func TestServer_LogsEveryChange(t *testing.T) {
	var log bytes.Buffer
	a := start(t, server.Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))})
	a.register("orders", proposal(v1))
	a.register("orders", proposal(v1))
	a.says("POST /subjects/orders/versions", proposal(withTotal), 409)
	a.level("orders", "FULL")
	a.says("PUT /mode", `{"mode":"READONLY"}`, `{"mode":"READONLY"}`)
	a.says("DELETE /mode", "", `{"mode":"READONLY"}`)
	a.says("DELETE /subjects/orders", "", `[1]`)
	want := `level=INFO msg=registered subject=orders version=1 id=1
level=INFO msg="refused as incompatible" subject=orders level=BACKWARD
level=INFO msg="set the compatibility level" subject=orders level=FULL
level=INFO msg="set the mode" subject="all subjects" mode=READONLY
level=INFO msg="took away the mode" subject="all subjects"
level=INFO msg=deleted subject=orders versions=[1] permanent=false
`
	if log.String() != want {
		t.Errorf("%s\nnot\n%s", log.String(), want)
	}
}

func TestServer_GivesIDsThatAreFreeAfterTheHighest(t *testing.T) {
	a := start(t, server.Config{})
	a.says("PUT /mode", `{"mode":"IMPORT"}`, `{"mode":"IMPORT"}`)
	a.register("orders", proposal(v1, `,"id":2147483647`))
	a.register("orders", proposal(v2, `,"id":1`))
	a.says("PUT /mode", `{"mode":"READWRITE"}`, `{"mode":"READWRITE"}`)
	if id, _ := a.register("payments", proposal(other)); id != 2 {
		t.Errorf("the next id is %d", id)
	}
}
