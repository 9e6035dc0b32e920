package main

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// newTable returns a table of bare columns without colours, fit for a terminal
// and for awk alike.
func newTable(w io.Writer) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	return t
}

// gap is what newTable puts between columns.
const gap = 2

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

// column is one of a table.
type column struct {
	name  string
	cells []string
	end   bool // what is cut keeps its end
}

// columnsFor returns a column of each name, and what adds a row to them.
func columnsFor(names ...string) (columns []*column, add func(cells ...string)) {
	for _, name := range names {
		columns = append(columns, &column{name: name})
	}
	return columns, func(cells ...string) {
		for i, c := range columns {
			c.cells = append(c.cells, printable(cells[i], false))
		}
	}
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
			if c.cells[i] = cell(s, n); c.end {
				c.cells[i] = cellEnd(s, n)
			}
		}
	}
}

// excess is how much wider than width the columns are.
func excess(columns []*column, width int) int {
	total := -gap
	for _, c := range columns {
		total += c.width() + gap
	}
	return total - width
}

// squeeze says how narrow a column may become.
type squeeze struct{ column, least int }

// squeezed makes columns fit into width if it can, one after the other in that order. For a width of 0
// they stay as they are.
func squeezed(columns []*column, width int, order ...squeeze) []*column {
	for _, s := range order {
		if width > 0 {
			columns[s.column].cut(excess(columns, width), s.least)
		}
	}
	return columns
}

// renderColumns prints columns as a table.
func renderColumns(w io.Writer, columns []*column) {
	t := newTable(w)
	header := table.Row{}
	for _, c := range columns {
		header = append(header, c.name)
	}
	t.AppendHeader(header)
	for i := range columns[0].cells {
		row := table.Row{}
		for _, c := range columns {
			row = append(row, c.cells[i])
		}
		t.AppendRow(row)
	}
	t.Render()
}
