package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/check"
	"github.com/troupe-go/troupe/schema"
)

// checkOptions are the flags of schema check.
type checkOptions struct {
	against, tags, mode, contracts, output, config    string
	registry, subject, emulate                        string
	timeout                                           time.Duration
	allowDeleted, allowNew, strict, printWaivers, all bool
}

func newSchemaCheck() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Say who breaks when the schemas here go live, and how to repair it",
		Long: `Say who breaks when the schemas here go live, and how to repair it.

PATHs are .avsc files and directories of them, by default those that troupe.yaml
names, or else this directory. A schema is compared with the one of the same full
name in what --against names, wherever its file was:

  (nothing)      where HEAD left the main branch (merge base); on the main branch itself
                 with HEAD if something is not committed, else with the commit before
  BRANCH         where HEAD left that branch; on it as with nothing
  TAG, COMMIT    that commit; REF:PATH a file or a directory of it
  DIR, FILE      files; git:, dir: and file: in front leave no doubt
  registry       the registry of --registry or TROUPE_REGISTRY, which has its own modes;
                 registry:SUBJECT for one file

What services read is checked too, if they commit it: contracts/<service>/*.avsc.

Exit codes: 0 compatible; 1 something breaks, or a waiver is expired or not used;
2 something could not be checked. A check that compared nothing is not green.`,
		Example: `  troupe schema check
  troupe schema check schemas --against origin/main --mode FULL
  troupe schema check --mode BACKWARD_TRANSITIVE --tags 'v*'
  troupe schema check --against registry --registry http://localhost:8081 --emulate confluent
  troupe schema check new.avsc --against old.avsc
  troupe schema check -o github`,
		RunE: schemaCommand(o.run),
	}
	f := cmd.Flags()
	f.StringVar(&o.against, "against", "", "what to compare with: a git revision, a directory, a file or registry")
	f.StringVarP(&o.mode, "mode", "m", "", "BACKWARD, FORWARD, FULL, each also with _TRANSITIVE, or NONE (default: troupe.yaml, the registry, BACKWARD)")
	f.StringVar(&o.tags, "tags", "", "git tags to take as older versions, for the transitive modes: a glob such as 'v*'")
	f.StringVar(&o.contracts, "contracts", "", "directory of the services' reader schemas, <service>/*.avsc (default contracts)")
	f.StringVar(&o.registry, "registry", "", "URL of the registry for --against registry (default $TROUPE_REGISTRY)")
	f.StringVar(&o.subject, "subject", "", "subject in the registry, for a single file")
	f.DurationVar(&o.timeout, "timeout", 5*time.Second, "how long to wait for one answer of the registry, which is asked twice")
	f.StringVar(&o.config, "config", "", "configuration (default: the nearest troupe.yaml, here or above)")
	f.StringVarP(&o.output, "output", "o", "text", strings.Join(check.Formats, ", "))
	f.StringVar(&o.emulate, "emulate", "", `"confluent" says what Confluent's registry will answer where it differs`)
	f.BoolVar(&o.allowDeleted, "allow-deleted", false, "deleted schemas are meant")
	f.BoolVar(&o.allowNew, "allow-new", false, "every schema may be new, as in the first commit")
	f.BoolVar(&o.strict, "strict", false, "warnings fail")
	f.BoolVarP(&o.all, "all", "a", false, "list unchanged schemas too")
	f.BoolVar(&o.printWaivers, "print-waivers", false, "print waivers for everything that fails, to complete and save as waivers.yaml")
	return cmd
}

func (o *checkOptions) run(cmd *cobra.Command, args []string) error {
	options, err := o.options(args)
	if err != nil {
		return err
	}
	registry := &registryOpener{url: o.registry, timeout: o.timeout}
	defer registry.close()
	options.Open = registry.open
	report, err := check.Run(cmd.Context(), options)
	if report == nil {
		if o.output != "text" && !o.printWaivers && cmd.Context().Err() == nil { // whoever reads only this must see why it is red
			return errors.Join(check.Unable(err).Write(cmd.OutOrStdout(), o.output, check.Style{}), err)
		}
		return err
	}
	if o.printWaivers {
		if err := o.waivers(cmd, report); err != nil {
			return err
		}
		return verdictOf(cmd.ErrOrStderr(), report, err)
	}
	style := check.Style{Color: isColorful(cmd.OutOrStdout()), All: o.all}
	if o.output != "text" || len(report.Problems) == 0 || len(report.Subjects) > 0 {
		if err := report.Write(cmd.OutOrStdout(), o.output, style); err != nil {
			return err
		}
	}
	return verdictOf(cmd.ErrOrStderr(), report, err)
}

// verdictOf is the error that a report ends with, nil when everything is compatible. What could not be
// checked is a line each; what breaks is in the report.
func verdictOf(w io.Writer, r *check.Report, err error) error {
	if err != nil {
		return &schemaError{exitUsage, err}
	}
	last := len(r.Problems) - 1
	for i, p := range r.Problems {
		if i == last {
			return &schemaError{exitUsage, errors.New(p.Message)}
		}
		fmt.Fprintln(w, "troupe:", line(errors.New(p.Message)))
	}
	if r.Summary.Exit != 0 {
		return &schemaError{r.Summary.Exit, errReported}
	}
	return nil
}

// errReported is an error that the report has told already.
var errReported = errors.New("")

func (o *checkOptions) waivers(cmd *cobra.Command, r *check.Report) error {
	text := r.PrintWaivers(time.Now())
	if text == "" {
		text = "# nothing to waive\n"
	}
	_, err := io.WriteString(cmd.OutOrStdout(), text)
	return err
}

// options are the check's, from flags and troupe.yaml.
func (o *checkOptions) options(args []string) (check.Options, error) {
	c := check.Options{
		Paths: args, Against: o.against, Tags: o.tags, Contracts: o.contracts, Subject: o.subject,
		AllowDeleted: o.allowDeleted, AllowNew: o.allowNew, Strict: o.strict, Confluent: o.emulate != "",
	}
	if !slices.Contains(check.Formats, o.output) {
		return c, fmt.Errorf("-o %q is none of %s", o.output, strings.Join(check.Formats, ", "))
	}
	if o.emulate != "" && o.emulate != "confluent" {
		return c, fmt.Errorf("--emulate %q: only confluent is known", o.emulate)
	}
	if c.Subject != "" && c.Against == "" {
		c.Against = "registry"
	}
	if o.timeout <= 0 {
		return c, fmt.Errorf("--timeout %v is not positive", o.timeout)
	}
	if o.mode != "" {
		mode, err := schema.ParseMode(o.mode)
		if err != nil {
			return c, fmt.Errorf("--mode: %w", err)
		}
		c.Mode = mode
	}
	return c, o.readConfig(&c)
}

// readConfig reads the configuration that --config names, or the nearest one.
func (o *checkOptions) readConfig(c *check.Options) error {
	file := o.config
	if file == "" {
		found, err := check.FindConfig(".")
		if err != nil || found == "" {
			return err
		}
		file = found
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	show := file
	if full, err := filepath.Abs(file); err == nil {
		if rel, err := filepath.Rel(here, full); err == nil {
			show = filepath.ToSlash(rel)
		}
	}
	if check.IsWaivers(file) {
		c.Config, err = check.ReadWaivers(file, show)
		return err
	}
	if c.Config, err = check.ReadConfig(file, show); err != nil {
		return err
	}
	c.ConfigDir = filepath.Dir(filepath.FromSlash(show))
	return nil
}

// isColorful reports whether colours are welcome (https://no-color.org).
func isColorful(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// registryOpener opens a registry once it is needed.
type registryOpener struct {
	url     string
	timeout time.Duration
	client  *schema.Client
}

func (r *registryOpener) open() (check.Registry, string, error) {
	settings, err := troupe.FromEnv()
	if err != nil {
		return nil, "", err
	}
	if r.url != "" {
		settings.Registry.URL = r.url
	}
	if settings.Registry.URL == "" {
		return nil, "", errors.New("which registry? Name it with --registry http://host:port or TROUPE_REGISTRY")
	}
	r.client, err = schema.NewClient(settings.Registry, schema.ClientConfig{
		Timeout: r.timeout, Patience: 3 * r.timeout, Attempts: 2,
	})
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(settings.Registry.URL)
	if err != nil {
		return nil, "", err
	}
	u.User, u.RawQuery = nil, ""
	return r.client, u.String(), nil
}

func (r *registryOpener) close() {
	if r.client != nil {
		_ = r.client.Close()
	}
}
