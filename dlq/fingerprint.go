package dlq

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"unicode"
)

// fingerprint returns what failures of one cause have in common: the class, the
// type of the innermost error, the first function of the user's own code in
// the stack, and the message without what differs from event to event.
func (f *Failure) fingerprint() string {
	message := ""
	if f.Cause != nil {
		message = f.Cause.Error()
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Class, errorType(f.Cause), firstOwnFrame(string(f.Stack), mainModule()), generalize(text(message, maxMessage))}, "\x00")))
	return "c-" + hex.EncodeToString(sum[:4])
}

// errorType returns the type of the innermost error, or what that calls its
// type; of several joined ones, of the first.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	for {
		inner := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			inner = many.Unwrap()[0]
		}
		if inner == nil {
			break
		}
		err = inner
	}
	if named, ok := err.(interface{ ErrorType() string }); ok && named.ErrorType() != "" {
		return named.ErrorType()
	}
	return fmt.Sprintf("%T", err)
}

// generalize replaces every word that has a digit or an @ in it by #: numbers,
// ids, timestamps, addresses, identity hashes.
func generalize(message string) string {
	var b strings.Builder
	rest := message
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return !wordRune(r) })
		if n < 0 {
			n = len(rest)
		}
		word := rest[:n]
		if strings.ContainsFunc(word, func(r rune) bool { return r == '@' || unicode.IsDigit(r) }) {
			word = "#"
		}
		b.WriteString(word)
		rest = rest[n:]
		n = strings.IndexFunc(rest, wordRune)
		if n < 0 {
			n = len(rest)
		}
		b.WriteString(rest[:n])
		rest = rest[n:]
	}
	return b.String()
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.' || r == '@'
}

// firstOwnFrame returns the function that panicked as far as the user is
// concerned: the first below the panic in a stack of debug.Stack that is of the
// main module (or package main); else the first that is not of the standard
// library; else the first.
func firstOwnFrame(stack, module string) string {
	frames := framesOf(stack)
	for _, f := range frames {
		if strings.HasPrefix(f, "main.") || module != "" && (strings.HasPrefix(f, module+".") || strings.HasPrefix(f, module+"/")) {
			return f
		}
	}
	for _, f := range frames {
		if host, _, ok := strings.Cut(f, "/"); ok && strings.Contains(host, ".") {
			return f
		}
	}
	if len(frames) > 0 {
		return frames[0]
	}
	return ""
}

// framesOf returns the functions of a stack, innermost first, from below the
// last panic on.
func framesOf(stack string) []string {
	var frames []string
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "goroutine "), strings.HasPrefix(line, "created by "), strings.HasPrefix(line, "/"):
			continue
		case strings.HasPrefix(line, "panic("):
			frames = frames[:0]
			continue
		}
		// The arguments are the last parentheses: shop.(*Stock).Reserve({0x1, 0x2}).
		i := strings.LastIndexByte(line, '(')
		if i <= 0 || !strings.HasSuffix(line, ")") {
			continue
		}
		frames = append(frames, line[:i])
	}
	return frames
}

// mainModule returns the path of the program's main module, "" if it has none.
var mainModule = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
})

// mainVersion returns the version of the program's main module.
func mainVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
