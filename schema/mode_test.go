package schema

import (
	"encoding/json"
	"slices"
	"testing"
)

type modeRow struct {
	ID, Mode   string
	History    []json.RawMessage
	Candidate  json.RawMessage
	Compatible bool
}

// The rows are facts from the tests of other projects; each names its source.
func TestModeCheck_AgreesWithEveryRowOfTheCorpus(t *testing.T) {
	all, modes := rows[modeRow](t, "testdata/avro-modes.jsonl"), map[Mode]int{}
	for _, row := range all {
		mode, err := ParseMode(row.Mode)
		if err != nil {
			t.Fatal(err)
		}
		modes[mode]++
		t.Run(row.ID, func(t *testing.T) {
			var history []*Schema
			for _, text := range row.History {
				history = append(history, stored(t, text))
			}
			breaks := mode.Check(stored(t, row.Candidate), history)
			if (len(breaks) == 0) != row.Compatible {
				t.Errorf("compatible is %t: %v", row.Compatible, mismatches(breaks))
			}
		})
	}
	if len(all) != 263 || len(modes) != 7 {
		t.Errorf("%d rows with %d modes, not 263 with 7", len(all), len(modes))
	}
}

func stored(t *testing.T, text json.RawMessage) *Schema {
	t.Helper()
	s, err := ParseStored(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mismatches(breaks []Break) (all []error) {
	for _, b := range breaks {
		all = append(all, b.Mismatch)
	}
	return all
}

func TestModeCheck_NamesEveryBreakNewestVersionFirst(t *testing.T) {
	var (
		none    = mustParse(t, `{"type":"record","name":"R","fields":[]}`)
		a       = mustParse(t, `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`)
		b       = mustParse(t, `{"type":"record","name":"R","fields":[{"name":"b","type":"int"}]}`)
		history = []*Schema{a, none, b}
	)
	type broken struct {
		version  int
		oldReads bool
	}
	for _, c := range []struct {
		mode      Mode
		candidate *Schema
		want      []broken
	}{
		{None, a, nil},
		{Backward, a, []broken{{2, false}}},
		{Forward, none, []broken{{2, true}}},
		{Full, a, []broken{{2, false}, {2, true}}},
		{BackwardTransitive, a, []broken{{2, false}, {1, false}}},
		{ForwardTransitive, none, []broken{{2, true}, {0, true}}},
		{FullTransitive, a, []broken{{2, false}, {2, true}, {1, false}}},
	} {
		var got []broken
		for _, found := range c.mode.Check(c.candidate, history) {
			got = append(got, broken{found.Version, found.OldReads})
			writer, reader := history[found.Version], c.candidate
			if found.OldReads {
				writer, reader = reader, writer
			}
			if m := found.Mismatch; m.Writer != writer || m.Reader != reader || len(m.Violations) != 1 || m.Violations[0].Rule != MissingDefault {
				t.Errorf("%s: version %d: %v", c.mode, found.Version, m)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", c.mode, got, c.want)
		}
		if first := c.mode.Check(c.candidate, nil); first != nil {
			t.Errorf("%s: the first version breaks %v", c.mode, first)
		}
	}
}

func TestParseMode_ReadsTheSevenInAnyCase(t *testing.T) {
	for text, want := range map[string]Mode{
		"NONE": None, "backward": Backward, "Backward_Transitive": BackwardTransitive, "FORWARD": Forward,
		"FORWARD_TRANSITIVE": ForwardTransitive, "full": Full, "FULL_TRANSITIVE": FullTransitive,
	} {
		if got, err := ParseMode(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "BACKWARDS", "FULL_TRANSITIV", "BACKWARD "} {
		if got, err := ParseMode(text); err == nil || got != "" {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestMode_TakesAVersionThatIsEqualForReadable(t *testing.T) {
	// Its alias makes it ambiguous where it has to be resolved, and it has not.
	s := mustParse(t, `{"type":"record","name":"R","fields":[{"name":"amount","type":"int","aliases":["qty"]},{"name":"qty","type":"int"}]}`)
	if _, err := Resolve(s, s); err == nil {
		t.Error("Resolve guesses")
	}
	if breaks := FullTransitive.Check(s, []*Schema{s, mustParse(t, s.String())}); len(breaks) > 0 {
		t.Errorf("%v", breaks[0].Mismatch)
	}
}
