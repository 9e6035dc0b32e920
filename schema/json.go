package schema

import (
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxText is the largest schema text that is read.
	maxText = 16 << 20
	// maxNesting is how deep arrays and objects of a schema text may lie in each other.
	// Everything that walks a schema may therefore recurse.
	maxNesting = 1000
)

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonFalse
	jsonTrue
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

func (k jsonKind) String() string {
	return [...]string{"null", "false", "true", "a number", "a string", "an array", "an object"}[k]
}

// token is a value of a JSON text. The tokens of a text lie in a row, those
// of an array's items or an object's keys and values behind their parent.
type token struct {
	start, end uint32 // in the text
	next       uint32 // the token behind this value and all within it
	kind       jsonKind
	escaped    bool // a string that holds a backslash
}

// jsonText is a JSON text that was read, RFC 8259. It costs some 16 bytes a
// value beyond the text itself, however hostile that is.
type jsonText struct {
	file   string // see ParseFile
	text   string
	tokens []token
	lines  []uint32 // where lines start; made when a position is first asked for
}

// jsonValue is a value in a jsonText.
type jsonValue struct {
	doc *jsonText
	i   uint32
}

// Position is a place in a schema's text. Line and Column count from 1, the column in bytes.
type Position struct {
	File         string // as ParseFile was told, "" otherwise
	Line, Column int
}

// String returns "file:line:column", without the file where there is none.
func (p Position) String() string {
	if p.File == "" {
		return fmt.Sprintf("%d:%d", p.Line, p.Column)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func (d *jsonText) position(offset uint32) Position {
	if d.lines == nil {
		d.lines = append(d.lines, 0)
		for i := range len(d.text) {
			if d.text[i] == '\n' {
				d.lines = append(d.lines, uint32(i)+1)
			}
		}
	}
	lo, hi := 0, len(d.lines)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; d.lines[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return Position{File: d.file, Line: lo + 1, Column: int(offset-d.lines[lo]) + 1}
}

func (v jsonValue) token() *token      { return &v.doc.tokens[v.i] }
func (v jsonValue) kind() jsonKind     { return v.token().kind }
func (v jsonValue) position() Position { return v.doc.position(v.token().start) }

// raw returns the value's text.
func (v jsonValue) raw() string { return v.doc.text[v.token().start:v.token().end] }

// str returns the content of a string.
func (v jsonValue) str() string {
	t := v.token()
	s := v.doc.text[t.start+1 : t.end-1]
	if !t.escaped {
		return s
	}
	return unescape(s)
}

// items yields the values of an array.
func (v jsonValue) items() iter.Seq2[int, jsonValue] {
	return func(yield func(int, jsonValue) bool) {
		n := 0
		for i := v.i + 1; i < v.token().next; i = v.doc.tokens[i].next {
			if !yield(n, jsonValue{v.doc, i}) {
				return
			}
			n++
		}
	}
}

// members yields the keys and values of an object.
func (v jsonValue) members() iter.Seq2[jsonValue, jsonValue] {
	return func(yield func(jsonValue, jsonValue) bool) {
		for i := v.i + 1; i < v.token().next; i = v.doc.tokens[i+1].next {
			if !yield(jsonValue{v.doc, i}, jsonValue{v.doc, i + 1}) {
				return
			}
		}
	}
}

// get returns the member of that name, of several the last.
func (v jsonValue) get(name string) (last jsonValue, ok bool) {
	for key, value := range v.members() {
		if key.str() == name {
			last, ok = value, true
		}
	}
	return last, ok
}

// integer returns a number that is written without fraction and exponent.
func (v jsonValue) integer() (int64, bool) {
	if v.kind() != jsonNumber {
		return 0, false
	}
	n, err := strconv.ParseInt(v.raw(), 10, 64)
	return n, err == nil
}

// appendCompact appends the value's JSON without white space and comments.
func (v jsonValue) appendCompact(b []byte) []byte {
	raw, inString := v.raw(), false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case !inString && c == '/':
			i += comment(raw[i:]) - 1
			continue
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			b = append(b, c)
			i++
			c = raw[i]
		case !inString && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			continue
		}
		b = append(b, c)
	}
	return b
}

// jsonError is what is wrong with a JSON text.
type jsonError struct {
	offset  uint32
	problem string
}

// scanner reads a JSON text without recursion.
type scanner struct {
	doc  *jsonText
	text string
	i    int
	open []uint32 // the arrays and objects around here
	most int      // of open
	// comments are taken for white space.
	comments bool
	err      *jsonError
}

const byteOrderMark = "\ufeff"

// notText says why a schema's text cannot be one before it is read, "" if it may be.
func notText(text string) string {
	switch {
	case strings.HasPrefix(text, byteOrderMark):
		return "the text starts with a byte order mark: save it as UTF-8 without it"
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return "the text is UTF-16: save it as UTF-8"
	case len(text) <= maxText && strings.TrimSpace(text) == "":
		return "the text is empty"
	}
	return ""
}

// readSchemaJSON reads one JSON value, a schema, and nothing behind it. Comments may be allowed where white
// space is: many .avsc files begin with a licence.
func readSchemaJSON(text string, comments bool) (*jsonText, *jsonError) {
	return (&scanner{most: maxNesting, comments: comments}).read(text)
}

// readJSON reads one JSON value, and nothing behind it, whose arrays and objects lie in each other at most that deep.
func readJSON(text string, most int) (*jsonText, *jsonError) {
	return (&scanner{most: most}).read(text)
}

func (s *scanner) read(text string) (*jsonText, *jsonError) {
	if len(text) > maxText {
		return &jsonText{}, &jsonError{0, fmt.Sprintf("the text has %d bytes, more than the limit of %d", len(text), maxText)}
	}
	s.doc, s.text = &jsonText{text: text}, text
	s.run()
	return s.doc, s.err
}

func (s *scanner) fail(offset int, format string, args ...any) {
	if s.err == nil {
		s.err = &jsonError{uint32(offset), fmt.Sprintf(format, args...)}
	}
}

func (s *scanner) run() {
	s.space()
	s.value()
	for s.err == nil && len(s.open) > 0 {
		s.inside()
	}
	if s.err != nil {
		return
	}
	if s.space(); s.i < len(s.text) {
		s.unexpected("behind the end of the value")
	}
}

// noComments is the problem of a text with comments where none are allowed.
const noComments = "JSON has no comments"

// unexpected fails at the current place, and says what may be meant there.
func (s *scanner) unexpected(where string) {
	rest, hint := s.text[s.i:], ""
	c := byte(0)
	if rest != "" {
		c = rest[0]
	}
	letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	last := byte(0) // what stands before the white space before
	if before := strings.TrimRight(s.text[:s.i], " \t\r\n"); before != "" {
		last = before[len(before)-1]
	}
	switch {
	case s.comments && strings.HasPrefix(rest, "/*"):
		s.fail(s.i, "not JSON: a comment that is never closed")
		return
	case s.comments && c == '#':
		s.fail(s.i, "not JSON: a comment is written /* ... */ or // ...")
		return
	case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "/*"), c == '#':
		s.fail(s.i, "%s", noComments)
		return
	case (c == ']' || c == '}') && last == ',':
		s.fail(s.i, "not JSON: a comma too many before %q", c)
		return
	case c == ',' && (last == ',' || last == '[' || last == '{'):
		hint = ": a comma too many"
	case (c == ']' || c == '}') && len(s.open) == 0:
		hint = ": one too many"
	case c == '\'':
		hint = ": texts stand in double quotes"
	case strings.HasPrefix(rest, "True"), strings.HasPrefix(rest, "False"), strings.HasPrefix(rest, "None"), strings.HasPrefix(rest, "NULL"):
		hint = ": true, false and null are written so"
	case letter && last == '"':
		hint = ": is a quote missing before?"
	case letter:
		hint = ": texts stand in quotes"
	case (c == '"' || c == '{' || c == '[') && (last == '"' || last == '}' || last == ']' || last >= '0' && last <= '9' || last >= 'a' && last <= 'z') && strings.Contains(where, "comma"):
		hint = ": is a comma missing before?"
	}
	s.fail(s.i, "not JSON: %s %s%s", s.here(), where, hint)
}

// inside reads what may follow a value, or the opening, of the innermost array or object.
func (s *scanner) inside() {
	parent := s.open[len(s.open)-1]
	closing, object := byte(']'), s.doc.tokens[parent].kind == jsonObject
	if object {
		closing = '}'
	}
	empty := int(parent) == len(s.doc.tokens)-1
	s.space()
	switch {
	case s.i == len(s.text):
		s.fail(int(s.doc.tokens[parent].start), "not JSON: %s that opens here is never closed", s.doc.tokens[parent].kind)
		return
	case s.text[s.i] == closing:
		s.i++
		s.doc.tokens[parent].end = uint32(s.i)
		s.doc.tokens[parent].next = uint32(len(s.doc.tokens))
		s.open = s.open[:len(s.open)-1]
		return
	case empty:
	case s.text[s.i] == ',':
		s.i++
		s.space()
	default:
		s.unexpected(fmt.Sprintf("where a comma or %q must follow", closing))
		return
	}
	if object {
		if s.i == len(s.text) || s.text[s.i] != '"' {
			s.unexpected("where a key in quotes must follow")
			return
		}
		s.value()
		s.space()
		if s.i == len(s.text) || s.text[s.i] != ':' {
			s.unexpected("where a colon must follow")
			return
		}
		s.i++
		s.space()
	}
	s.value()
}

// here names what stands at the current place.
func (s *scanner) here() string {
	if s.i >= len(s.text) {
		return "the end of the text"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.i:])
	return strconv.QuoteRune(r)
}

func (s *scanner) space() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		case '/':
			length := 0
			if s.comments {
				length = comment(s.text[s.i:])
			}
			if length == 0 {
				return
			}
			s.i += length
		default:
			return
		}
	}
}

// value reads a scalar, or the opening of an array or object.
func (s *scanner) value() {
	if s.err != nil {
		return
	}
	start := s.i
	if s.i == len(s.text) {
		s.fail(s.i, "not JSON: the text ends where a value must follow")
		return
	}
	t := token{start: uint32(start), next: uint32(len(s.doc.tokens)) + 1}
	switch c := s.text[s.i]; {
	case c == '{' || c == '[':
		t.kind = jsonArray
		if c == '{' {
			t.kind = jsonObject
		}
		if len(s.open) == s.most {
			s.fail(s.i, "nested more than %d deep", s.most)
			return
		}
		s.open = append(s.open, uint32(len(s.doc.tokens)))
		s.i++
	case c == '"':
		t.kind = jsonString
		t.escaped = s.str()
	case c == '-' || c >= '0' && c <= '9':
		t.kind = jsonNumber
		s.number()
	case strings.HasPrefix(s.text[s.i:], "null"):
		s.i += 4
	case strings.HasPrefix(s.text[s.i:], "true"):
		t.kind = jsonTrue
		s.i += 4
	case strings.HasPrefix(s.text[s.i:], "false"):
		t.kind = jsonFalse
		s.i += 5
	default:
		s.unexpected("where a value must follow")
		return
	}
	t.end = uint32(s.i)
	s.doc.tokens = append(s.doc.tokens, t)
}

// str reads a string and reports whether it holds escapes.
func (s *scanner) str() (escaped bool) {
	start := s.i
	for s.i++; s.i < len(s.text); {
		switch c := s.text[s.i]; {
		case c == '"':
			s.i++
			return escaped
		case c == '\\':
			escaped = true
			s.escape()
			if s.err != nil {
				return escaped
			}
		case c == '\n' || c == '\r':
			s.fail(s.i, "not JSON: the line ends within a string: is its closing quote missing? (A line break in it is written \\n)")
			return escaped
		case c < 0x20:
			s.fail(s.i, "not JSON: a control character in a string (a tab is written \\t)")
			return escaped
		case c < utf8.RuneSelf:
			s.i++
		default:
			r, n := utf8.DecodeRuneInString(s.text[s.i:])
			if r == utf8.RuneError && n == 1 {
				s.fail(s.i, "not JSON: bytes that are not UTF-8")
				return escaped
			}
			s.i += n
		}
	}
	s.fail(start, "not JSON: a string that is never closed: is a quote missing?")
	return escaped
}

func (s *scanner) escape() {
	rest := s.text[s.i+1:]
	switch {
	case rest != "" && strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0:
		s.i += 2
	case len(rest) >= 5 && rest[0] == 'u' && hex4(rest[1:5]) >= 0:
		s.i += 6
	default:
		s.fail(s.i, "not JSON: an escape that does not exist")
	}
}

func (s *scanner) number() {
	start := s.i
	if s.text[s.i] == '-' {
		s.i++
	}
	zero := s.i < len(s.text) && s.text[s.i] == '0'
	n := s.digits()
	if n == 0 || zero && n > 1 {
		s.fail(start, "not JSON: not a number")
		return
	}
	if s.i < len(s.text) && s.text[s.i] == '.' {
		s.i++
		if s.digits() == 0 {
			s.fail(start, "not JSON: not a number")
			return
		}
	}
	if s.i < len(s.text) && (s.text[s.i] == 'e' || s.text[s.i] == 'E') {
		s.i++
		if s.i < len(s.text) && (s.text[s.i] == '+' || s.text[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			s.fail(start, "not JSON: not a number")
		}
	}
}

func (s *scanner) digits() (n int) {
	for s.i < len(s.text) && s.text[s.i] >= '0' && s.text[s.i] <= '9' {
		s.i++
		n++
	}
	return n
}

// hex4 returns the value of four hexadecimal digits, or -1.
func hex4(s string) rune {
	n, err := strconv.ParseUint(s, 16, 16)
	if err != nil || n > math.MaxUint16 {
		return -1
	}
	return rune(n)
}

// unescape returns the content of a string whose escapes are known to be well formed.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := hex4(s[i+1 : i+5])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					low = hex4(s[i+3 : i+7])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			b.WriteRune(r)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// appendQuoted appends s as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < 0x20 || r == 0x2028 || r == 0x2029:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
