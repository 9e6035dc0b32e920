package main

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// renderLetters prints a table of letters of at most width characters, as wide
// as it comes for 0.
func renderLetters(w io.Writer, letters []letterSummary, now time.Time, width int) {
	renderColumns(w, fitted(columnsOf(letters, now), width))
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
	add("CLASS", func(l *letterSummary) string { return printable(l.Class, false) })
	add("TYPE", func(l *letterSummary) string { return printable(l.Event.Type, false) })
	add("KEY", func(l *letterSummary) string { return printable(l.keyText(), false) })
	add("SOURCE", func(l *letterSummary) string { return l.Source.String() })
	add("FAILED", func(l *letterSummary) string { return strconv.Itoa(l.Failures) + "x" })
	add("AGO", func(l *letterSummary) string { return age(now.Sub(l.FailedAt)) })
	add("MESSAGE", func(l *letterSummary) string { return printable(l.Message, false) })
	return columns
}

// What is left of messages: other cells are cut before less than fairMessage is, columns
// left out before less than leastMessage is, and at the worst leastWidth.
const (
	fairMessage  = 60
	leastMessage = 24
	leastWidth   = 8
)

// most is what is left of a column's cells where there is no room for all of it.
var most = map[string]int{"CLASS": 16, "TYPE": 40, "KEY": 24}

// fitted makes columns fit into width: no further than it must, it cuts messages,
// shortens types to their last part, and leaves columns out.
func fitted(columns []*column, width int) []*column {
	excess := func() int { return excess(columns, width) }
	if width <= 0 || excess() <= 0 {
		return columns
	}
	message := columns[len(columns)-1]
	if excess() > max(message.width()-fairMessage, 0) {
		for _, c := range columns {
			for i, s := range c.cells {
				if c.name == "TYPE" {
					s = s[strings.LastIndexByte(s, '.')+1:]
				}
				if n, bounded := most[c.name]; bounded {
					c.cells[i] = cell(s, n)
				}
			}
		}
	}
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
