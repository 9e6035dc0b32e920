package troupetest

import (
	"fmt"
	"net"
)

// reserve takes a port for this process, among all that use this package: by
// the name of a socket, which ends with the process, however it ends.
func reserve(port int) (release func(), ok bool) {
	l, err := net.Listen("unix", fmt.Sprintf("@troupetest/port/%d", port))
	if err != nil {
		return nil, false
	}
	return func() { l.Close() }, true
}
