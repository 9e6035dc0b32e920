package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
)

// exitBreaking is what troupe schema ends with when somebody would break.
const exitBreaking = 1

// schemaError is an error with the exit code it stands for.
type schemaError struct {
	code int
	err  error
}

func (e *schemaError) Error() string { return e.err.Error() }
func (e *schemaError) Unwrap() error { return e.err }

// ExitCode is the status that the process ends with.
func (e *schemaError) ExitCode() int { return e.code }

func breaking(format string, args ...any) error {
	return &schemaError{exitBreaking, fmt.Errorf(format, args...)}
}

// schemaCommand makes the errors of do, which have no exit code, into what could not be done.
func schemaCommand(do func(cmd *cobra.Command, args []string) error) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := do(cmd, args)
		var coded interface{ ExitCode() int }
		switch {
		case err == nil, errors.As(err, &coded):
			return err
		case cmd.Context().Err() != nil:
			return &schemaError{exitInterrupted, fmt.Errorf("interrupted: %w", err)}
		}
		return &schemaError{exitUsage, err}
	}
}

// oneOf is a usage error unless value is among choices.
func oneOf(flag, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return usage("%s %q is none of %s", flag, value, strings.Join(choices, ", "))
}

// sourceOptions say where schemas come from.
type sourceOptions struct {
	registry   string
	timeout    time.Duration
	references []string
	in         io.Reader

	stdinBy string // the argument that has read stdin
	client  *schema.Client
	refs    []*schema.Schema
}

func (o *sourceOptions) registryFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.registry, "registry", "", "schema registry URL (default $TROUPE_REGISTRY)")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 10*time.Second, "how long to wait for the registry")
}

func (o *sourceOptions) flags(cmd *cobra.Command) {
	o.registryFlags(cmd)
	cmd.Flags().StringSliceVar(&o.references, "references", nil, "files with types that the schemas use, in the order in which they use each other")
}

// sourcesHelp says what the arguments of diff and resolve may be.
const sourcesHelp = `A schema is one of
  a file               orders.avsc, or - for stdin
  a file in git        main:schemas/orders.avsc (from the repository's root; main:./orders.avsc from here)
  a registry's         orders-shop.OrderPlaced, orders-shop.OrderPlaced@3, id:41 or guid:...
                       (with --registry or TROUPE_REGISTRY)
A name that is a file's is the file.`

// source is a schema and where it is from.
type source struct {
	name   string
	schema *schema.Schema
	// text is what was read, "" for a registry's.
	text string
}

// at is a place in the source.
func (s *source) at(p schema.Position) string {
	if p.File != "" || p.Line == 0 {
		return p.String()
	}
	return fmt.Sprintf("%s %s", s.name, p)
}

// load returns the schema that an argument names.
func (o *sourceOptions) load(ctx context.Context, arg string) (*source, error) {
	switch {
	case arg == "-":
		return o.stdin(arg)
	case strings.HasPrefix(arg, "id:"), strings.HasPrefix(arg, "guid:"):
		return o.fromRegistry(ctx, arg)
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name one schema file in it", arg)
	case err == nil:
		return o.file(arg)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, cannotRead(arg, err)
	}
	if ref, path, ok := strings.Cut(arg, ":"); ok && ref != "" {
		s, err := o.fromGit(ctx, ref, path)
		if err == nil || looksLikeFile(path) || !o.named() {
			return s, err
		}
	}
	switch {
	case looksLikeFile(arg):
		return nil, fmt.Errorf("there is no file %s here; write REF:%[1]s for one in git", arg)
	case !o.named():
		return nil, fmt.Errorf("there is no file %s here, and no registry to ask for a subject of that name: set TROUPE_REGISTRY or --registry", arg)
	}
	return o.fromRegistry(ctx, arg)
}

func looksLikeFile(path string) bool {
	return strings.HasSuffix(path, ".avsc") || strings.HasSuffix(path, ".json")
}

func cannotRead(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("read %s: %w", file, err)
}

// largestSchema is what is read of a file: what schema.Parse takes, and a little more for it to complain about.
const largestSchema = 16<<20 + 1

func readAtMost(r io.Reader, most int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, most))
}

func (o *sourceOptions) file(name string) (*source, error) {
	text, err := readSchemaFile(name)
	if err != nil {
		return nil, err
	}
	return o.parse(name, text)
}

func readSchemaFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", cannotRead(name, err)
	}
	defer f.Close()
	text, err := readAtMost(f, largestSchema)
	if err != nil {
		return "", cannotRead(name, err)
	}
	return string(text), nil
}

func (o *sourceOptions) stdin(arg string) (*source, error) {
	if err := o.takeStdin("the schema " + arg); err != nil {
		return nil, err
	}
	text, err := readAtMost(o.in, largestSchema)
	if err != nil {
		return nil, fmt.Errorf("read stdin: %w", err)
	}
	return o.parse("stdin", string(text))
}

// takeStdin is an error when stdin was taken already.
func (o *sourceOptions) takeStdin(by string) error {
	if o.stdinBy != "" {
		return usage("stdin is already %s: only one of them can be -", o.stdinBy)
	}
	o.stdinBy = by
	return nil
}

func (o *sourceOptions) parse(name, text string) (*source, error) {
	refs, err := o.referenced()
	if err != nil {
		return nil, err
	}
	s, err := schema.ParseFile(name, text, refs...)
	if err != nil {
		return nil, explainParse(text, err)
	}
	return &source{name: name, schema: s, text: text}, nil
}

// explainParse adds to the error about a text what may be the matter with it as a whole.
func explainParse(text string, err error) error {
	text = strings.TrimSpace(text)
	hint := ""
	switch {
	case strings.HasPrefix(text, "<"):
		hint = "; it looks like HTML or XML"
	case strings.HasPrefix(text, "syntax ") || strings.Contains(text, "\nmessage "):
		hint = "; it looks like Protobuf, and this is for Avro"
	case strings.HasPrefix(text, "protocol ") || strings.HasPrefix(text, "@namespace("):
		hint = "; it looks like Avro IDL: avro-tools idl2schemata makes .avsc files of it"
	case strings.Contains(err.Error(), "unknown type") && strings.Contains(err.Error(), "defined up to here"):
		hint = "; if another file defines it, name that with --references"
	}
	return fmt.Errorf("%w%s", err, hint)
}

// referenced parses the files that --references names, once.
func (o *sourceOptions) referenced() ([]*schema.Schema, error) {
	for len(o.refs) < len(o.references) {
		name := o.references[len(o.refs)]
		text, err := readSchemaFile(name)
		if err != nil {
			return nil, err
		}
		s, err := schema.ParseFile(name, text, o.refs...)
		if err != nil {
			return nil, explainParse(text, err)
		}
		o.refs = append(o.refs, s)
	}
	return o.refs, nil
}

// named reports whether a registry is named.
func (o *sourceOptions) named() bool {
	return o.registry != "" || os.Getenv("TROUPE_REGISTRY") != ""
}

// open returns the client of the registry that is named. close ends it.
func (o *sourceOptions) open() (*schema.Client, error) {
	if o.client != nil {
		return o.client, nil
	}
	if o.timeout <= 0 {
		return nil, usage("--timeout %v is not positive", o.timeout)
	}
	if !o.named() {
		return nil, usage("no registry: set TROUPE_REGISTRY or --registry to http://host:port")
	}
	settings, err := troupe.FromLookup(func(variable string) string {
		switch {
		case variable == "TROUPE_REGISTRY":
			return cmp.Or(o.registry, os.Getenv(variable))
		case strings.HasPrefix(variable, "TROUPE_REGISTRY"):
			return os.Getenv(variable)
		}
		return "" // what else is set is no matter of this command
	})
	if err != nil {
		var setting *troupe.SettingError
		if errors.As(err, &setting) && o.registry != "" {
			err = fmt.Errorf("--registry: %w", setting.Err)
		}
		return nil, usage("%w", err)
	}
	o.client, err = schema.NewClient(settings.Registry, schema.ClientConfig{Timeout: min(o.timeout, 5*time.Second), Patience: o.timeout})
	if err != nil {
		return nil, usage("%w", err)
	}
	return o.client, nil
}

func (o *sourceOptions) close() {
	if o.client != nil {
		_ = o.client.Close() // it has nothing to say
	}
}
