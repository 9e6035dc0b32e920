package schema

import "strings"

// WithoutComments returns a schema's text with white space where its comments are: any reader of JSON takes
// it, and each place is where it was. What is no JSON otherwise stays so.
func WithoutComments(text string) string {
	if !strings.Contains(text, "//") && !strings.Contains(text, "/*") {
		return text
	}
	b := []byte(text)
	inString := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case !inString && c == '/':
			length := comment(text[i:])
			blank(b[i : i+length])
			i += max(length-1, 0)
		}
	}
	return string(b)
}

func blank(b []byte) {
	for i, c := range b {
		if c != '\n' && c != '\r' {
			b[i] = ' '
		}
	}
}

// comment returns how long the comment is that s begins with: 0 if it begins with none, or with one that never ends.
func comment(s string) int {
	switch {
	case strings.HasPrefix(s, "//"):
		if end := strings.IndexAny(s, "\r\n"); end >= 0 {
			return end
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return end + 4
		}
	}
	return 0
}
