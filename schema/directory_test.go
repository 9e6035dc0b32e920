package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/troupe-go/troupe/schema"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func openDir(t *testing.T, dir string) *schema.Directory {
	t.Helper()
	d, err := schema.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Ids are the first 31 bits of a SHA-256 (RFC 9562 version 8, name space nil). They are on the wire of events that people keep: these figures never change.
func TestDirectory_DerivesIdsFromHowASchemaWrites(t *testing.T) {
	for id, text := range map[int]string{
		16689453:   `"string"`,
		719229411:  `{"type":"long","logicalType":"timestamp-millis"}`,
		1917872497: order.String(),
	} {
		d, err := schema.ReadDirectory(fstest.MapFS{"s/1.avsc": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.Latest(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		if v.ID != id {
			t.Errorf("the id of %s is %d, not %d", text, v.ID, id)
		}
		if s, err := d.ByID(t.Context(), id); err != nil || !s.Equal(v.Schema) {
			t.Errorf("ByID(%d) = %v, %v", id, s, err)
		}
	}
}

func TestDirectory_KeepsIdsWhenFilesAreAddedAndDocsChange(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "orders/1.avsc", order.String())
	d := openDir(t, dir)
	before, err := d.Latest(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "another/1.avsc", payment.String())
	write(t, dir, "orders/1.avsc", orderUndocumented.String())
	write(t, dir, "orders/2.avsc", orderWithNote.String())
	versions, err := d.Versions(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	if versions[0].ID != before.ID || versions[1].ID == before.ID {
		t.Errorf("ids are now %d and %d, and it was %d", versions[0].ID, versions[1].ID, before.ID)
	}
	if got, err := openDir(t, dir).ByID(t.Context(), before.ID); err != nil || !got.Equal(order) {
		t.Errorf("ByID = %v, %v", got, err)
	}
}

func TestDirectory_FindsFilesThatWereAddedLater(t *testing.T) {
	dir := t.TempDir()
	d, other := openDir(t, dir), openDir(t, dir)
	v, err := other.Register(t.Context(), "orders/a b", order)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "orders%2Fa%20b", "1.avsc")); err != nil {
		t.Error(err)
	}
	if s, err := d.ByID(t.Context(), v.ID); err != nil || !s.Equal(order) {
		t.Errorf("ByID = %v, %v", s, err)
	}
	if got, err := d.Lookup(t.Context(), "orders/a b", order); err != nil || got.Version != 1 {
		t.Errorf("Lookup = %v, %v", got, err)
	}
}

func TestDirectory_LeavesOnlyVersionsBehind(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir)
	for _, s := range []*schema.Schema{order, orderWithNote, order} {
		if _, err := d.Register(t.Context(), "orders", s); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Name() != "1.avsc" || entries[1].Name() != "2.avsc" {
		t.Errorf("files: %v", entries)
	}
	text, err := os.ReadFile(filepath.Join(dir, "orders", "1.avsc"))
	if err != nil {
		t.Fatal(err)
	}
	if got := must(string(text)); got.String() != order.String() || strings.Count(string(text), "\n") < 5 {
		t.Errorf("not what was registered, for people to read: %s", text)
	}
}

func TestDirectory_GoesOnAfterAGapAndIgnoresOtherFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "orders/3.avsc", order.String())
	write(t, dir, "orders/README.md", "what these are")
	write(t, dir, "README.md", "and these")
	write(t, dir, ".git/config/1.avsc", "not a schema")
	write(t, dir, "notes and more/notes.txt", "not a subject")
	d := openDir(t, dir)
	if v, err := d.Register(t.Context(), "orders", orderWithNote); err != nil || v.Version != 4 {
		t.Errorf("Register = %+v, %v, not version 4", v, err)
	}
}

func TestReadDirectory_IsReadOnly(t *testing.T) {
	d, err := schema.ReadDirectory(fstest.MapFS{"orders/1.avsc": {Data: []byte(order.String())}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := d.Register(t.Context(), "orders", order); err != nil || v.Version != 1 {
		t.Errorf("Register of what is there = %+v, %v", v, err)
	}
	_, err = d.Register(t.Context(), "orders", orderWithNote)
	wantText(t, err, "orders", "read-only")
}

func TestOpenDirectory_ReportsEverythingThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "orders/latest.avsc", order.String())
	write(t, dir, "orders/01.avsc", order.String())
	write(t, dir, "payments/1.avsc", `{"type":"recrd"}`)
	write(t, dir, "a b/1.avsc", order.String())
	_, err := schema.OpenDirectory(dir)
	wantText(t, err, dir, "orders/latest.avsc", "orders/01.avsc", "payments/1.avsc", "recrd", "a%20b")

	_, err = schema.OpenDirectory(filepath.Join(dir, "absent"))
	wantText(t, err, "absent")
}

// A file that is being edited is no reason to lose events.
func TestDirectory_IsUnavailableWhileAFileIsBroken(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "orders/1.avsc", order.String())
	d := openDir(t, dir)
	v, err := d.Latest(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "orders/2.avsc", `{"type":`)
	if _, err := d.ByID(t.Context(), v.ID); err != nil {
		t.Errorf("what was known is not any more: %v", err)
	}
	_, err = d.ByID(t.Context(), v.ID+1)
	wantError[*schema.UnavailableError](t, "ByID", err)
	wantText(t, err, dir, "orders/2.avsc")
	write(t, dir, "orders/2.avsc", orderWithNote.String())
	if _, err := d.Lookup(t.Context(), "orders", orderWithNote); err != nil {
		t.Error(err)
	}
}

// f64989 and f81040 have the same first 31 bits of hash.
func TestDirectory_RefusesTwoSchemasThatHashToOneId(t *testing.T) {
	first, second := `{"type":"fixed","name":"f64989","size":1}`, `{"type":"fixed","name":"f81040","size":1}`
	d := openDir(t, t.TempDir())
	if _, err := d.Register(t.Context(), "a", must(first)); err != nil {
		t.Fatal(err)
	}
	_, err := d.Register(t.Context(), "b", must(second))
	wantText(t, err, "f81040", "708278230", `subject "a" version 1`)
	if _, err := d.Latest(t.Context(), "b"); err == nil {
		t.Error("the second one was written all the same")
	}

	dir := t.TempDir()
	write(t, dir, "a/1.avsc", first)
	write(t, dir, "b/1.avsc", second)
	_, err = schema.OpenDirectory(dir)
	wantText(t, err, "f81040", "708278230", `subject "a" version 1`)
}
