package dlq

import (
	"runtime/debug"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStackText_BeginsWhereItHappened(t *testing.T) {
	const title = "goroutine 37 [running]:\n"
	const frame = "example.com/shop.reserve(0x1)\n\t/src/shop/stock.go:41 +0x1f\n"
	const caught = "runtime/debug.Stack()\n\t/go/stack.go:26\ngithub.com/troupe-go/troupe/consumer.protect.func1()\n\t/c.go:1\n"
	for name, c := range map[string]struct{ stack, want string }{
		"panic":              {title + caught + "panic({0x1, 0x2})\n\t/go/panic.go:1\n" + frame, title + frame},
		"nil map":            {title + caught + "panic({0x1, 0x2})\n\t/go/panic.go:1\nruntime.mapassign_faststr(...)\n\t/go/map.go:1\n" + frame, title + frame},
		"standard library":   {title + caught + "panic({0x1, 0x2})\n\t/go/panic.go:1\nstrings.Repeat(0x1)\n\t/s.go:1\n" + frame, title + "strings.Repeat(0x1)\n\t/s.go:1\n" + frame},
		"raised again":       {title + caught + "panic({0x1})\n\t/p.go:1\nexample.com/shop.f.func1()\n\t/f.go:1\npanic({0x2})\n\t/p.go:1\n" + frame, title + "example.com/shop.f.func1()\n\t/f.go:1\npanic({0x2})\n\t/p.go:1\n" + frame},
		"Goexit":             {title + caught + "runtime.Goexit()\n\t/go/panic.go:1\n" + frame, title + frame},
		"nobody's":           {title + caught + "created by x in goroutine 1\n\t/x.go:1\n", title + caught + "created by x in goroutine 1\n\t/x.go:1\n"},
		"not a stack":        {"something else\nruntime.x()\n", "something else\nruntime.x()\n"},
		"only a title":       {title, title},
		"nothing":            {"", ""},
		"cut off in a frame": {title + "panic(0x1)\n\t/p.go:1\nexample.com/shop.f(", title + "example.com/shop.f("},
	} {
		t.Run(name, func(t *testing.T) {
			if got := stackText([]byte(c.stack)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestStackText_OfARealPanicBeginsWithTheFunctionThatPanicked(t *testing.T) {
	stack := func() (s []byte) {
		defer func() { recover(); s = debug.Stack() }()
		panicking(nil)
		return
	}()
	_, frames, _ := strings.Cut(stackText(stack), "\n")
	if !strings.HasPrefix(frames, "github.com/troupe-go/troupe/dlq.panicking(") {
		t.Errorf("it begins elsewhere:\n%s", frames)
	}
}

func FuzzStackText(f *testing.F) {
	f.Add([]byte(someStack))
	f.Add([]byte("goroutine 1 [running]:\npanic(\n\t"))
	f.Fuzz(func(t *testing.T, stack []byte) {
		if s := stackText(stack); len(s) > maxStack || !utf8.ValidString(s) || len(stack) > 0 && s == "" {
			t.Errorf("got %d bytes", len(s))
		}
	})
}
