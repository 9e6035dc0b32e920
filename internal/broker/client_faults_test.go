package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
)

func TestNew_ReportsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := broker.New(troupe.Kafka{Brokers: []string{"nowhere"}, DialTimeout: -1}, nil)
	if err == nil || !strings.Contains(err.Error(), `"nowhere" is not host:port`) || !strings.Contains(err.Error(), "negative") {
		t.Fatalf("got %v", err)
	}
	if _, err = broker.New(troupe.Kafka{}, nil); err == nil || !strings.Contains(err.Error(), "TROUPE_BROKERS") {
		t.Fatalf("got %v", err)
	}
}

func TestClient_ABrokerThatAcceptsAndHangsIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	address := silent(t)
	k := cluster{Kafka: troupe.Kafka{Brokers: []string{address}, DialTimeout: 100 * time.Millisecond}}
	err := k.client(t).Ping(timeout(t))
	if err == nil || !strings.Contains(err.Error(), address) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func TestClient_ABrokerThatIsDownIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1" // nobody listens there
	k := cluster{Kafka: troupe.Kafka{Brokers: []string{address}}}
	if err := k.client(t).Ping(timeout(t)); err == nil || !strings.Contains(err.Error(), address) {
		t.Fatalf("got %v", err)
	}
}

func TestClient_FindsTheOneSeedThatAnswers(t *testing.T) {
	t.Parallel()
	k := start(t)
	k.Brokers = append([]string{silent(t), silent(t)}, k.Brokers[0])
	c := k.client(t)
	if err := c.Ping(timeout(t)); err != nil {
		t.Fatal(err)
	}
	topic(t, c, 1)
}

func TestClient_ReplacesConnectionsThatWereCut(t *testing.T) {
	t.Parallel()
	k := start(t)
	n := newNetwork(t)
	k.Dial = n.dial
	c := k.client(t)
	name := topic(t, c, 3)
	for range 3 {
		n.cut()
		if err := c.Ping(timeout(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.EndOffsets(timeout(t), name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClient_AsksAnotherBrokerWhileOneHangs(t *testing.T) {
	t.Parallel()
	k := fakeOnly(t)
	n := newNetwork(t)
	k.Dial, k.RequestTimeout = n.dial, time.Minute
	c := k.client(t)
	topic(t, c, 1) // the connection for metadata is open by now, to one of them
	for _, answers := range k.Brokers {
		for _, b := range k.Brokers {
			n.freeze(b, b != answers)
		}
		var unknown *broker.UnknownTopicError
		if _, err := c.Topic(timeout(t), "missing"); !errors.As(err, &unknown) {
			t.Fatalf("got %v", err)
		}
		for _, b := range k.Brokers {
			n.freeze(b, false)
		}
	}
}

func TestClient_AuthenticatesOverTLS(t *testing.T) {
	t.Parallel()
	server, trusting := certificate(t)
	k := start(t, kfake.NumBrokers(2), kfake.TLS(server), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"),
		kfake.Superuser("SCRAM-SHA-256", "u", "p"), kfake.Superuser("SCRAM-SHA-512", "u", "p"))
	sha256, err := troupe.ScramSHA256("u", "p")
	if err != nil {
		t.Fatal(err)
	}
	sha512, err := troupe.ScramSHA512("u", "p")
	if err != nil {
		t.Fatal(err)
	}
	k.TLS = trusting
	for _, mechanism := range []func(*troupe.Kafka){
		func(k *troupe.Kafka) { k.SASL = troupe.Plain("u", "p") },
		func(k *troupe.Kafka) { k.SASL = sha256 },
		func(k *troupe.Kafka) { k.SASL = sha512 },
	} {
		k := k
		mechanism(&k.Kafka)
		t.Run(k.SASL.Name(), func(t *testing.T) {
			c := k.client(t)
			name := topic(t, c, 2)
			if _, err := c.EndOffsets(timeout(t), name); err != nil {
				t.Fatal(err)
			}
			if res, err := c.API().ListGroups(timeout(t), &kafka.ListGroupsRequest{}); err != nil || res.Error != nil {
				t.Fatalf("kafka-go's client: %v", err)
			}
			conn, err := c.Dialer().DialContext(timeout(t), "tcp", c.Brokers()[0])
			if err != nil {
				t.Fatalf("kafka-go's dialer: %v", err)
			}
			conn.Close()
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		k := k
		k.SASL = troupe.Plain("u", "wrong")
		if err := k.client(t).Ping(timeout(t)); !errors.Is(err, kafka.SASLAuthenticationFailed) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("no TLS", func(t *testing.T) {
		k := k
		k.TLS = nil
		if err := k.client(t).Ping(timeout(t)); err == nil || !strings.Contains(err.Error(), "TLS") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("unknown authority", func(t *testing.T) {
		k := k
		_, k.TLS = certificate(t)
		if err := k.client(t).Ping(timeout(t)); err == nil || !strings.Contains(err.Error(), "TLS handshake") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestCall_ShowsTheCoordinatorsOwnCodes(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	ctx := timeout(t)
	var node int32
	for { // a new cluster makes its offsets topic with the first question
		var err error
		if node, err = c.Coordinator(ctx, "broker-test"); err == nil {
			break
		} else if !errors.Is(err, kafka.GroupCoordinatorNotAvailable) {
			t.Fatal(err)
		}
	}
	msg, err := c.Call(ctx, node, "heartbeat", 0, &heartbeat.Request{GroupID: "broker-test", MemberID: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	switch code := kafka.Error(msg.(*heartbeat.Response).ErrorCode); code {
	case kafka.UnknownMemberId, kafka.GroupIdNotFound, kafka.GroupLoadInProgress, kafka.NotCoordinatorForGroup:
	default:
		t.Fatalf("got %v", code)
	}
	// A flexible version, with its other header.
	if _, err = c.Call(ctx, node, "heartbeat", 4, &heartbeat.Request{GroupID: "broker-test", MemberID: "nobody"}); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Call(ctx, 77, "heartbeat", 0, &heartbeat.Request{}); err == nil || !strings.Contains(err.Error(), "77") {
		t.Fatalf("a broker that is not there: %v", err)
	}
}

func TestClose_IsTheEnd(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := topic(t, c, 1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(timeout(t)); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("Ping: %v", err)
	}
	if _, err := c.EndOffsets(timeout(t), "other"+name); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("EndOffsets: %v", err)
	}
}
