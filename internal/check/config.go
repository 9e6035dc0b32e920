package check

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/troupe-go/troupe/schema"
)

// ConfigFile is what a Config's file is called.
const ConfigFile = "troupe.yaml"

// Config is the part of troupe.yaml that says how schemas are checked. The zero value
// of each field means its default.
type Config struct {
	// Paths are the files and directories that hold the schemas, relative to the Config's file. Defaults to its directory.
	Paths []string `yaml:"paths"`
	// Exclude are globs of files and directories within Paths to leave out; ** stands for any directories.
	Exclude []string `yaml:"exclude"`
	// Contracts is the directory of the reader schemas that services committed, CONTRACTS/<service>/*.avsc.
	// Defaults to "contracts", if there is one.
	Contracts string `yaml:"contracts"`
	// Against is what schemas are compared with, as the flag has it.
	Against string `yaml:"against"`
	// Tags is a glob of the git tags that are the older versions, such as v*.
	Tags string `yaml:"tags"`
	// Mode is for the subjects that have none of their own. Defaults to BACKWARD.
	Mode string `yaml:"mode"`
	// Deleted is "allow" or "fail", the default.
	Deleted string `yaml:"deleted"`
	// New says whether a check may find nothing but new schemas: "allow" or "fail", the default.
	New string `yaml:"new"`
	// Subjects are rules for subjects; the first that matches counts.
	Subjects []SubjectRule `yaml:"subjects"`
	// Waivers are breaks that somebody answers for.
	Waivers []Waiver `yaml:"waivers"`

	// File is where it was read, "" for none.
	File string `yaml:"-"`
	// lines are where the keys are.
	lines map[string]int
}

// SubjectRule says something about the subjects whose record's full name matches.
type SubjectRule struct {
	// Match is a glob, such as shop.*.
	Match string `yaml:"match"`
	Mode  string `yaml:"mode"`
	// Deleted and New are "allow" or "fail".
	Deleted string `yaml:"deleted"`
	New     string `yaml:"new"`
	// Topic and Naming ("topic-record", the default, "topic" or "record") give the subject in a registry.
	Topic  string `yaml:"topic"`
	Naming string `yaml:"naming"`
	// Subject is the subject in a registry, where no naming gives it.
	Subject string `yaml:"subject"`

	line int
}

// Waiver lets one break pass until a date.
type Waiver struct {
	// Subject is the record's full name.
	Subject string `yaml:"subject"`
	// Rule is the violation's, such as TYPE_MISMATCH.
	Rule string `yaml:"rule"`
	// Path is the violation's JSON pointer, "" for the whole schema.
	Path string `yaml:"path"`
	// Old are the fingerprints of the versions that it breaks with, New is that of the schema that breaks.
	Old List   `yaml:"old"`
	New string `yaml:"new"`
	// Breaks says whom it breaks: "new consumers", which cannot read old events, or "old consumers", which cannot read new
	// ones. "" stands for the new ones, or for the old ones where these alone break there.
	Breaks string `yaml:"breaks"`
	// Service is the one whose contract breaks, "" where it is no contract.
	Service string `yaml:"service"`
	// Reason and Owner are for people. Both must be there.
	Reason string `yaml:"reason"`
	Owner  string `yaml:"owner"`
	// Expires is the last day on which it counts (UTC), as 2006-01-02.
	Expires string `yaml:"expires"`

	file string
	line int
}

// List is a YAML list of strings, or one of them.
type List []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = List{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (w *Waiver) UnmarshalYAML(n *yaml.Node) error {
	type plain Waiver
	err := n.Decode((*plain)(w))
	w.line = n.Line
	return err
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *SubjectRule) UnmarshalYAML(n *yaml.Node) error {
	type plain SubjectRule
	err := n.Decode((*plain)(r))
	r.line = n.Line
	return err
}

// FindConfig returns the path of the troupe.yaml in dir or the nearest directory above it, "" if
// there is none. Where there is no troupe.yaml it is a waivers.yaml. It does not look beyond a git repository.
func FindConfig(dir string) (string, error) {
	beside := ""
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, ConfigFile)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		waivers := filepath.Join(dir, waiversFile)
		if _, err := os.Stat(waivers); err == nil && beside == "" {
			beside = waivers
		}
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil || dir == filepath.Dir(dir) {
			return beside, nil
		}
		dir = filepath.Dir(dir)
	}
}

// waiversFile is what a file of waivers alone is called.
const waiversFile = "waivers.yaml"

// ReadWaivers reads a waivers.yaml that has no troupe.yaml beside it.
func ReadWaivers(file, show string) (*Config, error) {
	c := &Config{File: show}
	if err := c.readWaivers(file, show); err != nil {
		return nil, err
	}
	return c, c.validate()
}

// IsWaivers reports whether a file that FindConfig found has waivers only.
func IsWaivers(file string) bool { return filepath.Base(file) == waiversFile }

// at is the place of a key, with a colon behind it, "" where there is none.
func (c *Config) at(key string) string {
	if c.lines[key] == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", c.File, c.lines[key])
}

// ReadConfig reads a troupe.yaml and the waivers.yaml beside it. show is the name of the first in errors. What
// the file says under other keys than "schema" is not looked at.
func ReadConfig(file, show string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", show, err)
	}
	var whole struct {
		Schema Config `yaml:"schema"`
	}
	root, err := decodeYAML(text, show, &whole)
	if err != nil {
		return nil, err
	}
	c := &whole.Schema
	c.File = show
	for i := range c.Waivers {
		c.Waivers[i].file = show
	}
	c.lines = map[string]int{}
	for _, key := range []string{"mode", "deleted", "new", "paths", "tags", "against", "contracts"} {
		c.lines[key] = lineOf(root, "schema", key)
	}
	if err := c.readWaivers(filepath.Join(filepath.Dir(file), waiversFile), path.Join(path.Dir(show), waiversFile)); err != nil {
		return nil, err
	}
	return c, c.validate()
}

// readWaivers adds the waivers of a file of their own, if it is there.
func (c *Config) readWaivers(file, show string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", show, err)
	}
	var more struct {
		Waivers []Waiver `yaml:"waivers"`
	}
	if _, err := decodeYAML(text, show, &more); err != nil {
		return err
	}
	for _, w := range more.Waivers {
		w.file = show
		c.Waivers = append(c.Waivers, w)
	}
	return nil
}

// decodeYAML decodes text strictly: unknown keys are errors.
func decodeYAML(text []byte, show string, into any) (*yaml.Node, error) {
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err != nil {
		if len(bytes.TrimSpace(text)) == 0 || err.Error() == "EOF" {
			return &doc, nil
		}
		return nil, yamlError(show, err)
	}
	if len(doc.Content) == 0 {
		return &doc, nil
	}
	root := doc.Content[0]
	if err := knownKeys(root, reflect.TypeOf(into).Elem(), show); err != nil {
		return nil, err
	}
	if err := root.Decode(into); err != nil {
		return nil, yamlError(show, err)
	}
	return root, nil
}

// yamlError is err with the file in front and without the package's own prefix.
func yamlError(show string, err error) error {
	said := strings.TrimPrefix(err.Error(), "yaml: ")
	said = strings.TrimSpace(strings.TrimPrefix(said, "unmarshal errors:"))
	if rest, ok := strings.CutPrefix(said, "line "); ok {
		said = rest
	} else {
		said = " " + said
	}
	first, _, more := strings.Cut(said, "\n")
	if more {
		first += " (and more)"
	}
	return fmt.Errorf("%s:%s", show, first)
}

// knownKeys finds the first key that a struct has no field for.
func knownKeys(n *yaml.Node, t reflect.Type, show string) error {
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			if err := knownKeys(item, t.Elem(), show); err != nil {
				return err
			}
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			field, names := fieldOf(t, key.Value)
			if field == nil {
				hint := "known are " + strings.Join(names, ", ")
				if of, _ := fieldOf(reflect.TypeFor[Config](), key.Value); of != nil && t != reflect.TypeFor[Config]() && slices.Equal(names, []string{"schema"}) {
					hint = "it belongs under schema:"
				} else if near := closest(key.Value, names); near != "" {
					hint = fmt.Sprintf("did you mean %q?", near)
				}
				return fmt.Errorf("%s:%d: unknown key %q: %s", show, key.Line, key.Value, hint)
			}
			if err := knownKeys(n.Content[i+1], field.Type, show); err != nil {
				return err
			}
		}
	}
	return nil
}

func fieldOf(t reflect.Type, key string) (*reflect.StructField, []string) {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		if name == key {
			return &f, nil
		}
		names = append(names, name)
	}
	return nil, names
}

func lineOf(n *yaml.Node, keys ...string) int {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == keys[0] {
			if len(keys) == 1 {
				return n.Content[i].Line
			}
			return lineOf(n.Content[i+1], keys[1:]...)
		}
	}
	return 0
}

// closest returns the word of a list that differs from s by a slip of the finger, "" if none does.
func closest(s string, list []string) string {
	best, least := "", 3
	for _, word := range list {
		if d := distance(strings.ToLower(s), strings.ToLower(word)); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}

func (c *Config) validate() error {
	at := func(line int) string { return fmt.Sprintf("%s:%d", c.File, line) }
	if c.Mode != "" {
		if _, err := schema.ParseMode(c.Mode); err != nil {
			return fmt.Errorf("%s: %w", at(c.lines["mode"]), err)
		}
	}
	for key, word := range map[string]string{"deleted": c.Deleted, "new": c.New} {
		if err := oneOf(word, key, "allow", "fail"); err != nil {
			return fmt.Errorf("%s: %w", at(c.lines[key]), err)
		}
	}
	for _, r := range c.Subjects {
		if err := r.validate(); err != nil {
			return fmt.Errorf("%s: %w", at(r.line), err)
		}
	}
	for _, w := range c.Waivers {
		if err := w.validate(); err != nil {
			return fmt.Errorf("%s:%d: waiver %w", w.file, w.line, err)
		}
	}
	return nil
}

func (r *SubjectRule) validate() error {
	if r.Match == "" {
		return errors.New(`a rule for subjects needs "match", a glob of full names such as shop.*`)
	}
	if _, err := path.Match(r.Match, ""); err != nil {
		return fmt.Errorf("%q is no glob: %w", r.Match, err)
	}
	if r.Mode != "" {
		if _, err := schema.ParseMode(r.Mode); err != nil {
			return err
		}
	}
	if err := oneOf(r.Deleted, "deleted", "allow", "fail"); err != nil {
		return err
	}
	if err := oneOf(r.New, "new", "allow", "fail"); err != nil {
		return err
	}
	if err := oneOf(r.Naming, "naming", "topic-record", "topic", "record"); err != nil {
		return err
	}
	if r.Topic == "" && (r.Naming == "topic" || r.Naming == "topic-record") {
		return fmt.Errorf("naming %q needs the topic", r.Naming)
	}
	return nil
}

func oneOf(s, key string, allowed ...string) error {
	if s == "" || slices.Contains(allowed, s) {
		return nil
	}
	return fmt.Errorf("%s %q is none of %s", key, s, strings.Join(allowed, ", "))
}

func (w *Waiver) validate() error {
	for _, f := range []struct{ key, value string }{
		{"subject", w.Subject}, {"rule", w.Rule}, {"reason", w.Reason}, {"owner", w.Owner}, {"expires", w.Expires},
	} {
		if f.value == "" {
			return fmt.Errorf("needs %q", f.key)
		}
	}
	if !slices.Contains(waivable, w.Rule) {
		hint := "known are " + strings.Join(waivable, ", ")
		if near := closest(w.Rule, waivable); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return fmt.Errorf("has the unknown rule %q: %s", w.Rule, hint)
	}
	if w.Rule != string(SubjectDeleted) && (len(w.Old) == 0 || w.New == "") {
		return errors.New(`needs "old" and "new", the fingerprints of both schemas: troupe schema check --print-waivers prints them`)
	}
	if err := oneOf(w.Breaks, "breaks", breaksNew, breaksOld); err != nil {
		return fmt.Errorf("has %w", err)
	}
	if ofSubject := []schema.Rule{SubjectDeleted, BaseUnreadable, VersionChanged, GeneratedDiffers}; w.Breaks != "" && (w.Service != "" || slices.Contains(ofSubject, schema.Rule(w.Rule))) {
		return errors.New(`has "breaks", which is for breaks between two versions of a schema: leave it out`)
	}
	if _, err := w.lastDay(); err != nil {
		return fmt.Errorf("expires %q, which is no day such as 2026-12-31", w.Expires)
	}
	return nil
}

func (w *Waiver) lastDay() (time.Time, error) { return time.Parse(time.DateOnly, w.Expires) }

// rule returns the first rule that matches a record's name.
func (c *Config) rule(name string) SubjectRule {
	for _, r := range c.Subjects {
		if ok, _ := path.Match(r.Match, name); ok {
			return r
		}
	}
	return SubjectRule{}
}

// mode returns a subject's mode and where it is written, "" where it is not.
func (c *Config) mode(name string) (schema.Mode, string) {
	if r := c.rule(name); r.Mode != "" {
		m, _ := schema.ParseMode(r.Mode)
		return m, fmt.Sprintf("%s:%d", c.File, r.line)
	}
	if c.Mode != "" {
		m, _ := schema.ParseMode(c.Mode)
		return m, fmt.Sprintf("%s:%d", c.File, c.lines["mode"])
	}
	return "", ""
}

func (c *Config) allowsNew(name string) bool {
	if n := c.rule(name).New; n != "" {
		return n == "allow"
	}
	return c.New == "allow"
}

func (c *Config) allowsDeleted(name string) bool {
	if d := c.rule(name).Deleted; d != "" {
		return d == "allow"
	}
	return c.Deleted == "allow"
}
