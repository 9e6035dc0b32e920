package group

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

func someClaims() []announced {
	return []announced{
		{Partition: Partition{"orders", 0}, granted: 7},
		{Partition: Partition{"orders", 11}, granted: 3, lost: true},
		{Partition: Partition{"payments", 300}, granted: 1 << 30},
	}
}

func TestAnnouncement_ReadsBackWhatWasWritten(t *testing.T) {
	for _, want := range []announcement{
		{},
		{member: "troupe-1f", leaving: true},
		{member: "troupe-1f", claims: someClaims()},
	} {
		got, err := decodeAnnouncement(want.encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	}
}

// The bytes are a protocol between versions of this package: they must not change.
func TestAnnouncement_KeepsItsFormat(t *testing.T) {
	a := announcement{member: "m", leaving: true, claims: []announced{
		{Partition: Partition{"t", 2}, granted: 300},
		{Partition: Partition{"t", 3}, granted: 5, lost: true},
	}}
	want := []byte{1, 1, 1, 'm', 1, 1, 't', 2, 2, 0xac, 0x02, 0, 3, 5, 1}
	if got := a.encode(); !bytes.Equal(got, want) {
		t.Errorf("%x, not %x", got, want)
	}
}

func TestAnnouncement_RefusesEveryTruncation(t *testing.T) {
	whole := announcement{member: "m", claims: someClaims()}.encode()
	for n := range whole {
		if a, err := decodeAnnouncement(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were read as %+v", n, len(whole), a)
		}
	}
}

func TestAnnouncement_LaterVersionsMayAppend(t *testing.T) {
	a := announcement{member: "m", claims: someClaims()}
	got, err := decodeAnnouncement(append(a.encode(), "something new"...))
	if err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnnouncement_IsSmall(t *testing.T) {
	var a announcement
	for i := range int32(1000) {
		a.claims = append(a.claims, announced{Partition: Partition{"a.topic.with.a.usual.name", i}, granted: 1000 + i})
	}
	if n := len(a.encode()); n > 6000 {
		t.Errorf("1,000 claims take %d bytes", n)
	}
}

func FuzzDecodeAnnouncement(f *testing.F) {
	f.Add([]byte{})
	f.Add(announcement{member: "m", leaving: true, claims: someClaims()}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAnnouncement(b)
		if err != nil {
			return
		}
		if len(a.claims) > len(b) {
			t.Fatal("more claims than bytes: " + fmt.Sprint(len(a.claims)))
		}
	})
}
