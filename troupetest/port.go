package troupetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// takePort returns a port on 127.0.0.1 that nobody listens on. Until release is
// called, no other service of this package is given it, also while ours is
// stopped: a client that dials the stopped one must not come upon another's.
//
// The port is below the range that outgoing connections use: a client that
// dials a stopped server there again and again would sooner or later be given
// that very port, connect to itself, and keep the server from coming back.
func takePort() (port int, release func(), err error) {
	err = errors.New("all that were tried are taken")
	for range 200 {
		port := 20_000 + rand.IntN(12_000)
		release, ok := reserve(port)
		if !ok {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", local(port)); err == nil {
			return port, release, l.Close()
		}
		release()
	}
	return 0, nil, fmt.Errorf("find a free port: %w", err)
}
