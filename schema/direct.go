package schema

import (
	"reflect"
	"unsafe"

	"github.com/modern-go/reflect2"
)

// direct reads the bytes of a writer's schema straight into a Go type: it checks them as the
// walk does and fills the value in the same pass. Resolution costs it nothing extra: what a plan writes
// down in another order, it stores at another offset.
//
// It never accepts what the walk refuses, and refuses without words: the walk then says what is wrong.
type direct struct {
	fills []fill
}

// fill reads one value and stores it at offset. Records within records are flattened into those
// that hold them; records that occur in several places are subroutines.
type fill struct {
	do     fillAction
	flag   bool // of a number: an int; of bytes: text; of an array or a map: it counts for Limits.Depth
	offset uintptr
	n      int64 // bytes, symbols or branches; of an array or a map what an item takes at least
	part   *fillPart
}

// fillPart is what few steps need.
type fillPart struct {
	fills    []fill       // of an item, of what a pointer leads to, of a subroutine, or of a default
	branches [][]fill     // of a union
	symbols  []string     // of the reader, by the writer's number
	decimal  *decimals    //
	of       reflect.Type // a slice or a map, or what a pointer leads to
	made     reflect2.Type
	entries  *reflect2.UnsafeMapType
	size     uintptr // of an item in Go
	text     string  // a default
	literal  []byte  // another default, in binary
}

type fillAction uint8

const (
	fillBoolean        fillAction = iota //
	fillInt                              // an int or a long as int
	fillInt32                            //
	fillLong                             // an int or a long as int64
	fillDate                             //
	fillTimeMillis                       //
	fillTimeMicros                       //
	fillMillis                           // a timestamp
	fillMicros                           // a timestamp
	fillLocalMillis                      // a local timestamp
	fillLocalMicros                      // a local timestamp
	fillFloat                            //
	fillDouble                           //
	fillNumberToFloat                    //
	fillNumberToDouble                   //
	fillFloatToDouble                    //
	fillString                           //
	fillBytes                            //
	fillFixed                            // of n bytes
	fillDuration                         //
	fillDecimal                          // in bytes
	fillFixedDecimal                     // in n bytes
	fillEnum                             // of n symbols
	fillNullable                         // a pointer that leads to what branch n has, of two
	fillNew                              // a pointer that leads to what follows
	fillAny                              // an interface that holds what follows
	fillUnion                            // what the branch says
	fillArray                            //
	fillMap                              //
	fillTexts                            // a map of text
	fillCall                             // of a subroutine
	fillText                             // a default that is text
	fillDefault                          // another default
	fillMore                             // nothing: a plan would write n bytes more than are read

	// What follows reads and stores nothing.
	skipFixed   // n bytes
	skipBoolean //
	skipNumber  //
	skipBytes   //
	skipEnum    // of n symbols
	skipItems   // of an array or a map
)

// filling is the state of reading one payload.
type filling struct {
	data []byte
	// window is a copy of the bytes of data from start on: texts are parts of it.
	window string
	start  int

	items   itemCount
	claimed int64 // bytes of data that items take at least
	depth   int
	deepest int
	room    int // bytes that defaults and promotions may still add to the limit
}

// mostCalls bounds the stack where a caller allows any depth. What is deeper is left to hamba.
const mostCalls = 1 << 18

// windowSize is how much text a text may keep in memory, with it.
const windowSize = 1 << 10

// read fills the zero value at address p from data, and reports whether all is well: if it
// is not, what is at p means nothing, and the walk has the last word. limits have their defaults.
func (d *direct) read(data []byte, limits Limits, p unsafe.Pointer) bool {
	if len(data) > limits.Bytes {
		return false
	}
	f := filling{
		data: data, start: len(data),
		items:   itemCount{most: int64(limits.Items)},
		deepest: min(limits.Depth, mostCalls),
		room:    limits.Bytes - len(data),
	}
	return f.run(d.fills, p, 0) == len(data)
}

// safely is read for production: should bytes of a stranger ever make read panic, they are left to the walk
// and to hamba, instead of ending the program again and again. Tests call read.
func (d *direct) safely(data []byte, limits Limits, p unsafe.Pointer) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return d.read(data, limits, p)
}

// text returns a copy of the bytes of data between two offsets.
func (f *filling) text(from, to int) string {
	if i := from - f.start; i >= 0 && to-f.start <= len(f.window) {
		return f.window[i : to-f.start]
	}
	if to-from > windowSize/2 {
		return string(f.data[from:to])
	}
	f.window, f.start = string(f.data[from:min(from+windowSize, len(f.data))]), from
	return f.window[:to-from]
}

// claim notes that n items of at least size bytes each follow. No byte is the necessary part of two items, so
// more than there are bytes cannot be: what is allocated for a block's count is bounded by the
// bytes, whatever lies in what.
func (f *filling) claim(n, size int64) bool {
	f.claimed += n * size
	return f.claimed <= int64(len(f.data))
}
