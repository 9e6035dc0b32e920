package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// printer writes Markdown until something fails.
type printer struct {
	to  io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.to, format+"\n", args...)
	}
}

func (p *printer) heading(text string) { p.line("\n## %s\n", text) }

// table writes rows, the first of which is the head, in columns that stand below each other.
func (p *printer) table(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range rows {
		for k, cell := range row {
			row[k] = cell + strings.Repeat(" ", widths[k]-utf8.RuneCountInString(cell))
		}
		p.line("| %s |", strings.Join(row, " | "))
		if i == 0 {
			for k := range row {
				row[k] = strings.Repeat("-", widths[k])
			}
			p.line("|-%s-|", strings.Join(row, "-|-"))
		}
	}
}

func row(cells ...any) []string {
	var texts []string
	for _, c := range cells {
		texts = append(texts, fmt.Sprint(c))
	}
	return texts
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
