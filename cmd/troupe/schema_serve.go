package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/server"
)

// schemaServe is what `troupe schema serve` was asked for.
type schemaServe struct {
	dir, listen string
	level       schema.Mode
}

func newSchemaServe() *cobra.Command {
	var s schemaServe
	var level string
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Serve a schema registry with the Confluent API, kept in a directory",
		Long: `Serve a schema registry with the Confluent API until Ctrl-C. Serializers and
tools of any language that know such a registry can use it. Every registration
is checked as troupe schema check does it; the reasons of a refusal say who
cannot read what.

What is registered is kept in DIR/registry.jsonl, on disk before it is
answered. DIR is created when it is missing.

Schemas that are files in DIR, as troupe's directory registry has them
(DIR/orders-shop.OrderPlaced/1.avsc, then 2.avsc), are served too; .avsc files
directly in DIR belong to no subject and are not. Files that are added, changed
or removed while the command runs are read again with the next request; while
one is broken, what was there before is served on. They keep the ids that the directory registry gives them, so that
services which read the files and services which ask this server understand
each other's events. Their subjects are read-only here: the next version is
the next file.

Who can reach the address can change everything: there are no users and there
is no TLS. The variable that leads services here goes to stdout as an export
line; each change and each refusal goes to stderr.`,
		Example: `  troupe schema serve ~/.troupe/registry
  troupe schema serve ./schemas --listen 127.0.0.1:0 --level FULL_TRANSITIVE`,
		Args: arguments(1, 1, "the one directory that keeps the schemas"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s.dir = args[0]
			if s.level, err = schema.ParseMode(level); err != nil {
				return misused(cmd, "--level: %w", err)
			}
			if _, _, err := net.SplitHostPort(s.listen); err != nil {
				return misused(cmd, "--listen %s: %w", s.listen, err)
			}
			return s.serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:8081", "address to listen on, host:port; port 0 takes a free one")
	f.StringVar(&level, "level", string(schema.Backward), "compatibility level of what is given none through the API")
	return cmd
}

// serve serves until ctx ends, which is not an error.
func (s schemaServe) serve(ctx context.Context, out, errs io.Writer) (err error) {
	errs = &turns{w: errs} // requests say something at any time
	logger := slog.New(slog.NewTextHandler(errs, nil))
	registry, err := server.New(server.Config{Directory: s.dir, Files: s.dir, Level: s.level, Log: logger})
	if err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	l, err := net.Listen("tcp", s.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return usage("%s is in use by another process: end that one, or choose another address with --listen (port 0 takes a free one)", s.listen)
	}
	if err != nil {
		return usage("--listen %s: %w", s.listen, err)
	}
	h := &http.Server{Handler: registry, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		ErrorLog: log.New(io.Discard, "", 0)} // which tells of clients that went away
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	subjects := countSubjects(ctx, localURL(l.Addr()))
	if _, err := fmt.Fprintln(out, "export TROUPE_REGISTRY="+localURL(l.Addr())); err != nil {
		return errors.Join(fmt.Errorf("print the variable: %w", err), h.Close(), ignoreClosed(<-served))
	}
	if n := looseSchemas(s.dir); n > 0 {
		fmt.Fprintf(errs, "! %s directly in %s %s not served: put them at <subject>/1.avsc\n", counted(n, ".avsc file"), s.dir, isOrAre(n))
	}
	fmt.Fprintf(errs, "Ready: %swith the schemas in %s, whose files are read again when they change; Ctrl-C ends it.\n", subjects, s.dir)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(errs, "Stopping.")
	return errors.Join(endRequests(h), ignoreClosed(<-served))
}

// turns is a writer for several goroutines.
type turns struct {
	mu sync.Mutex
	w  io.Writer
}

func (t *turns) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(b)
}

// looseSchemas counts the schemas in a directory that are in no subject's.
func looseSchemas(dir string) (n int) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0 // the registry has read it and would have said so
	}
	for _, f := range files {
		if !f.IsDir() && strings.HasSuffix(f.Name(), ".avsc") {
			n++
		}
	}
	return n
}

// countSubjects asks the registry how many subjects it has, "" if it does not say.
func countSubjects(ctx context.Context, url string) string {
	client, err := schema.NewClient(troupe.Registry{URL: url}, schema.ClientConfig{Patience: 5 * time.Second})
	if err != nil {
		return ""
	}
	defer client.Close()
	subjects, err := client.Subjects(ctx)
	if err != nil {
		return ""
	}
	return counted(len(subjects), "subject") + ", "
}

// endRequests stops a server and lets the requests end that are under way.
func endRequests(h *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		return h.Close()
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// localURL is the URL for clients on this machine.
func localURL(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
