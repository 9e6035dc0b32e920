package check

import (
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

func TestVersions_EachNewOneIsComparedWithThoseBeforeIt(t *testing.T) {
	w := newRepository(t)
	w.commit("orders/1.avsc", record("Order", `"id": "string"`), "orders/2.avsc", record("Order", `"id": "string"`, `"n": "int"`))
	w.git("checkout", "--quiet", "-b", "change")
	w.commit("orders/3.avsc", record("Order", `"id": "string"`, `"n": "string"`), "orders/4.avsc", record("Order", `"id": "string"`, `"n": "string"`, `"x": "int"`),
		"orders/5.avsc", record("Order", `"id": "string"`, `"n": "string"`, `"x": "int"`, `"y": "int", "default": 0`))
	o := w.options()
	w.exits(o, 1, "✗ shop.Order  orders/5.avsc\n  BACKWARD (from the default), compared with main:v2; v3, v4 and v5 are new, each compared with what was before it\n",
		"Consumers on v3 cannot read the events of main:v2 that are still in the topic:\n\n    orders/3.avsc:2:23  TYPE_MISMATCH\n",
		"Consumers on v4 cannot read the events of v3 that are still in the topic:\n\n    orders/4.avsc:3:1  READER_FIELD_MISSING_DEFAULT_VALUE\n",
		"1 subject breaking (against")
	o.Mode = schema.FullTransitive
	r := w.check(o)
	var got []string
	for _, f := range r.Subjects[0].Findings {
		got = append(got, strings.Join([]string{f.Version, string(f.Kind), strings.Join(f.Versions, " "), f.New.File, f.Field}, " | "))
	}
	want := []string{
		"v3 | new-reads-old | main:v1 | orders/3.avsc | shop.Order.n",
		"v3 | new-reads-old | main:v2 | orders/3.avsc | shop.Order.n",
		"v3 | old-reads-new | main:v2 | orders/3.avsc | shop.Order.n",
		"v4 | new-reads-old | main:v1 | orders/4.avsc | shop.Order.n",
		"v4 | new-reads-old | main:v1 main:v2 v3 | orders/4.avsc | shop.Order.x",
		"v4 | new-reads-old | main:v2 | orders/4.avsc | shop.Order.n",
		"v4 | old-reads-new | main:v2 | orders/4.avsc | shop.Order.n",
		"v5 | new-reads-old | main:v1 | orders/5.avsc | shop.Order.n",
		"v5 | new-reads-old | main:v1 main:v2 v3 | orders/5.avsc | shop.Order.x",
		"v5 | new-reads-old | main:v2 | orders/5.avsc | shop.Order.n",
		"v5 | old-reads-new | main:v2 | orders/5.avsc | shop.Order.n",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("findings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w.exits(w.waived(o, r), 0, "1 waived")
}

func TestVersions_TheOrderOfDeploymentIsThatOfTheVersions(t *testing.T) {
	w := newRepository(t)
	w.commit("orders/1.avsc", record("Order", `"id": "string"`, `"n": "int"`))
	w.commit("orders/2.avsc", orderV1, "orders/3.avsc", orderV2, "contracts/billing/order.avsc", record("Order", `"n": "int"`))
	w.exits(w.options(), 1, "Service billing cannot read v2 of shop.Order", "Service billing cannot read v3 of shop.Order", "1 contract of 1 service",
		"If it must go out all the same: first service billing, with a schema that can read new events; then v2: consumers first, then producers; then any order")
	w.commit("contracts/billing/order.avsc", "")
	w.commit("orders/4.avsc", orderV2, "orders/5.avsc", orderV2)
	w.exits(w.options(), 0, "1 compatible")
}

func TestVersions_OfANewSubjectFitEachOther(t *testing.T) {
	w := newRepository(t)
	w.commit("x", "x")
	w.commit("orders/1.avsc", orderV1, "orders/2.avsc", orderBad)
	w.exits(w.options(), 1, "✗ shop.Order  orders/2.avsc\n  BACKWARD (from the default); v1 and v2 are new, each", "Consumers on v2 cannot read the events of v1 that are still in the topic")
	w.git("reset", "--quiet", "--hard", "HEAD^")
	w.commit("orders/1.avsc", orderV1, "orders/2.avsc", orderV2)
	w.exits(w.options(), 2, "nothing was checked") // a wrong branch or path looks the same
	o := w.options()
	o.AllowNew = true
	w.exits(o, 0, "1 new")
}

func TestVersions_OneThatComesBeforeAnOldOneIsNoted(t *testing.T) {
	w := newRepository(t)
	w.commit("orders/1.avsc", orderV1, "orders/3.avsc", orderV2)
	w.commit("orders/2.avsc", record("Order", `"id": "int"`))
	w.exits(w.options(), 0, "! orders/2.avsc is new and is not checked, as v3 was there before it", "1 warning")
	w.exits(w.options("orders/2.avsc"), 1, "Field id was string and now is int")
}

func TestVersions_AreFoundInDirectoriesAndRegistriesToo(t *testing.T) {
	w, o := inFiles(t, "old/orders/1.avsc", orderV1, "new/orders/1.avsc", orderV1, "new/orders/2.avsc", orderBad, "new/orders/3.avsc", orderV2)
	w.exits(o, 1, "compared with old:v1; v2 and v3 are new", "Consumers on v2 cannot read the events of old:v1")
	r := &fakeRegistry{level: schema.Backward, names: []string{"orders-shop.Order"}}
	for _, text := range []string{record("Order"), orderV1} {
		s, err := schema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Register(t.Context(), "orders-shop.Order", s); err != nil {
			t.Fatal(err)
		}
	}
	o.Against, o.Open = "registry", func() (Registry, string, error) { return r, "http://r", nil }
	w.exits(o, 1, "compared with v2 of orders-shop.Order; new/orders/2.avsc and new/orders/3.avsc are new", "Consumers on new/orders/2.avsc cannot read the events of v2")
}
