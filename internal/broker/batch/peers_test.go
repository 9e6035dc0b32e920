package batch_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker/batch"
)

// log is a topic of one partition that franz-go writes and we read raw.
type log struct {
	t       *testing.T
	fake    *kfake.Cluster // nil on a real Kafka
	brokers []string
	topic   string
}

func newLog(t *testing.T, configs map[string]*string) *log {
	t.Helper()
	l := &log{t: t, topic: fmt.Sprintf("batch-test-%d-%d", os.Getpid(), time.Now().UnixNano())}
	if b := os.Getenv("TROUPE_BROKERS"); b != "" {
		l.brokers = strings.Split(b, ",")
	} else {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		l.fake, l.brokers = fake, fake.ListenAddrs()
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = l.topic, 1, 1
	for name, value := range configs {
		rc := kmsg.NewCreateTopicsRequestTopicConfig()
		rc.Name, rc.Value = name, value
		rt.Configs = append(rt.Configs, rc)
	}
	req.Topics = append(req.Topics, rt)
	if _, err := req.RequestWith(context.Background(), l.client()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *log) client(opts ...kgo.Opt) *kgo.Client {
	l.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(l.brokers...), kgo.DefaultProduceTopic(l.topic)}, opts...)...)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(c.Close)
	return c
}

func (l *log) write(c *kgo.Client, records ...*kgo.Record) {
	l.t.Helper()
	if err := c.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		l.t.Fatal(err)
	}
}

// fetch returns the raw batches from an offset on, and the aborted transactions.
func (l *log) fetch(from int64) ([]byte, []batch.Aborted) {
	l.t.Helper()
	c := l.client(kgo.DisableFetchSessions())
	for deadline := time.Now().Add(10 * time.Second); ; {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = 100, 1, 8<<20, 1, -1
		ft := kmsg.NewFetchRequestTopic()
		ft.Topic = l.topic
		md := kmsg.NewPtrMetadataRequest()
		mt := kmsg.NewMetadataRequestTopic()
		mt.Topic = &l.topic
		md.Topics = append(md.Topics, mt)
		mres, err := md.RequestWith(context.Background(), c)
		if err != nil {
			l.t.Fatal(err)
		}
		ft.TopicID = mres.Topics[0].TopicID
		fp := kmsg.NewFetchRequestTopicPartition()
		fp.FetchOffset, fp.PartitionMaxBytes = from, 8<<20
		ft.Partitions = append(ft.Partitions, fp)
		req.Topics = append(req.Topics, ft)
		res, err := req.RequestWith(context.Background(), c.Broker(int(mres.Topics[0].Partitions[0].Leader)))
		if err != nil {
			l.t.Fatal(err)
		}
		if len(res.Topics) == 1 && len(res.Topics[0].Partitions) == 1 {
			p := res.Topics[0].Partitions[0]
			if p.ErrorCode == 0 && len(p.RecordBatches) > 0 {
				var aborted []batch.Aborted
				for _, a := range p.AbortedTransactions {
					aborted = append(aborted, batch.Aborted{ProducerID: a.ProducerID, FirstOffset: a.FirstOffset})
				}
				return p.RecordBatches, aborted
			}
			if time.Now().After(deadline) {
				l.t.Fatalf("fetch from %d: nothing there (%v, start %d, end %d)", from, kerr.ErrorForCode(p.ErrorCode), p.LogStartOffset, p.HighWatermark)
			}
		}
	}
}

func TestDecode_ReadsWhatFranzGoWrites(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, nil)
			c := l.client(kgo.ProducerBatchCompression(codec))
			var sent []*kgo.Record
			var want []event.Record
			for i := range 300 {
				r := event.Record{Topic: "topic", Partition: 7, Offset: int64(i), Timestamp: 1700000000000 + int64(i%7), Key: fmt.Appendf(nil, "key %d", i), Value: bytes.Repeat([]byte{byte(i)}, i)}
				switch i % 3 {
				case 0:
					r.Key, r.Value = nil, nil
				case 1:
					r.Headers = event.Headers{{Key: "ce_id", Value: []byte("é")}, {Key: "empty", Value: []byte{}}, {Key: "null"}}
				}
				want = append(want, r)
				s := &kgo.Record{Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp)}
				for _, h := range r.Headers {
					s.Headers = append(s.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
				}
				sent = append(sent, s)
			}
			l.write(c, sent...)
			data, _ := l.fetch(0)
			if codec == kgo.NoCompression() == (data[22]&7 != 0) {
				t.Fatalf("attributes %#x", data[22])
			}
			if got := decode(t, data, 0); !reflect.DeepEqual(got.Records, want) || got.Next != 300 {
				t.Fatalf("got %d records, Next %d", len(got.Records), got.Next)
			}
		})
	}
}

func TestDecode_ReadsOnlyWhatWasCommitted(t *testing.T) {
	l := newLog(t, nil)
	c := l.client(kgo.TransactionalID(l.topic))
	plain := l.client()
	var want []string
	for i, commit := range []bool{true, false, false, true, false, true} {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			v := fmt.Sprintf("transaction %d record %d", i, j)
			l.write(c, &kgo.Record{Value: []byte(v)})
			if commit {
				want = append(want, v)
			}
		}
		if err := c.EndTransaction(context.Background(), kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(err)
		}
		v := fmt.Sprintf("plain %d", i)
		l.write(plain, &kgo.Record{Value: []byte(v)})
		want = append(want, v)
	}
	data, aborted := l.fetch(0)
	out := decode(t, data, 0, aborted...)
	var got []string
	for _, r := range out.Records {
		got = append(got, string(r.Value))
	}
	if len(aborted) != 3 || !slices.Equal(got, want) || out.Next != 6*5 {
		t.Fatalf("%d aborted, Next %d, got %q", len(aborted), out.Next, got)
	}
	// From inside an aborted transaction.
	data, aborted = l.fetch(6)
	if out = decode(t, data, 6, aborted...); string(out.Records[0].Value) != "plain 1" {
		t.Fatalf("from offset 6: %q", out.Records[0].Value)
	}
}

func TestDecode_ReadsACompactedTopicToItsEnd(t *testing.T) {
	if os.Getenv("TROUPE_BROKERS") != "" {
		t.Skip("only the embedded broker compacts when it is told to")
	}
	compact := "compact"
	l := newLog(t, map[string]*string{"cleanup.policy": &compact})
	c := l.client(kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	for i := range 20 {
		// Of each batch but the last ones, compaction leaves the first record alone.
		records := []*kgo.Record{{Key: fmt.Appendf(nil, "stays %d", i), Value: []byte("value")}}
		for j := range 9 {
			records = append(records, &kgo.Record{Key: fmt.Appendf(nil, "key %d", j), Value: []byte("value")})
		}
		l.write(c, records...)
	}
	l.fake.Compact()
	records, next := 0, int64(0)
	for next < 200 {
		data, _ := l.fetch(next)
		out := decode(t, data, next)
		if out.Next <= next {
			t.Fatalf("no way on from offset %d", next)
		}
		records, next = records+len(out.Records), out.Next
	}
	if records >= 100 || records < 20+9 {
		t.Fatalf("%d records: nothing was compacted, or too much", records)
	}
}
