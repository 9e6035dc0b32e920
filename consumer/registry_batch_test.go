package consumer_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	v1 "github.com/troupe-go/troupe/internal/parcel/v1"
	"github.com/troupe-go/troupe/internal/sickregistry"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// oneSchemaAway is a registry that answers for all schemas but one, which it asks the illness for.
func oneSchemaAway(t *testing.T, target string, id int, illness http.HandlerFunc) http.HandlerFunc {
	t.Helper()
	u, err := url.Parse(target)
	must(t, err)
	well := httputil.NewSingleHostReverseProxy(u)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	well.Transport = transport
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, fmt.Sprintf("/schemas/ids/%d", id)) {
			illness(w, r)
			return
		}
		well.ServeHTTP(w, r)
	}
}

// mixed is a partition with twelve events of a version of the event that is known, one of another version on
// key k-0, and six of the first again, all in the log before anybody reads. It returns the id of the other version.
func (s *stage) mixed(opts ...producer.Option) (unknown int) {
	s.t.Helper()
	for i := range 12 {
		must(s.t, s.producer.Publish(s.t.Context(), s.topic, fmt.Sprint("k-", i%3), parcels[0].written, opts...))
		opts = nil
	}
	must(s.t, s.producer.Publish(s.t.Context(), s.topic, "k-0", parcels[1].written))
	for i := range 6 {
		must(s.t, s.producer.Publish(s.t.Context(), s.topic, fmt.Sprint("k-", i%3), parcels[0].written))
	}
	sc, err := schema.Of(parcels[1].written)
	must(s.t, err)
	return s.register(schema.TopicRecordName(s.topic, parcelSent), sc).ID
}

// What one fetch brings is no unit: what stands in front of an event whose schema nobody can
// tell is handled and committed, what is behind it waits, and each key keeps its order.
func TestRun_WhatIsInFrontOfAnUnknownSchemaDoesNotWaitForTheRegistry(t *testing.T) {
	services := troupetest.New(t)
	for name, patience := range map[string]schema.ClientConfig{
		"503":   impatient,
		"hangs": {Timeout: time.Hour, Patience: time.Hour}, // the first question is never answered
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStageOn(t, services, 1)
			must(t, s.producer.Close())
			s.registry = s.client()
			s.producer = s.newProducer(nil)
			unknown := s.mixed()
			front := sickregistry.New(t, s.Registry.URL)
			front.Ail(oneSchemaAway(t, s.Registry.URL, unknown, sickregistry.Illnesses[name]))
			cfg := s.config()
			cfg.Registry = s.clientOf(troupe.Registry{URL: front.URL}, patience)
			var got seen[v1.ParcelSent]
			p := s.play(cfg, consumer.On(s.topic, got.handler))
			troupetest.Await(t, "what is in front to be committed", func() bool { return s.Committed(t, s.group, s.topic)[0] == 12 })
			if st := p.Stats(); got.count() != 12 || st.Fetched != 19 {
				t.Errorf("%d events handled before there was an answer, want the 12 in front of 19: %+v", got.count(), st)
			}
			if name == "hangs" {
				must(t, p.stop())
				if n := s.Committed(t, s.group, s.topic)[0]; n != 12 {
					t.Errorf("offset %d is committed", n)
				}
				p = s.play(s.config(), consumer.On(s.topic, got.handler))
			}
			front.Heal()
			s.WaitCommitted(t, s.group, s.topic)
			if st := p.Stats(); got.count() != 19 || st.Duplicates != 0 || st.DeadLettered != 0 || st.AwaitingRegistry != 0 {
				t.Errorf("%d events handled, %+v", got.count(), st)
			}
			want := []v1.ParcelSent{parcels[0].asFirst, parcels[0].asFirst, parcels[0].asFirst, parcels[0].asFirst, parcels[1].asFirst, parcels[0].asFirst, parcels[0].asFirst}
			if of := got.byKey["k-0"]; !reflect.DeepEqual(of, want) {
				t.Errorf("k-0 got %+v", of)
			}
			s.wantLetters()
		})
	}
}

// An event in front may be held by who handled it elsewhere: it is asked for again although its
// partition waits for the registry.
func TestRun_AHeldEventIsTakenOverWhileItsPartitionWaitsForTheRegistry(t *testing.T) {
	s := newEvolution(t, 1)
	foreign := []*dedupe.Claim{{Key: dedupe.KeyOf("test", "held"), Token: "other"}}
	must(t, s.store.Claim(t.Context(), s.group, time.Minute, foreign))
	unknown := s.mixed(producer.WithID("held"))
	front := sickregistry.New(t, s.Registry.URL)
	front.Ail(oneSchemaAway(t, s.Registry.URL, unknown, sickregistry.Illnesses["503"]))
	cfg := s.config()
	cfg.Registry = s.clientOf(troupe.Registry{URL: front.URL}, impatient)
	var got seen[v1.ParcelSent]
	p := s.play(cfg, consumer.On(s.topic, got.handler))
	troupetest.Await(t, "the other two keys", func() bool { return got.count() == 8 && p.Stats().AwaitingRegistry == 1 })
	must(t, s.store.Release(t.Context(), s.group, foreign))
	troupetest.Await(t, "what is in front to be committed", func() bool { return s.Committed(t, s.group, s.topic)[0] == 12 })
	front.Heal()
	s.WaitCommitted(t, s.group, s.topic)
	if st := p.Stats(); got.count() != 19 || st.DeadLettered != 0 {
		t.Errorf("%d events handled, %+v", got.count(), st)
	}
}
