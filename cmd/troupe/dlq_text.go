package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// cell makes s one line of at most width characters.
func cell(s string, width int) string {
	runes := []rune(printable(s, false))
	if len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return string(runes)
}

// cellEnd makes s one line of at most width characters, of which the last ones stay.
func cellEnd(s string, width int) string {
	runes := []rune(printable(s, false))
	if len(runes) > width {
		return "…" + string(runes[len(runes)-width+1:])
	}
	return string(runes)
}

// printable replaces what would not print, or would steer the terminal:
// letters are written by others.
func printable(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case lines && (r == '\n' || r == '\t'):
			return r
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "·"))
}

// age is a time span in its two largest units: 5h12m, 3d4h, 40s.
func age(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// thousands writes 18204 as 18,204.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
