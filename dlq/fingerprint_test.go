package dlq

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"testing"
)

const someStack = `goroutine 37 [running]:
runtime/debug.Stack()
	/usr/local/go/src/runtime/debug/stack.go:26 +0x64
github.com/troupe-go/troupe/consumer.call.func1()
	/go/pkg/mod/github.com/troupe-go/troupe@v0.1.0/consumer/pipeline.go:80 +0x45
panic({0x5d1a20?, 0xc00001c1b8?})
	/usr/local/go/src/runtime/panic.go:787 +0x132
strings.Repeat({0x0?, 0x1b321824}, 0xffffffffffffffff)
	/usr/local/go/src/strings/strings.go:624 +0x5bc
github.com/other/lib.Pad(...)
	/go/pkg/mod/github.com/other/lib/pad.go:3
example.com/shop/stock.(*Service).reserve(0xc000012345, {0x1, 0x2})
	/src/shop/stock/stock.go:41 +0x1f
github.com/troupe-go/troupe/consumer.call(...)
	/go/pkg/mod/github.com/troupe-go/troupe@v0.1.0/consumer/pipeline.go:90
created by github.com/troupe-go/troupe/consumer.(*lane).run in goroutine 1
	/go/pkg/mod/github.com/troupe-go/troupe@v0.1.0/consumer/lane.go:33 +0x6c
`

func TestFirstOwnFrame_IsTheFirstOfTheUsersModule(t *testing.T) {
	for _, c := range []struct{ module, stack, want string }{
		{"example.com/shop", someStack, "example.com/shop/stock.(*Service).reserve"},
		{"example.com/sho", someStack, "github.com/other/lib.Pad"},
		{"", someStack, "github.com/other/lib.Pad"},
		{"example.com/shop", "goroutine 1 [running]:\npanic(0x1)\n\t/x.go:1\nmain.(*svc).handle.func1({0x1})\n\t/y.go:2\n", "main.(*svc).handle.func1"},
		{"", "panic(0x1)\n\t/x.go:1\nstrings.Repeat(0x1)\n", "strings.Repeat"},
		{"example.com/shop", "not a stack", ""},
		{"example.com/shop", "", ""},
	} {
		if got := firstOwnFrame(c.stack, c.module); got != c.want {
			t.Errorf("of %s it is %q, want %q", c.module, got, c.want)
		}
	}
}

func TestFirstOwnFrame_ReadsRealStacks(t *testing.T) {
	stack := func() (s string) {
		defer func() { recover(); s = string(debug.Stack()) }()
		panicking(nil)
		return
	}()
	if got, want := firstOwnFrame(stack, "github.com/troupe-go/troupe"), "github.com/troupe-go/troupe/dlq.panicking"; got != want {
		t.Errorf("got %q, want %q from\n%s", got, want, stack)
	}
}

//go:noinline
func panicking(m map[string]int) { m["x"]++ }

func TestGeneralize_LeavesOutWhatDiffersFromEventToEvent(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"card declined":                        "card declined",
		"charge order A-1207: declined":        "charge order #: declined",
		"index out of range [5] with length 3": "index out of range [#] with length #",
		"user 0192f3b4-7c1d-7a2e-9b1f-0a1b2c3d4e5f not found":                   "user # not found",
		"dial tcp 10.0.0.7:5432: connect: connection refused":                   "dial tcp #:#: connect: connection refused",
		"java.lang.Object@1b321824 is bad":                                      "# is bad",
		"mail to anna@example.com failed after 3.5s at 2026-03-01T12:00:00.5Z":  "mail to # failed after # at #:#:#",
		"größe \"Zürich\" unbekannt":                                            "größe \"Zürich\" unbekannt",
		"decode shop.OrderPlaced (schema 41) at orders/3@1207: 0xdeadbeef left": "decode shop.OrderPlaced (schema #) at orders/#: # left",
	} {
		if got := generalize(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestFingerprint_IsOneForOneCause(t *testing.T) {
	of := func(class string, err error, stack string) string {
		return (&Failure{Class: class, Cause: err, Stack: []byte(stack)}).fingerprint()
	}
	a := of("handler", fmt.Errorf("order 1: %w", fs.ErrNotExist), "")
	if b := of("handler", fmt.Errorf("order 2: %w", fs.ErrNotExist), ""); a != b {
		t.Errorf("another order has another fingerprint: %s, %s", a, b)
	}
	for name, b := range map[string]string{
		"class":   of("permanent", fmt.Errorf("order 1: %w", fs.ErrNotExist), ""),
		"message": of("handler", fmt.Errorf("invoice 1: %w", fs.ErrNotExist), ""),
		"type":    of("handler", fmt.Errorf("order 1: %w", sameText{}), ""),
		"stack":   of("handler", fmt.Errorf("order 1: %w", fs.ErrNotExist), someStack),
	} {
		if a == b {
			t.Errorf("another %s has the same fingerprint %s", name, a)
		}
	}
}

// sameText is an error of another type and the same text.
type sameText struct{}

func (sameText) Error() string { return fs.ErrNotExist.Error() }

func TestErrorType_IsThatOfTheInnermostError(t *testing.T) {
	for want, err := range map[string]error{
		"":                    nil,
		"*errors.errorString": fmt.Errorf("a: %w", errors.New("b")),
		"*fs.PathError":       fmt.Errorf("a: %w", errors.Join(&fs.PathError{}, errors.New("b"))),
		"string":              fmt.Errorf("a: %w", thrown{"bad"}),
		"runtime.boundsError": thrown{outOfBounds()},
	} {
		if got := errorType(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}

// thrown is an error that says what it stands for, as one for a panic does.
type thrown struct{ value any }

func (e thrown) Error() string     { return fmt.Sprint("panic: ", e.value) }
func (e thrown) ErrorType() string { return fmt.Sprintf("%T", e.value) }
func (e thrown) Unwrap() error     { err, _ := e.value.(error); return err }

func outOfBounds() (value any) {
	defer func() { value = recover() }()
	var none []int
	return none[len(fmt.Sprint())]
}
