package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// pair returns a conn and the broker's end of it.
func pair(t *testing.T, requestTimeout time.Duration) (*conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	cn := newConn(running.Go, near, 1, "broker:9092", "test", requestTimeout)
	cn.versions[protocol.Fetch] = versionRange{true, 4, 11}
	t.Cleanup(func() {
		cn.fail(ErrClosed)
		far.Close()
		running.Wait()
	})
	return cn, far
}

// request reads one request and returns its correlation id and body.
func request(t *testing.T, far net.Conn) (correlation int32, body []byte) {
	t.Helper()
	var size [4]byte
	if _, err := io.ReadFull(far, size[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(far, b); err != nil {
		t.Fatal(err)
	}
	if want := "\x00\x01\x00\x0b"; string(b[:4]) != want || string(b[8:14]) != "\x00\x04test" {
		t.Fatalf("header %x", b[:14])
	}
	return int32(binary.BigEndian.Uint32(b[4:])), b[14:]
}

func answer(correlation int32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(correlation))
	return append(b, body...)
}

type told struct {
	n    int
	body string
	err  error
}

// ask sends n pipelined requests; what their answers are told comes in the channel.
func ask(cn *conn, n int) chan told {
	out := make(chan told, 10*n)
	for i := range n {
		cn.send(int16(protocol.Fetch), 11, net.Buffers{fmt.Appendf(nil, "request "), fmt.Appendf(nil, "%d", i)}, 0, func(body []byte, err error) {
			out <- told{i, string(body), err}
		})
	}
	return out
}

func TestConn_PipelinesAndAnswersInOrder(t *testing.T) {
	t.Parallel()
	cn, far := pair(t, time.Minute)
	const n = 300
	out := ask(cn, n)
	for i := range n {
		correlation, body := request(t, far)
		if string(body) != fmt.Sprintf("request %d", i) {
			t.Fatalf("request %d: %q", i, body)
		}
		if _, err := far.Write(answer(correlation, fmt.Sprintf("answer %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if got := <-out; got != (told{i, fmt.Sprintf("answer %d", i), nil}) {
			t.Fatalf("%d: got %+v", i, got)
		}
	}
}

func TestConn_TellsEachRequestOnceWhenTheConnectionFails(t *testing.T) {
	t.Parallel()
	cn, far := pair(t, time.Minute)
	out := ask(cn, 10)
	correlation, _ := request(t, far)
	if _, err := far.Write(answer(correlation, "first")); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got.err != nil {
		t.Fatal(got.err)
	}
	far.Close()
	<-cn.done
	for i := 1; i < 10; i++ {
		if got := <-out; got.n != i || got.err == nil || !strings.Contains(got.err.Error(), "broker 1 at broker:9092") {
			t.Fatalf("got %+v", got)
		}
	}
	if got := <-ask(cn, 1); got.err == nil || cn.alive() {
		t.Fatal("a failed connection took a request")
	}
	if len(out) > 0 {
		t.Fatalf("told twice: %+v", <-out)
	}
}

func TestConn_TakesABrokerThatDoesNotAnswerInTimeToHang(t *testing.T) {
	t.Parallel()
	cn, _ := pair(t, 50*time.Millisecond)
	out := ask(cn, 3)
	for range 3 {
		if got := <-out; !errors.Is(got.err, os.ErrDeadlineExceeded) || !strings.Contains(got.err.Error(), "hangs") {
			t.Fatalf("got %+v", got)
		}
	}
}

func TestConn_FailsWhenACallIsNotAnsweredByItsDeadline(t *testing.T) {
	t.Parallel()
	cn, _ := pair(t, time.Minute)
	other := ask(cn, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := cn.call(ctx, 11, &fetch.Request{}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "broker 1 at broker:9092") {
		t.Fatalf("got %v", err)
	}
	if cn.alive() {
		t.Fatal("the connection is used further")
	}
	if got := <-other; got.err == nil || !strings.Contains(got.err.Error(), "hangs: no answer to Fetch") {
		t.Fatalf("got %+v", got)
	}
}

func TestConn_OutlivesACallThatIsCancelled(t *testing.T) {
	t.Parallel()
	cn, far := pair(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := cn.call(ctx, 11, &fetch.Request{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	first, _ := request(t, far)
	out := ask(cn, 1)
	second, _ := request(t, far)
	if _, err := far.Write(append(answer(first, "nobody's"), answer(second, "ours")...)); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got.err != nil || got.body != "ours" {
		t.Fatalf("got %+v", got)
	}
}

func TestConn_WaitsForALongAnswerAsLongAsItFlows(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Second
	cn, far := pair(t, timeout)
	out := ask(cn, 1)
	correlation, _ := request(t, far)
	bytes := answer(correlation, strings.Repeat("x", 100))
	for i, begun := 0, time.Now(); i < len(bytes); i++ {
		if _, err := far.Write(bytes[i : i+1]); err != nil {
			t.Fatal(err)
		}
		if time.Since(begun) < timeout*5/4 { // then the rest may come at once
			time.Sleep(timeout / 50)
		}
	}
	if got := <-out; got.err != nil || len(got.body) != 100 {
		t.Fatalf("got %+v", got)
	}
}

func TestConn_IsIdleWithoutATimeout(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	cn, far := pair(t, timeout)
	out := ask(cn, 1)
	correlation, _ := request(t, far)
	if _, err := far.Write(answer(correlation, "")); err != nil {
		t.Fatal(err)
	}
	<-out
	time.Sleep(timeout * 5 / 4)
	if !cn.alive() {
		t.Fatalf("failed while idle: %v", cn.failed)
	}
}

func TestConn_RefusesWhatIsNotKafka(t *testing.T) {
	t.Parallel()
	for says, bytes := range map[string]string{
		"expects TLS":           "\x15\x03\x03\x00\x02\x02\x46\x00\x00",
		"is no Kafka broker":    "HTTP/1.1 400 Bad Request\r\n",
		"answered out of order": "\x00\x00\x00\x05\x00\x00\x00\x63\x00",
	} {
		cn, far := pair(t, time.Minute)
		out := ask(cn, 1)
		if _, err := far.Write([]byte(bytes)); err != nil {
			t.Fatal(err)
		}
		if got := <-out; got.err == nil || !strings.Contains(got.err.Error(), says) {
			t.Fatalf("got %+v, want %q", got, says)
		}
	}
}

func TestConn_RefusesVersionsThatTheBrokerDoesNotTake(t *testing.T) {
	t.Parallel()
	cn, _ := pair(t, time.Minute)
	for says, try := range map[string][2]int16{"v4 to v11, not v12": {1, 12}, "does not know the Produce API": {0, 3}} {
		out := make(chan error, 1)
		cn.send(try[0], try[1], nil, 0, func(_ []byte, err error) { out <- err })
		if err := <-out; !errors.Is(err, kafka.UnsupportedVersion) || !strings.Contains(err.Error(), says) {
			t.Fatalf("got %v, want %q", err, says)
		}
	}
	if !cn.alive() {
		t.Fatal("the connection failed")
	}
}

// FuzzDecodeFetch: whatever the bytes, each want is answered once, or there is an error.
func FuzzDecodeFetch(f *testing.F) {
	wants := []*want{
		{partition: &fetchPartition{partitionName: partitionName{"topic", 0}}},
		{partition: &fetchPartition{partitionName: partitionName{"topic", 1}}},
	}
	full := binary.BigEndian.AppendUint32(nil, 0)
	full = append(full, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x05topic\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00"...)
	full = append(full, make([]byte, 24)...)
	full = append(full, "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x09\xff\xff\xff\xff\x00\x00\x00\x03abc"...)
	f.Add(full)
	f.Add(full[:len(full)-1])
	f.Fuzz(func(t *testing.T, body []byte) {
		res, err := decodeFetch(body, wants)
		if err != nil {
			return
		}
		answered := make(map[*want]int)
		for _, p := range res.partitions {
			if p.want != nil {
				answered[p.want]++
			}
		}
		for _, w := range wants {
			if answered[w] != 1 {
				t.Fatalf("%s is answered %d times", w.partition, answered[w])
			}
		}
	})
}
