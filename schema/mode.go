package schema

import (
	"errors"
	"fmt"
	"strings"
)

// Mode says which versions of a subject have to understand each other. The names are Confluent's.
type Mode string

// The modes. BACKWARD: consumers with the new schema read what was written with the
// last one. FORWARD: consumers with the last schema read what is written with the new one. FULL: both.
// TRANSITIVE: not only the last version but all.
const (
	None               Mode = "NONE"
	Backward           Mode = "BACKWARD"
	BackwardTransitive Mode = "BACKWARD_TRANSITIVE"
	Forward            Mode = "FORWARD"
	ForwardTransitive  Mode = "FORWARD_TRANSITIVE"
	Full               Mode = "FULL"
	FullTransitive     Mode = "FULL_TRANSITIVE"
)

// ParseMode reads a mode, in any case of letters.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(strings.ToUpper(s)); m {
	case None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive:
		return m, nil
	}
	return "", fmt.Errorf("%q is no compatibility mode: those are NONE, BACKWARD, FORWARD and FULL, the last three also with _TRANSITIVE", s)
}

// Check finds out whether candidate may follow history, which is ordered oldest first. It returns every
// pair that cannot be read, none when the schema is compatible. Breaks with newer versions come
// first; of one version, first the one where the candidate reads. A version that is Equal to the
// candidate breaks nothing: a Decoder does not resolve it.
//
// A Mode that is none of the constants is a bug in the program: Check panics.
func (m Mode) Check(candidate *Schema, history []*Schema) []Break {
	backward, forward := m.directions()
	var breaks []Break
	for i := len(history) - 1; i >= m.first(len(history)); i-- {
		if candidate.Equal(history[i]) {
			continue
		}
		if backward {
			breaks = appendBreak(breaks, i, false, history[i], candidate)
		}
		if forward {
			breaks = appendBreak(breaks, i, true, candidate, history[i])
		}
	}
	return breaks
}

// directions says whether the candidate has to read the history, and the history the candidate.
func (m Mode) directions() (backward, forward bool) {
	switch m {
	case None:
		return false, false
	case Backward, BackwardTransitive:
		return true, false
	case Forward, ForwardTransitive:
		return false, true
	case Full, FullTransitive:
		return true, true
	}
	panic(fmt.Sprintf("schema: %q is no Mode", string(m)))
}

// first is the oldest of n versions that the mode asks about.
func (m Mode) first(n int) int {
	switch m {
	case BackwardTransitive, ForwardTransitive, FullTransitive:
		return 0
	}
	return max(n-1, 0)
}

func appendBreak(breaks []Break, version int, oldReads bool, writer, reader *Schema) []Break {
	_, err := Resolve(writer, reader)
	if err == nil {
		return breaks
	}
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		mismatch = &MismatchError{Writer: writer, Reader: reader, Err: err}
	}
	return append(breaks, Break{Version: version, OldReads: oldReads, Mismatch: mismatch})
}

// Break is a pair of versions of which the one cannot be read with the other.
type Break struct {
	// Version is the index in the history that was checked.
	Version int
	// OldReads says which side is the reader: false when the candidate can't read data of
	// the old version, true when consumers with the old version can't read the candidate's.
	OldReads bool
	// Mismatch holds both schemas and all violations.
	Mismatch *MismatchError
}
