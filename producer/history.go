package producer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// leveler is a Registry that knows what the versions of a subject have to be to each other.
type leveler interface {
	Level(ctx context.Context, subject string) (schema.Mode, error)
}

var _ leveler = (*schema.Client)(nil)

// mode returns the compatibility that a subject demands.
func (s *schemaIDs) mode(ctx context.Context, subject string) (schema.Mode, error) {
	if s.compatibility != "" {
		return s.compatibility, nil
	}
	l, ok := s.registry.(leveler)
	if !ok {
		return schema.Backward, nil
	}
	m, err := l.Level(ctx, subject)
	if unset := (*schema.NotFoundError)(nil); errors.As(err, &unset) {
		return schema.Backward, nil
	}
	if err != nil {
		return "", err
	}
	return schema.ParseMode(string(m))
}

// find returns the id of a schema under a subject whose history allows it.
func (s *schemaIDs) find(ctx context.Context, subject string, sc *schema.Schema) (id int, err error) {
	mode, err := s.mode(ctx, subject)
	if err != nil {
		return 0, fmt.Errorf("ask for the compatibility level: %w", err)
	}
	if s.autoRegister {
		return s.register(ctx, mode, subject, sc)
	}
	v, err := s.registry.Lookup(ctx, subject, sc)
	if err != nil || mode == schema.None {
		return v.ID, err
	}
	history, err := s.registry.Versions(ctx, subject)
	if err != nil {
		return 0, fmt.Errorf("ask for the subject's history: %w", err)
	}
	return v.ID, s.judge(mode, v, history)
}

// register finds the id of a schema that is there to the letter; a new one is
// checked before it gets into the history.
func (s *schemaIDs) register(ctx context.Context, mode schema.Mode, subject string, sc *schema.Schema) (int, error) {
	if mode == schema.None {
		v, err := s.registry.Register(ctx, subject, sc)
		return v.ID, err
	}
	history, err := s.registry.Versions(ctx, subject)
	if missing := (*schema.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
		return 0, fmt.Errorf("ask for the subject's history: %w", err)
	}
	text := sc.String()
	for i := len(history) - 1; i >= 0; i-- {
		if v := history[i]; v.Schema.String() == text {
			return v.ID, s.judge(mode, v, history)
		}
	}
	if err := check(mode, subject, sc, history); err != nil {
		return 0, err
	}
	v, err := s.registry.Register(ctx, subject, sc)
	return v.ID, err
}

// judge checks a version against those before it. Those after it are not this
// service's doing, and must not keep it from starting again: it only warns of
// consumers on them that can't read what it publishes.
func (s *schemaIDs) judge(mode schema.Mode, v schema.Version, history []schema.Version) error {
	var before, after []schema.Version
	for _, h := range history {
		switch {
		case h.Version < v.Version:
			before = append(before, h)
		case h.Version > v.Version:
			after = append(after, h)
		}
	}
	if len(after) > 0 && !strings.HasSuffix(string(mode), "_TRANSITIVE") {
		after = after[:1]
	}
	for _, next := range after {
		for _, b := range mode.Check(next.Schema, []*schema.Schema{v.Schema}) {
			if !b.OldReads {
				s.log.Warn("a newer version of the schema can't read what this service publishes: such events are dead letters for consumers on it",
					"subject", v.Subject, "version", v.Version, "newer", next.Version, "cause", b.Mismatch)
			}
		}
	}
	return check(mode, v.Subject, v.Schema, before)
}

// check returns a *HistoryError unless sc may follow history.
func check(mode schema.Mode, subject string, sc *schema.Schema, history []schema.Version) error {
	if len(history) == 0 {
		return nil
	}
	schemas := make([]*schema.Schema, len(history))
	for i, v := range history {
		schemas[i] = v.Schema
	}
	breaks := mode.Check(sc, schemas)
	if len(breaks) == 0 {
		return nil
	}
	e := &HistoryError{Subject: subject, Mode: mode}
	for _, b := range breaks {
		e.Breaks = append(e.Breaks, Break{Version: history[b.Version].Version, ID: history[b.Version].ID, OldReads: b.OldReads, Mismatch: b.Mismatch})
	}
	return e
}

// HistoryError says that a schema is not compatible with earlier versions of
// its subject: consumers that have the one can't read events of the other. It is this
// package's own verdict, by the rules that consumers decode with. It wraps a
// *schema.IncompatibleError and the *schema.MismatchError of each Break.
type HistoryError struct {
	Subject string
	// Mode is the compatibility that was checked.
	Mode schema.Mode
	// Breaks are all pairs of versions that don't fit, at least one.
	Breaks []Break
}

// Break is an earlier version of a subject that does not fit a new schema.
type Break struct {
	// Version and ID are the earlier version's in the registry.
	Version, ID int
	// OldReads tells the direction: true when consumers with the earlier version
	// can't read events of the new one, false when consumers with the new one can't read
	// those of the earlier, which may still be in the topic.
	OldReads bool
	// Mismatch holds both schemas and every violation.
	Mismatch *schema.MismatchError
}

// Error says who breaks, and names every violation on a line of its own.
func (e *HistoryError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "the schema breaks %s compatibility:", e.Mode)
	for _, b := range e.Breaks {
		fmt.Fprintf(&text, "\n  %s:", b.who())
		for _, reason := range b.reasons() {
			text.WriteString("\n    " + reason)
		}
	}
	return text.String()
}

// who says which consumers break.
func (b Break) who() string {
	if b.OldReads {
		return fmt.Sprintf("consumers that have version %d (id %d) can't read the new events", b.Version, b.ID)
	}
	return fmt.Sprintf("consumers that get the new schema can't read events of version %d (id %d)", b.Version, b.ID)
}

func (b Break) reasons() []string {
	if len(b.Mismatch.Violations) == 0 {
		return []string{b.Mismatch.Error()}
	}
	all := make([]string, len(b.Mismatch.Violations))
	for i, v := range b.Mismatch.Violations {
		all[i] = v.String()
	}
	return all
}

// Unwrap returns a *schema.IncompatibleError and the breaks' mismatches.
func (e *HistoryError) Unwrap() []error {
	refused := &schema.IncompatibleError{Subject: e.Subject}
	errs := []error{refused}
	for _, b := range e.Breaks {
		for _, reason := range b.reasons() {
			refused.Reasons = append(refused.Reasons, b.who()+": "+reason)
		}
		errs = append(errs, b.Mismatch)
	}
	return errs
}
