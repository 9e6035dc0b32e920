package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// peer is a program that does what a service of another make would do. It gets
// a task on stdin and answers with a line of JSON for each record.
type peer struct {
	name string
	// command is how to run it: what stands before produce or consume, and what
	// behind. It skips t where that program can't run.
	command func(t *testing.T) (before, after []string)
	// apicurio says that it speaks to Apicurio Registry only, through that registry's own API.
	apicurio bool
}

var peers = []peer{
	{name: "Python", command: python},
	{name: "Java", command: func(t *testing.T) (before, after []string) { return java(t), []string{"confluent"} }},
	{name: "JavaWithApicuriosSerdes", command: func(t *testing.T) (before, after []string) { return java(t), []string{"apicurio"} }, apicurio: true},
}

// eachPeer runs a test with each of the peers that this machine has.
func eachPeer(t *testing.T, test func(t *testing.T, s *stage, p peer)) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			p.command(t)
			s := troupetest.New(t)
			if p.apicurio && !strings.HasSuffix(s.Registry.URL, "/apis/ccompat/v7") {
				t.Skip("needs an Apicurio Registry (TROUPE_REGISTRY=http://.../apis/ccompat/v7)")
			}
			test(t, newStage(t, s), p)
		})
	}
}

// task is what a peer is asked to do.
type task struct {
	Topic string `json:"topic"`
	// Types are what may be in the topic, by full name.
	Types map[string]avroType `json:"types"`
	// Records are to be produced, in that order.
	Records []foreign `json:"records,omitempty"`
	// Count is how many are to be consumed, from the beginning of the topic.
	Count int `json:"count,omitempty"`
}

type avroType struct {
	// Schema is the text of the .avsc file: the peer's own copy.
	Schema string `json:"schema"`
	// Subject is what the peer registers it under. For <topic>-value, a peer
	// leaves its serializer's settings alone.
	Subject string `json:"subject"`
}

// foreign is a record that a peer produces.
type foreign struct {
	Key  *string `json:"key"`
	Type string  `json:"type,omitempty"`
	// Value is null for a tombstone.
	Value any `json:"value"`
	// GUID asks for the header form of the wire format.
	GUID bool `json:"guid,omitempty"`
	// Codec compresses the batch that the record is in: one of Kafka's names.
	Codec string `json:"codec,omitempty"`
	// Event are the attributes of a CloudEvent. A record without is no CloudEvent.
	Event map[string]string `json:"event,omitempty"`
	// Headers are written as they are.
	Headers [][2]string `json:"headers,omitempty"`

	data schema.Record // what Value says
}

// say is data as a peer publishes it; an empty key is null.
func say(key string, data schema.Record) foreign {
	f := foreign{Type: fullName(data), Value: said(data), data: data}
	if key != "" {
		f.Key = &key
	}
	return f
}

// place is where a record lies.
type place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// seen is a record as a peer consumed it.
type seen struct {
	place
	Key     *string     `json:"key"`
	Value   any         `json:"value"`
	Headers [][2]string `json:"headers"`
	// Event are the attributes that the peer's CloudEvents SDK found.
	Event map[string]string `json:"event"`
}

// produce lets p produce records and returns where they are.
func (p peer) produce(t *testing.T, s *stage, records ...foreign) []place {
	t.Helper()
	places := ask[place](t, s, p, "produce", task{Topic: s.topic, Types: s.types, Records: records})
	if len(places) != len(records) {
		t.Fatalf("%s says of %d records where they are, and produced %d", p.name, len(places), len(records))
	}
	return places
}

// consume lets p read the first count records of the topic.
func (p peer) consume(t *testing.T, s *stage, count int) map[place]seen {
	t.Helper()
	got := map[place]seen{}
	for _, r := range ask[seen](t, s, p, "consume", task{Topic: s.topic, Types: s.types, Count: count}) {
		got[r.place] = r
	}
	if len(got) != count {
		t.Fatalf("%s read %d records, want %d", p.name, len(got), count)
	}
	return got
}

// ask runs a peer and decodes its answers.
func ask[T any](t *testing.T, s *stage, p peer, verb string, what task) []T {
	t.Helper()
	in, err := json.Marshal(what)
	must(t, err)
	before, after := p.command(t)
	args := append(append(before, verb), after...)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), s.Environ()...)
	cmd.Stdin = bytes.NewReader(in)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, &complaints)
	}
	var answers []T
	lines := json.NewDecoder(bytes.NewReader(out))
	lines.UseNumber()
	for lines.More() {
		var a T
		if err := lines.Decode(&a); err != nil {
			t.Fatalf("%s answers %q: %v", strings.Join(args, " "), out, err)
		}
		answers = append(answers, a)
	}
	return answers
}
