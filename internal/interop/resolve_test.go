package interop

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/internal/interop/pairs"
	"github.com/troupe-go/troupe/schema"
)

// TestResolve_ReadsAsAvroJavaDoes holds schema.Resolve against Avro Java's SchemaCompatibility and
// GenericDatumReader on 1,000 random pairs of schemas, or 50,000 with TROUPE_LONG=1, and against a plain reading of the
// specification. TROUPE_SEED makes the same pairs again. Where Java is known to be wrong, the reading decides.
func TestResolve_ReadsAsAvroJavaDoes(t *testing.T) {
	command := javaProgram(t, buildResolve, "Resolve")
	seed, count := rand.Uint64(), uint64(1_000)
	if os.Getenv("TROUPE_LONG") != "" {
		count = 50_000
	}
	if text := os.Getenv("TROUPE_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("TROUPE_SEED=%d", seed)

	j := startJava(t, command)
	c := comparison{counts: map[string]int{}}
	asked := make(chan *pairs.Pair, 64)
	go func() {
		defer close(asked)
		defer j.stdin.Close()
		for i := range count {
			p := pairs.New(rand.New(rand.NewPCG(seed, i)))
			if j.ask(p) != nil {
				return // what it says on stderr is reported below
			}
			asked <- p
		}
	}()
	for p := range asked {
		a, err := j.answer()
		if err != nil {
			t.Fatalf("%v\n%s", err, j.stderr)
		}
		if problem := c.judge(p, a); problem != "" {
			if c.count("pairs: DISAGREE"); c.counts["pairs: DISAGREE"] <= 5 {
				t.Errorf("pair %d: %s\n%s", c.counts["pairs"]-1, problem, describe(p, a))
			}
		}
	}
	must(t, j.Wait())
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		t.Logf("%6d %s", c.counts[what], what)
	}
	if c.counts["pairs"] != int(count) || c.counts["pairs: readable, Java agrees"] < int(count)/4 || c.counts["pairs: not readable, Java agrees"] < int(count)/4 {
		t.Error("too few pairs were compared")
	}
}

// javaResolver is the program that knows Avro Java.
type javaResolver struct {
	*exec.Cmd
	stdin  interface{ Close() error }
	in     *json.Encoder
	out    *bufio.Reader
	stderr *bytes.Buffer
}

func startJava(t *testing.T, command []string) *javaResolver {
	t.Helper()
	j := &javaResolver{Cmd: exec.CommandContext(t.Context(), command[0], command[1:]...), stderr: &bytes.Buffer{}}
	j.Stderr = j.stderr
	stdin, err := j.StdinPipe()
	must(t, err)
	stdout, err := j.StdoutPipe()
	must(t, err)
	j.stdin, j.in, j.out = stdin, json.NewEncoder(stdin), bufio.NewReader(stdout)
	must(t, j.Start())
	return j
}

func (j *javaResolver) ask(p *pairs.Pair) error {
	data := []string{}
	for _, d := range p.Data {
		data = append(data, hex.EncodeToString(d))
	}
	return j.in.Encode(map[string]any{"writer": p.Writer, "reader": p.Reader, "data": data})
}

// javaAnswer is described in Resolve.java.
type javaAnswer struct {
	Refused    string
	Canonical  [2]string
	Compatible bool
	Threw      string
	Plan       []string
	Data       []struct{ Out, Error string }
}

func (j *javaResolver) answer() (a javaAnswer, err error) {
	line, err := j.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("read Java's answer: %w", err)
	}
	return a, json.Unmarshal(line, &a)
}

func describe(p *pairs.Pair, a javaAnswer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "edits  %q\nwriter %s\nreader %s\nread   %+v\njava   %+v\n", p.Edits, p.Writer, p.Reader, p.Judge(), a)
	for _, d := range p.Data {
		fmt.Fprintf(&b, "datum  %x\n", d)
	}
	return b.String()
}

// comparison counts what was compared.
type comparison struct{ counts map[string]int }

func (c *comparison) count(what string) { c.counts[what]++ }

// judge returns what is wrong with our answer, "" if nothing is.
func (c *comparison) judge(p *pairs.Pair, a javaAnswer) string {
	c.count("pairs")
	writer, err := schema.Parse(p.Writer)
	if err != nil {
		return "the writer does not parse: " + err.Error()
	}
	reader, err := schema.Parse(p.Reader)
	if err != nil {
		return "the reader does not parse: " + err.Error()
	}
	if a.Refused == "" && a.Canonical != [2]string{writer.Canonical(), reader.Canonical()} {
		return fmt.Sprintf("the canonical forms are %s and %s", writer.Canonical(), reader.Canonical())
	}
	read := p.Judge()
	plan, err := schema.Resolve(writer, reader)
	switch {
	case read.Unsettled != "":
		c.count("pairs: nobody can say: " + read.Unsettled)
		return c.unsettled(p, plan, reader)
	case (err == nil) != (len(read.Problems) == 0):
		return fmt.Sprintf("the verdict is %v", err)
	case err != nil:
		if problem := sameRules(err, read.Problems); problem != "" {
			return problem
		}
	}
	if problem := c.verdict(err == nil, a, read); problem != "" {
		return problem
	}
	if err != nil {
		return ""
	}
	for i, d := range p.Data {
		out, err := plan.Append(nil, d, schema.Limits{})
		if err == nil {
			out = p.Whole(out)
		}
		if problem := c.datum(p, d, out, err); problem != "" {
			return fmt.Sprintf("datum %d: %s", i, problem)
		}
		if err == nil && a.Refused == "" {
			if problem := c.javaDatum(out, a.Data[i].Out, a.Data[i].Error, read); problem != "" {
				return fmt.Sprintf("datum %d: %s", i, problem)
			}
		}
	}
	return ""
}

// unsettled lets a pair be read at our own rule.
func (c *comparison) unsettled(p *pairs.Pair, plan *schema.Plan, reader *schema.Schema) string {
	if plan == nil {
		return ""
	}
	for i, d := range p.Data {
		out, err := plan.Append(nil, d, schema.Limits{})
		if err == nil {
			err = reader.Validate(out, schema.Limits{})
		}
		if err != nil && !strings.Contains(err.Error(), "UTF-8") {
			return fmt.Sprintf("datum %d became %x: %v", i, out, err)
		}
	}
	return ""
}

func sameRules(err error, problems []string) string {
	mismatch := new(schema.MismatchError)
	if !errors.As(err, &mismatch) {
		return fmt.Sprintf("the error is a %T: %v", err, err)
	}
	got, want := map[schema.Rule]bool{}, map[schema.Rule]bool{}
	for _, v := range mismatch.Violations {
		got[v.Rule] = true
	}
	for _, p := range problems {
		rule, _, _ := strings.Cut(p, ":")
		want[schema.Rule(rule)] = true
	}
	if !maps.Equal(got, want) {
		return fmt.Sprintf("the violations are %v", err)
	}
	return ""
}

// verdict compares with Java's checker.
func (c *comparison) verdict(readable bool, a javaAnswer, read pairs.Judgement) string {
	only := func(rule schema.Rule) bool {
		return len(read.Problems) > 0 && !slices.ContainsFunc(read.Problems, func(p string) bool { return !strings.HasPrefix(p, string(rule)) })
	}
	ambiguous := slices.ContainsFunc(read.Problems, func(p string) bool { return strings.HasPrefix(p, string(schema.AmbiguousAlias)) })
	switch {
	case strings.Contains(a.Refused, "Schema fields not set yet"):
		c.count("pairs: Java does not take a default in a type that contains itself")
	case a.Refused != "":
		return "Java does not take the schemas"
	case a.Threw != "" && ambiguous:
		c.count("pairs: ambiguous aliases, Java's checker throws")
	case strings.Contains(a.Threw, "matches multiple fields") && read.AliasOfItself:
		c.count("pairs: a field is an alias of itself, Java's checker throws")
	case strings.Contains(a.Threw, "matches multiple fields") && read.AmbiguousElsewhere:
		c.count("pairs: ambiguous aliases in a record that is not meant, Java's checker throws")
	case a.Threw != "":
		return "Java's checker threw"
	case a.Compatible == readable && readable:
		c.count("pairs: readable, Java agrees")
	case a.Compatible == readable:
		c.count("pairs: not readable, Java agrees")
	case readable:
		return "Java says that it is not readable"
	case ambiguous:
		c.count("pairs: two fields claim one, Java fills both or one")
	case only(schema.DecimalMismatch):
		c.count("pairs: Java does not look at decimals")
	default:
		return "Java says that it is readable"
	}
	return ""
}

// datum compares with the plain reading.
func (c *comparison) datum(p *pairs.Pair, data, out []byte, err error) string {
	want, unread := p.Read(data)
	switch {
	case unread != nil && err != nil:
		c.count("data: refused, no UTF-8")
	case err != nil:
		return err.Error()
	case unread != nil:
		return fmt.Sprintf("became %x, but %v", out, unread)
	case !bytes.Equal(out, want):
		return fmt.Sprintf("became %x, want %x", out, want)
	}
	return ""
}

func (c *comparison) javaDatum(out []byte, java, thrown string, read pairs.Judgement) string {
	switch {
	case java == hex.EncodeToString(out) && thrown == "":
		c.count("data: Java agrees")
	case read.AliasInNewNamespace:
		c.count("data: Java loses a renamed field in a record of another namespace")
	case read.LaterDefault:
		c.count("data: Java gives a default to the wrong branch")
	case strings.Contains(thrown, "Invalid default for field"):
		c.count("data: Java renames a field, but not in the writer's defaults")
	case read.AliasOfOther:
		c.count("data: Java goes from a name to its alias and on to that one's alias")
	case strings.Contains(thrown, "Duplicate in union"):
		c.count("data: Java renames a type to another one of the writer's")
	case (strings.Contains(thrown, `"top" is null`) || strings.Contains(thrown, "StackOverflowError")) && read.Recursive:
		c.count("data: Java loses its place in a type that contains itself")
	case strings.Contains(thrown, " claims "):
		c.count("data: Java counts the reader's bytes in the writer's")
	case read.NamespaceInUnion && thrown != "":
		c.count("data: Java does not find an enum or fixed of another namespace in a union")
	default:
		return fmt.Sprintf("became %x, in Java %s%s", out, java, thrown)
	}
	return ""
}
