//go:build unix

package server

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the file for this Server; it ends with the file or the process, however that ends.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another registry uses it")
	}
	return err
}
