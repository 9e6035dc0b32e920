//go:build !unix

package troupetest

// lockDir does nothing: there is no flock on this system.
func lockDir(string) (unlock func() error, err error) { return func() error { return nil }, nil }
