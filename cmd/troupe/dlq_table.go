package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// terminalWidth returns how many characters a line of the terminal w has; 0
// when w is no terminal.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// column is one of a table of letters.
type column struct {
	name  string
	cells []string
}

func (c *column) width() int {
	widest := len(c.name)
	for _, s := range c.cells {
		widest = max(widest, text.StringWidthWithoutEscSequences(s))
	}
	return widest
}

// cut shortens the column by so many characters if it must, but not below least.
func (c *column) cut(excess, least int) {
	if excess <= 0 {
		return
	}
	width := max(c.width()-excess, least)
	for i, s := range c.cells {
		for n := width; text.StringWidthWithoutEscSequences(c.cells[i]) > width && n > 0; n-- {
			c.cells[i] = cell(s, n)
		}
	}
}

// renderLetters prints a table of letters of at most width characters, as wide
// as it comes for 0.
func renderLetters(w io.Writer, letters []letterSummary, now time.Time, width int) {
	columns := fitted(columnsOf(letters, now), width)
	t := newTable(w)
	header := table.Row{}
	for _, c := range columns {
		header = append(header, c.name)
	}
	t.AppendHeader(header)
	for i := range letters {
		row := table.Row{}
		for _, c := range columns {
			row = append(row, c.cells[i])
		}
		t.AppendRow(row)
	}
	t.Render()
}

func columnsOf(letters []letterSummary, now time.Time) []*column {
	var columns []*column
	add := func(name string, of func(*letterSummary) string) {
		c := &column{name: name}
		for i := range letters {
			c.cells = append(c.cells, of(&letters[i]))
		}
		columns = append(columns, c)
	}
	add("ID", func(l *letterSummary) string { return l.ID })
	add("GROUP", func(l *letterSummary) string { return l.Group })
	add("CLASS", func(l *letterSummary) string { return cell(l.Class, 16) })
	add("TYPE", func(l *letterSummary) string { return cell(l.Event.Type, 40) })
	add("KEY", func(l *letterSummary) string { return cell(l.keyText(), 24) })
	add("SOURCE", func(l *letterSummary) string { return l.Source.String() })
	add("FAILED", func(l *letterSummary) string { return strconv.Itoa(l.Failures) + "x" })
	add("AGO", func(l *letterSummary) string { return age(now.Sub(l.FailedAt)) })
	add("MESSAGE", func(l *letterSummary) string { return cell(l.Message, 60) })
	return columns
}

// What is left of messages: columns are left out before less than leastMessage
// is, and at the worst leastWidth.
const (
	leastMessage = 24
	leastWidth   = 8
)

// fitted makes columns fit into width: no further than it must, it
// shortens types to their last part, cuts messages and leaves columns out.
func fitted(columns []*column, width int) []*column {
	excess := func() int {
		total := -gap
		for _, c := range columns {
			total += c.width() + gap
		}
		return total - width
	}
	if width <= 0 || excess() <= 0 {
		return columns
	}
	for _, c := range columns {
		if c.name == "TYPE" {
			for i, s := range c.cells {
				c.cells[i] = s[strings.LastIndexByte(s, '.')+1:]
			}
		}
	}
	message := columns[len(columns)-1]
	spare := max(message.width()-leastMessage, 0)
	for _, name := range []string{"SOURCE", "TYPE", "FAILED", "KEY", "GROUP", "CLASS"} {
		if excess() <= spare {
			break
		}
		for i, c := range columns {
			if c.name == name {
				columns = append(columns[:i:i], columns[i+1:]...)
				break
			}
		}
	}
	message.cut(excess(), leastWidth)
	return columns
}

// gap is what newTable puts between columns.
const gap = 2
