//go:build !linux

package troupetest

import "sync"

// reserved are the ports that this process has: there is no abstract socket to
// tell other processes.
var reserved sync.Map

func reserve(port int) (release func(), ok bool) {
	if _, taken := reserved.LoadOrStore(port, true); taken {
		return nil, false
	}
	return func() { reserved.Delete(port) }, true
}
