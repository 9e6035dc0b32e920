package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
)

func TestRenderLetters_FitsTheTerminal(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 4, 5, 0, time.UTC)
	key := "cust-1834"
	letters := []letterSummary{{
		ID: "7ccrwzxym5b4zeny", Group: "payments", Class: "permanent", Failures: 1, FailedAt: now, bytesJSON: bytesJSON{Key: &key},
		Event: eventJSON{Type: "shop.orders.OrderPlaced"}, Source: &placeJSON{Topic: "quickstart.orders", Partition: 1, Offset: 477},
		Message: `no acquirer for country "日本" of customer cust-1834, who is new here`,
	}}
	for _, c := range []struct {
		width      int
		has, lacks string
	}{
		{0, "ID GROUP CLASS TYPE KEY SOURCE FAILED AGO MESSAGE shop.orders.OrderPlaced customer", "…!"},
		{1000, "shop.orders.OrderPlaced SOURCE", "…!"},
		{130, "OrderPlaced SOURCE quickstart.orders/1@477 …", "shop.orders"},
		{100, "OrderPlaced GROUP KEY …", "SOURCE"},
		{80, "ID CLASS MESSAGE acquirer …", "SOURCE TYPE"},
		{40, "7ccrwzxym5b4zeny MESSAGE …", "GROUP CLASS"},
	} {
		var b bytes.Buffer
		renderLetters(&b, letters, now, c.width)
		for line := range strings.Lines(b.String()) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); c.width > 0 && n > c.width {
				t.Errorf("%d characters for %d: %s", n, c.width, line)
			}
		}
		for _, want := range strings.Fields(c.has) {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%d: %s is missing in\n%s", c.width, want, &b)
			}
		}
		for _, none := range strings.Fields(c.lacks) {
			if strings.Contains(b.String(), none) {
				t.Errorf("%d: %s is in\n%s", c.width, none, &b)
			}
		}
	}
}

// A message has what the others leave: with room for them, only messages are cut.
func TestRenderLetters_CutsNothingButMessagesOnAWideTerminal(t *testing.T) {
	key := strings.Repeat("key-", 10)
	letters := []letterSummary{{
		ID: "7ccrwzxym5b4zeny", Group: "payments", Class: strings.Repeat("class", 5), bytesJSON: bytesJSON{Key: &key},
		Event: eventJSON{Type: strings.Repeat("shop.", 10) + "OrderPlaced"}, Source: &placeJSON{Topic: "orders"},
		Message: strings.Repeat("long ", 60) + "end",
	}}
	var b bytes.Buffer
	renderLetters(&b, letters, time.Now(), 280)
	_, row, _ := strings.Cut(b.String(), "\n")
	row = strings.TrimSuffix(row, "\n")
	if n := text.StringWidthWithoutEscSequences(row); n != 280 {
		t.Errorf("%d characters of 280", n)
	}
	for _, want := range []string{key, letters[0].Class, letters[0].Event.Type, "…"} {
		if !strings.Contains(row, want) {
			t.Errorf("%s is missing in\n%s", want, row)
		}
	}
}

func TestPrint_CutsTheTableOnATerminalOnly(t *testing.T) {
	letters := []letterSummary{{ID: "7ccrwzxym5b4zeny", Event: eventJSON{Type: "shop.orders.OrderPlaced"}, Message: strings.Repeat("long ", 400) + "end"}}
	for _, c := range []struct {
		output   string
		terminal int
		cut      bool
	}{{"table", 60, true}, {"wide", 60, false}, {"table", 0, false}} {
		var b bytes.Buffer
		o := lsOptions{output: c.output, dlqOptions: &dlqOptions{now: time.Now, width: func(io.Writer) int { return c.terminal }}}
		if err := o.print(&b, letters); err != nil {
			t.Fatal(err)
		}
		if cut := !strings.Contains(b.String(), "shop.orders") || !strings.Contains(b.String(), "end"); cut != c.cut {
			t.Errorf("%+v: %s", c, &b)
		}
	}
	if n := terminalWidth(&bytes.Buffer{}); n != 0 {
		t.Errorf("a buffer is %d wide", n)
	}
}
