package schema

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
)

func TestWallClock_ShowsTheSameAroundAChangeOfTheClocks(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Skip(err) // no zones on this machine
		}
		gaps := 0
		for at := time.Date(2025, 12, 30, 0, 10, 11, 12_000, time.UTC); at.Year() < 2027; at = at.Add(30 * time.Minute) {
			const clock = "2006-01-02T15:04:05.999999"
			got := wallClock(at, zone)
			if got.Format(clock) == at.Format(clock) && got.Location() == zone {
				continue
			}
			if gaps++; gaps > 2 { // that hour is on no clock there
				t.Errorf("%s: %s became %s", name, at, got)
			}
		}
	}
	for _, v := range []int64{-1 << 63, -1, 0, 1<<63 - 1} {
		if got := wallClock(time.UnixMilli(v), time.UTC); got.UnixMilli() != v {
			t.Errorf("%d became %d", v, got.UnixMilli())
		}
	}
}

type onTheWall struct {
	Millis time.Time  `avro:"millis"`
	Micros *time.Time `avro:"micros"`
}

func (*onTheWall) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"L","fields":[{"name":"millis","type":{"type":"long","logicalType":"local-timestamp-millis"}},{"name":"micros","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}]}]}`)
}

func TestDirect_ReadsLocalTimestampsAsTheyWereWritten(t *testing.T) {
	d := decoderOf[onTheWall](t, Limits{})
	for day := range 366 {
		micros := time.Date(2026, 1, 1+day, 3, 30, 0, 123_456_000, time.Local)
		want := &onTheWall{time.Date(2026, 1, 1+day, 4, 10, 0, 123_000_000, time.Local), &micros}
		var got onTheWall
		if err := d.Decode(context.Background(), 1, encoded(t, want), &got); err != nil || !got.Millis.Equal(want.Millis) || !got.Micros.Equal(micros) {
			t.Errorf("%v %v became %v %v, %v", want.Millis, micros, got.Millis, got.Micros, err)
		}
	}
	if w, _ := d.ids.get(context.Background(), 1); w.direct == nil {
		t.Error("it is hamba's")
	}
}

type (
	narrowInt struct {
		N []int8 `avro:"n"`
	}
	narrowLong struct {
		N *uint32 `avro:"n"`
	}
)

func (*narrowInt) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"N","fields":[{"name":"n","type":{"type":"array","items":"int"}}]}`)
}

func (*narrowLong) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"N","fields":[{"name":"n","type":["null","long"]}]}`)
}

func TestNewDecoder_RefusesNumbersThatWouldBeCut(t *testing.T) {
	_, err := NewDecoder[narrowInt](&one{}, Limits{})
	if err == nil || !strings.Contains(err.Error(), "field N: an Avro int as int8 would be cut where it does not fit: take int32") {
		t.Error(err)
	}
	_, err = NewDecoder[narrowLong](&one{}, Limits{})
	if err == nil || !strings.Contains(err.Error(), "an Avro long as uint32 would be cut") {
		t.Error(err)
	}
}
