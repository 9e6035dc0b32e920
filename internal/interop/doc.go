// Package interop has no code of its own. Its tests let services that are not
// written with Troupe, and not written in Go, share topics with those that are.
package interop
