package generated

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

func write(t *testing.T, root string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		file := filepath.Join(root, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// goFile is generated code with a schema.
func goFile(schema string) string {
	return header + "\npackage p\n\nimport \"github.com/hamba/avro/v2\"\n\nvar schemaX = avro.MustParse(" + schema + ")\n"
}

func TestFind_TellsWhatCodeHasAndWhatItWasMadeFrom(t *testing.T) {
	root := t.TempDir()
	record := func(name string) string {
		return "`{\"type\": \"record\", \"name\": \"shop." + name + "\", \"doc\": \"a ` + \"`\" + `tick` + \"`\" + `\", \"fields\": []}`"
	}
	write(t, root,
		"a/gen.go", goFile(record("Beside")),
		"b/c/doc.go", "package p\n\n//go:generate go tool avrogen -pkg p -fullschema -o=gen.go ../../schemas/x.avsc \"y.avsc\"\n//go:generate avrogen -o other.go z.avsc\n",
		"b/c/gen.go", goFile(record("Named")),
		"b/doc.go", "package p\n\n//go:generate avrogen -o above/gen.go w.avsc\n",
		"b/above/gen.go", goFile(record("Above")),
		"broken/gen.go", header+"\npackage",
		"broken/schema.go", goFile("`{}`"),
		"broken/call.go", goFile("text"),
		"hand/written.go", "package p\n\nvar x = avro.MustParse("+record("Hand")+")\n",
		"short/x.go", "//",
		"vendor/x/gen.go", goFile(record("Vendored")),
		"testdata/gen.go", goFile(record("Data")),
		".git/gen.go", goFile(record("Hidden")),
	)
	all, err := Find(root)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, s := range all {
		got += fmt.Sprintf("%s %s:%d:%d %v %v\n", s.Schema.FullName(), s.File, s.Line, s.Column, s.Sources, s.FullSchema)
	}
	if want := "shop.Beside a/gen.go:6:15 [] false\nshop.Above b/above/gen.go:6:15 [b/w.avsc] false\nshop.Named b/c/gen.go:6:15 [b/c/y.avsc schemas/x.avsc] true\n"; got != want {
		t.Fatalf("found\n%swant\n%s", got, want)
	}
	for _, at := range []struct {
		avsc string
		made [2]bool
	}{
		{"a/x.avsc", [2]bool{true, false}},
		{"schemas/x.avsc", [2]bool{false, true}},
		{"b/c/y.avsc", [2]bool{false, true}},
		{"b/c/z.avsc", [2]bool{false, false}},
	} {
		if made := [2]bool{all[0].MadeFrom(at.avsc), all[2].MadeFrom(at.avsc)}; made != at.made {
			t.Errorf("%s: %v, want %v", at.avsc, made, at.made)
		}
	}
}

func TestFind_ReportsADirectoryThatIsNotThere(t *testing.T) {
	if _, err := Find(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("no error")
	}
}

// Of this repository's own generated code every line is found.
func TestFind_KnowsTheCodeOfThisRepository(t *testing.T) {
	all, err := Find("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.File == "examples/quickstart/contract/events_gen.go" && s.Schema.FullName() == "shop.orders.OrderPlaced" && s.MadeFrom("examples/quickstart/contract/order_placed.avsc") {
			return
		}
	}
	t.Error("shop.orders.OrderPlaced of the quickstart is not found")
}

func TestMake_IsWhatAvrogenWrites(t *testing.T) {
	s, err := schema.Parse(`{"type": "record", "name": "R", "fields": [{"name": "a", "type": "long", "default": 1, "aliases": ["b"]},
		{"name": "at", "type": {"type": "long", "logicalType": "timestamp-nanos"}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	full, bare, err := Make(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"type":"record","name":"R","fields":[{"name":"a","type":"long","default":1,"aliases":["b"]},{"name":"at","type":{"type":"long","logicalType":"timestamp-nanos"}}]}`; full.String() != want {
		t.Errorf("full %s", full)
	}
	if want := `{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"at","type":"long"}]}`; bare.String() != want {
		t.Errorf("bare %s", bare)
	}
	if s, err = schema.ParseStored(`{"type": "record", "name": "é", "fields": []}`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Make(s); err == nil {
		t.Error("avrogen takes any name")
	}
}

func TestFind_DoesNotMindDirectoriesThatComeAndGo(t *testing.T) {
	root, stop, stopped := t.TempDir(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for n := range 20 {
				_ = os.Mkdir(filepath.Join(root, fmt.Sprint(n)), 0o755)
			}
			for n := range 20 {
				_ = os.Remove(filepath.Join(root, fmt.Sprint(n)))
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 500 {
		if _, err := Find(root); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	<-stopped
}
