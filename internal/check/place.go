package check

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"unicode/utf8"

	"github.com/troupe-go/troupe/schema"
)

// Place is a place in a schema's file, and the type that is there. Lines and columns count from 1, columns in bytes.
type Place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// EndLine and EndColumn are just behind what is there, 0 where only its first line matters or nobody can tell.
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
	Type      string `json:"type,omitempty"`
}

func placeOf(s schema.Side) Place {
	return Place{File: s.Position.File, Line: s.Position.Line, Column: s.Position.Column, Type: s.Type}
}

// String is "file:line:column".
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// source is the text of a file, to find places in.
type source struct {
	text []byte
	// lines are where the lines start, nil where nobody asked yet.
	lines []int
	ends  map[int]int // what end returned, by offset
	plain []byte      // the text without comments, once end was asked
	valid bool        // it is JSON
}

// starts returns where the lines start.
func (s *source) starts() []int {
	if s.lines == nil {
		s.lines = []int{0}
		for i, c := range s.text {
			if c == '\n' {
				s.lines = append(s.lines, i+1)
			}
		}
	}
	return s.lines
}

// offset is where a line and a column are in the text, -1 where they are not.
func (s *source) offset(line, column int) int {
	lines := s.starts()
	if line < 1 || line > len(lines) || column < 1 || lines[line-1]+column > len(s.text) {
		return -1
	}
	return lines[line-1] + column - 1
}

// position is the line and the column of an offset.
func (s *source) position(offset int) (line, column int) {
	lines := s.starts()
	line = sort.SearchInts(lines, offset+1)
	return line, offset - lines[line-1] + 1
}

// end is where the JSON value ends that starts at an offset, or behind it after space, 0 where that is a record of several lines.
func (s *source) end(offset int) int {
	if s.ends == nil {
		s.ends, s.plain = map[int]int{}, []byte(schema.WithoutComments(string(s.text)))
		s.valid = json.Valid(s.plain)
	}
	if end, ok := s.ends[offset]; ok || !s.valid {
		return end
	}
	r := valueReader{text: s.plain, at: offset, left: math.MaxInt}
	v := r.value()
	end := v.span[1]
	first, _ := s.position(v.span[0])
	if last, _ := s.position(end); last > first && v.get("fields") != nil {
		end = 0 // what is said is not about each of its fields
	}
	s.ends[offset] = end
	return end
}

// utf16 is the column in UTF-16 code units, as editors and browsers count.
func (s *source) utf16(line, column int) int {
	from, to := s.offset(line, 1), s.offset(line, column-1)
	if from < 0 || to < 0 || column <= 1 {
		return column
	}
	units := 0
	for text := s.text[from : to+1]; len(text) > 0; units++ {
		r, size := utf8.DecodeRune(text)
		if r > math.MaxUint16 {
			units++
		}
		text = text[size:]
	}
	return units + 1
}

// columns are the start and the end of a place in UTF-16 code units, 0 where there is none.
func (r *Report) columns(p Place) (start, end int) {
	s := r.sources[p.File]
	if s == nil {
		return p.Column, p.EndColumn
	}
	return s.utf16(p.Line, p.Column), s.utf16(p.EndLine, p.EndColumn)
}

// load reads files of a tree, and keeps them to find places in.
func (c *checker) load(t *workTree, paths []string) []*file {
	files := t.load(paths)
	for _, f := range files {
		c.report.sources[f.show] = &source{text: f.text}
	}
	return files
}

// ends finds out where the places of the findings end.
func (c *checker) ends() {
	for _, s := range c.report.Subjects {
		for i := range s.Findings {
			at := &s.Findings[i].New
			of := c.report.sources[at.File]
			if of == nil {
				continue
			}
			start := of.offset(at.Line, at.Column)
			if start < 0 {
				continue
			}
			if end := of.end(start); end > 0 {
				at.EndLine, at.EndColumn = of.position(end)
			}
		}
	}
}
