package check

import (
	"bytes"
	"fmt"
)

// mostUnread is how many files are told one by one that were no schemas before the change either.
const mostUnread = 3

// formerly is a history of files.
type formerly interface {
	// unreadBefore returns the text that a candidate's file had, nil where it was a schema or not there.
	unreadBefore(path string) []byte
}

// problems tells what is wrong with files: first those that the change touches, one by one. What was so before is
// told in short if it is much: nobody finds the others behind it.
func (c *checker) problems(candidates *set, h history) {
	before, known := h.(formerly)
	untouched := map[string]bool{}
	for _, f := range candidates.unread {
		untouched[f.show] = known && f.err == nil && f.text != nil && bytes.Equal(before.unreadBefore(f.path), f.text)
	}
	var touched, same []Problem
	for _, p := range candidates.problems {
		if untouched[p.File] {
			same = append(same, p)
		} else {
			touched = append(touched, p)
		}
	}
	c.report.Problems = append(c.report.Problems, touched...)
	if len(same) <= mostUnread {
		c.report.Problems = append(c.report.Problems, same...)
		return
	}
	first := same[0]
	first.Message = fmt.Sprintf("%d files were no schemas in %s either: repair them, or leave them out (\"exclude\" under schema: in troupe.yaml); -o json has them all. The first: %s",
		len(same), c.report.Against, first.Message)
	first.Same = same
	c.report.Problems = append(c.report.Problems, first)
}

// textOf returns the text of a file that is no schema, nil if there is none of that path.
func (s *set) textOf(path string) []byte {
	for _, f := range s.unread {
		if f.path == path {
			return f.text
		}
	}
	return nil
}

func (h *gitHistory) unreadBefore(path string) []byte {
	in, err := h.c.inRepository(path)
	if err != nil {
		return nil
	}
	return h.trees[len(h.trees)-1].textOf(in)
}

func (h *fileHistory) unreadBefore(path string) []byte { return h.textOf(h.at(path)) }

func (h *registryHistory) unreadBefore(path string) []byte {
	if h.before == nil {
		return nil
	}
	return h.before.unreadBefore(path)
}
