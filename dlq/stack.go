package dlq

import "strings"

// stackText is the part of a panic's stack that helps: from where it happened
// on, cut behind the last line that fits.
func stackText(stack []byte) string {
	s := strings.ToValidUTF8(fromThePanic(string(stack)), "?")
	if len(s) > maxStack {
		s = s[:maxStack]
		if i := strings.LastIndexByte(s, '\n'); i > 0 {
			s = s[:i+1]
		}
		s = strings.ToValidUTF8(s, "?")
	}
	return s
}

// fromThePanic leaves out the frames at the top of a stack of debug.Stack that
// catching a panic and raising it took: ours, the panic, and the runtime below
// it. What is not such a stack stays as it is.
func fromThePanic(stack string) string {
	title, frames, _ := strings.Cut(stack, "\n")
	if !strings.HasPrefix(title, "goroutine ") {
		return stack
	}
	rest := belowThePanic(frames)
	for isMachinery(rest) {
		_, rest = cutFrame(rest)
	}
	if rest == "" || strings.HasPrefix(rest, "created by ") {
		return stack
	}
	return title + "\n" + rest
}

// belowThePanic returns the frames below the last panic, which is the topmost
// one; all of them if there is none.
func belowThePanic(frames string) string {
	for rest := frames; rest != ""; {
		var frame string
		if frame, rest = cutFrame(rest); strings.HasPrefix(frame, "panic(") {
			return rest
		}
	}
	return frames
}

// cutFrame cuts the first frame off: a line with the function and one, indented, with its place.
func cutFrame(frames string) (frame, rest string) {
	end := strings.IndexByte(frames, '\n') + 1
	if end == 0 {
		return frames, ""
	}
	for strings.HasPrefix(frames[end:], "\t") {
		n := strings.IndexByte(frames[end:], '\n') + 1
		if n == 0 {
			return frames, ""
		}
		end += n
	}
	return frames[:end], frames[end:]
}

// isMachinery reports whether the first frame is the runtime's or the consumer's.
func isMachinery(frames string) bool {
	for _, prefix := range [...]string{"runtime.", "runtime/debug.", "github.com/troupe-go/troupe/consumer."} {
		if strings.HasPrefix(frames, prefix) {
			return true
		}
	}
	return false
}
