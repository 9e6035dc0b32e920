package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/troupe-go/troupe/internal/sickregistry"
	"github.com/troupe-go/troupe/troupetest"
)

func TestSchema_SaysThatThereIsNoRegistry(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, url := range []string{"http://" + l.Addr().String(), "http://no-such-host.invalid"} {
		expect(t, troupeSchema(context.Background(), "", "ls", "--registry", url, "--timeout", "1s"), 2, url+"/subjects: ", "is it up, and is the URL right?")
	}
}

// Each illness of a registry is one line that says what to do, for each command that asks one.
func TestSchema_SaysWhatIsTheMatterWithARegistry(t *testing.T) {
	s := troupetest.New(t)
	front := sickregistry.New(t, s.Registry.URL)
	inDirectory(t, map[string]string{"v1.avsc": orderV1})
	t.Setenv("TROUPE_REGISTRY", front.URL)
	for illness, says := range map[string]string{
		"500":          "500 Internal Server Error [50001]: Error in the backend data store; the registry is up but not well",
		"503":          "503 Service Unavailable",
		"401":          "401 Unauthorized: Unauthorized (check the registry's username and password, or token): TROUPE_REGISTRY_USERNAME",
		"a login page": "text/html instead of JSON (is the URL the root of a schema registry?)",
		"404 HTML":     "is the URL the root of a schema registry?",
		"hangs":        "is it up, and is the URL right?; --timeout (now 300ms) says how long to wait",
		"hangs midway": "--timeout (now 300ms)",
	} {
		front.Ail(sickregistry.Illnesses[illness])
		for _, args := range []string{"ls", "get id:1", "config orders-value --set FULL", "register orders-value v1.avsc"} {
			t.Run(illness+"/"+args, func(t *testing.T) {
				o := troupeSchema(context.Background(), "", append(strings.Fields(args), "--timeout", "300ms")...)
				expect(t, o, 2, says)
				if o.stdout != "" || strings.Count(o.stderr, "\n") != 1 {
					t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
				}
			})
		}
	}
}

func TestSchema_SaysWhatTheRegistryAnsweredBeforeItHung(t *testing.T) {
	s := troupetest.New(t)
	front := sickregistry.New(t, s.Registry.URL)
	t.Setenv("TROUPE_REGISTRY", front.URL)
	var n atomic.Int64
	front.Ail(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1) == 1 {
			sickregistry.Illnesses["500"](w, r)
			return
		}
		<-r.Context().Done()
	})
	expect(t, troupeSchema(context.Background(), "", "ls", "--timeout", "300ms"), 2,
		"500 Internal Server Error [50001]: Error in the backend data store; then ", "the registry is up but not well")
}
