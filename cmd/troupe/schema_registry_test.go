package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/troupetest"
)

// inRegistry works in a directory with files and points TROUPE_REGISTRY at a registry. The
// subject is new.
func inRegistry(t *testing.T, files map[string]string) (subject string) {
	t.Helper()
	s := troupetest.New(t)
	inDirectory(t, files)
	t.Setenv("TROUPE_REGISTRY", s.Registry.URL)
	t.Setenv("TROUPE_REGISTRY_USERNAME", s.Registry.Username)
	t.Setenv("TROUPE_REGISTRY_PASSWORD", s.Registry.Password)
	t.Setenv("TROUPE_REGISTRY_TOKEN", s.Registry.Token)
	return s.Topic(t, 1) + "-value"
}

func TestSchemaRegister_RefusesWhatBreaks(t *testing.T) {
	subject := inRegistry(t, map[string]string{
		"v1.avsc":  orderV1,
		"v2.avsc":  strings.Replace(orderV1, `"total", "type": "double"}`, `"total", "type": "double"}, {"name": "note", "type": "string", "default": ""}`, 1),
		"bad.avsc": strings.Replace(orderV1, `"total", "type": "double"}`, `"total", "type": "string"}, {"name": "note", "type": "string"}`, 1),
	})
	ctx := context.Background()
	expect(t, troupeSchema(ctx, "", "config", subject, "--set", "backward_transitive"), 0)
	says := func(o outcome, code int, stdout string, stderr ...string) {
		t.Helper()
		expect(t, o, code, stderr...)
		if !strings.Contains(o.stdout, stdout) {
			t.Errorf("stdout does not say %q: %s", stdout, o.stdout)
		}
	}
	says(troupeSchema(ctx, "", "register", subject, "v1.avsc", "--dry-run"), 0, subject+" would take it (level BACKWARD_TRANSITIVE, 0 versions before); nothing was registered")
	expect(t, troupeSchema(ctx, "", "get", subject), 2, "not found")
	says(troupeSchema(ctx, "", "register", subject, "v1.avsc"), 0, "registered "+subject+" version 1, id ")
	says(troupeSchema(ctx, "", "register", subject, "v1.avsc"), 0, subject+" has it already: version 1, id ")
	says(troupeSchema(ctx, "", "register", subject, "v2.avsc"), 0, "registered "+subject+" version 2, id ")

	o := troupeSchema(ctx, "", "register", subject, "bad.avsc")
	says(o, 1, "new consumers cannot read events of version 1", "bad.avsc is not registered under "+subject+", whose level is BACKWARD_TRANSITIVE; troupe schema check bad.avsc --against registry:"+subject+" says how to fix each")
	fixes := troupeSchema(ctx, "", "check", "bad.avsc", "--against", "registry:"+subject)
	if fixes.code != 1 || !strings.Contains(fixes.stdout, "fix") {
		t.Errorf("the check exits %d: %s%s", fixes.code, fixes.stdout, fixes.stderr)
	}
	for _, want := range []string{"new consumers cannot read events of version 2", "TYPE_MISMATCH  shop.Order.total", "READER_FIELD_MISSING_DEFAULT_VALUE  shop.Order.note", "bad.avsc:3:"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("stdout does not say %q: %s", want, o.stdout)
		}
	}
	o = troupeSchema(ctx, "", "register", subject, "bad.avsc", "-o", "json")
	expect(t, o, 1)
	var r registered
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || r.Outcome != "incompatible" || len(r.Breaks) != 2 || r.Breaks[0].Version != 2 || len(r.Breaks[1].Violations) != 2 {
		t.Errorf("%v %+v", err, r)
	}
	expect(t, troupeSchema(ctx, "", "register", subject, "nope.avsc"), 2, "read nope.avsc: no such file")
	expect(t, troupeSchema(ctx, "", "register", subject), 2, "needs a subject and a file, but got 1 argument;")
	expect(t, troupeSchema(ctx, "", "register", "v1.avsc", subject), 2, "the subject comes first: troupe schema register "+subject+" v1.avsc;")
}

func TestSchemaRegister_WritesOutWhatItRefersTo(t *testing.T) {
	subject := inRegistry(t, map[string]string{"order.avsc": lintedOrder, "address.avsc": lintedAddress})
	ctx := context.Background()
	expect(t, troupeSchema(ctx, "", "register", subject, "order.avsc"), 2, "--references")
	expect(t, troupeSchema(ctx, "", "register", subject, "order.avsc", "--references", "address.avsc"), 0)
	o := troupeSchema(ctx, "", "get", subject)
	expect(t, o, 0)
	if !strings.Contains(o.stdout, `"name": "street"`) {
		t.Errorf("stdout %s", o.stdout)
	}
}

// Nothing registered can be taken back with the CLI, and nobody looks under a subject that is a slip of the pen.
func TestSchemaRegister_WarnsOfANewSubjectThatNobodyLooksFor(t *testing.T) {
	subject := inRegistry(t, map[string]string{"v1.avsc": orderV1, "id.avsc": `"string"`})
	topic := strings.TrimSuffix(subject, "-value")
	ctx := context.Background()
	slip := topic + "-shop.Odrer"
	warning := "! " + slip + " is a new subject, and nobody looks there for shop.Order without a schema.SubjectNamer of their own; did you mean " + topic + "-shop.Order?\n"
	expect(t, troupeSchema(ctx, "", "register", slip, "v1.avsc", "--dry-run"), 0, warning)
	o := troupeSchema(ctx, "", "register", slip, "v1.avsc", "-o", "json")
	expect(t, o, 0, warning)
	var r registered
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || r.Outcome != "registered" {
		t.Errorf("%v %+v", err, r)
	}
	for name, file := range map[string]string{slip: "v1.avsc", topic + "-shop.Order": "v1.avsc", subject: "v1.avsc", topic + "-key": "id.avsc", topic + "-id": "id.avsc"} {
		if o := troupeSchema(ctx, "", "register", name, file); o.code != 0 || o.stderr != "" {
			t.Errorf("%s exits %d: %s", name, o.code, o.stderr)
		}
	}
}

func TestSchemaGet_PrintsWhatTheRegistryHas(t *testing.T) {
	subject := inRegistry(t, map[string]string{"v1.avsc": orderV1})
	ctx := context.Background()
	expect(t, troupeSchema(ctx, "", "register", subject, "v1.avsc"), 0)
	o := troupeSchema(ctx, "", "get", subject+"@1", "-o", "json")
	expect(t, o, 0)
	var got gotten
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil || got.Version != 1 || got.ID == 0 || got.Name != "shop.Order" {
		t.Fatalf("%v %+v", err, got)
	}
	for _, arg := range []string{subject, subject + "@1", subject + "@latest", fmt.Sprintf("id:%d", got.ID)} {
		o := troupeSchema(ctx, "", "get", arg)
		expect(t, o, 0)
		if !strings.HasPrefix(o.stdout, "{\n  \"type\": \"record\",\n") {
			t.Errorf("%s: %s", arg, o.stdout)
		}
		raw := troupeSchema(ctx, "", "get", arg, "--raw")
		expect(t, raw, 0)
		if strings.TrimSpace(raw.stdout) != got.Schema {
			t.Errorf("%s: raw %s, want %s", arg, raw.stdout, got.Schema)
		}
		expect(t, troupeSchema(ctx, "", "diff", arg, "v1.avsc", "--mode", "FULL"), 0)
	}
	expect(t, troupeSchema(ctx, "", "get", subject+"@7"), 2, "not found; its versions are 1")
	expect(t, troupeSchema(ctx, "", "get", subject+"x"), 2, "not found; did you mean "+subject+"?")
	expect(t, troupeSchema(ctx, "", "get", subject+"@x"), 2, "is not SUBJECT@VERSION")
	expect(t, troupeSchema(ctx, "", "get", "id:2000000000"), 2, "schema 2000000000")
	expect(t, troupeSchema(ctx, "", "diff", subject+"x", "v1.avsc"), 2, "did you mean "+subject+"?")
	expect(t, troupeSchema(ctx, "", "diff", "v2.avsc", "v1.avsc"), 2, "there is no file v2.avsc here")
}

func TestSchemaLs_ListsSubjects(t *testing.T) {
	subject := inRegistry(t, map[string]string{"v1.avsc": orderV1})
	ctx := context.Background()
	expect(t, troupeSchema(ctx, "", "register", subject, "v1.avsc"), 0)
	glob := subject[:len(subject)-3] + "*e"
	o := troupeSchema(ctx, "", "ls", "--subjects", glob)
	expect(t, o, 0, "1 subject\n")
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "SUBJECT") || !strings.HasPrefix(lines[1], subject+"  1 ") || !strings.HasSuffix(lines[1], "shop.Order") {
		t.Errorf("stdout %s", o.stdout)
	}
	o = troupeSchema(ctx, "", "ls", "--subjects", glob, "-o", "name")
	expect(t, o, 0)
	if o.stdout != subject+"\n" {
		t.Errorf("stdout %q", o.stdout)
	}
	o = troupeSchema(ctx, "", "ls", "--subjects", glob, "-o", "json")
	var all []subjectSummary
	if err := json.Unmarshal([]byte(o.stdout), &all); err != nil || len(all) != 1 || all[0].ID == 0 || all[0].Level == "" || all[0].Name != "shop.Order" {
		t.Errorf("%v %s", err, o.stdout)
	}
	o = troupeSchema(ctx, "", "ls", "--subjects", "no-such-subject-*")
	expect(t, o, 0, "0 subjects\n")
	if o.stdout != "" {
		t.Errorf("stdout %q", o.stdout)
	}
}

func TestSchemaConfig_SaysWhereTheLevelIsSet(t *testing.T) {
	subject := inRegistry(t, map[string]string{"v1.avsc": orderV1})
	ctx := context.Background()
	expect(t, troupeSchema(ctx, "", "register", subject, "v1.avsc"), 0)
	global := troupeSchema(ctx, "", "config")
	expect(t, global, 0)
	shows := func(want string, args ...string) {
		t.Helper()
		o := troupeSchema(ctx, "", append([]string{"config", subject}, args...)...)
		expect(t, o, 0)
		if o.stdout != want {
			t.Errorf("%v: %q, want %q", args, o.stdout, want)
		}
	}
	shows(global.stdout)
	shows("FULL  set for subject "+subject+"\n", "--set", "full")
	shows("FULL  set for subject " + subject + "\n")
	shows(global.stdout, "--unset")
	shows(global.stdout, "--unset")
	o := troupeSchema(ctx, "", "config", subject, "-o", "json")
	expect(t, o, 0)
	var l levelShown
	if err := json.Unmarshal([]byte(o.stdout), &l); err != nil || l.From != "registry" || l.Subject != subject {
		t.Errorf("%v %+v", err, l)
	}
	slip := subject[:len(subject)-1]
	expect(t, troupeSchema(ctx, "", "config", slip, "--set", "full"), 0, "! "+slip+" has no versions yet; did you mean "+subject+"?\n")
	expect(t, troupeSchema(ctx, "", "config", slip, "--unset"), 0)
	if want := "  the registry's default\n"; !strings.HasSuffix(global.stdout, want) {
		t.Errorf("%q is not %q", global.stdout, want)
	}
	expect(t, troupeSchema(ctx, "", "config", subject, "--set", "sideward"), 2, "is no compatibility mode")
	expect(t, troupeSchema(ctx, "", "config", subject, "--set", "full", "--unset"), 2)
}
