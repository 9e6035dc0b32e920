package dedupe

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestKeyOf_IsTheSameForEver(t *testing.T) {
	for identity, want := range map[[2]string]string{
		{"", ""}:                        "af5570f5a1810b7af78caf4bc70a660f",
		{"shop/orders", "ord-100001"}:   "8f5b5b295a695e83fbd169c654662ca1",
		{strings.Repeat("s", 300), "x"}: "6456864b941eb82eb669362682c258ea",
	} {
		k := KeyOf(identity[0], identity[1])
		if got := hex.EncodeToString(k[:]); got != want {
			t.Errorf("KeyOf(%.20q, %q) = %s, want %s", identity[0], identity[1], got, want)
		}
	}
}

func TestKeyOf_TellsWhereTheSourceEnds(t *testing.T) {
	seen := map[Key][2]string{}
	for _, identity := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}, {"a\x00", "bc"}, {"a", "\x00bc"}} {
		k := KeyOf(identity[0], identity[1])
		if other, there := seen[k]; there {
			t.Errorf("%q and %q have one key", identity, other)
		}
		seen[k] = identity
	}
}

// TestCommand_KeepsToOneSlot looks at what a sharded client would be sent: all
// keys of a command share their hash tag, whatever the group's name is.
func TestCommand_KeepsToOneSlot(t *testing.T) {
	r := NewRedis(redis.NewRing(&redis.RingOptions{}))
	defer r.client.Close()
	for _, group := range []string{"stock", "", "}", "{}", "a}b{c", "日本"} {
		var claims []*Claim
		for i := range 2000 {
			claims = append(claims, &Claim{Key: KeyOf("s", strings.Repeat("x", i)), Token: "t"})
		}
		parts, n := r.split(claims), 0
		if len(parts) != shards {
			t.Fatalf("%d scripts", len(parts))
		}
		call := scriptCall{script: finishScript, ttl: time.Second, final: 'D'}
		for _, part := range parts {
			args := call.command(context.Background(), group, part).Args()
			tags := map[string]bool{}
			for _, arg := range args[3 : 3+len(part)] {
				_, after, _ := strings.Cut(*arg.(*string), "{")
				tag, _, closed := strings.Cut(after, "}")
				if !closed || tag == "" {
					t.Fatalf("no hash tag in %s", *arg.(*string))
				}
				tags[tag] = true
			}
			if len(tags) != 1 {
				t.Fatalf("group %q: %d slots in one script", group, len(tags))
			}
			n += len(part)
		}
		if n != len(claims) {
			t.Fatalf("%d of %d claims", n, len(claims))
		}
	}
}

func TestCommand_HasTheDocumentedForm(t *testing.T) {
	c := &Claim{Key: Key{0xab, 0xcd}, Fingerprint: 0x1f, Token: "m:1:2"}
	call := scriptCall{script: finishScript, ttl: 1500 * time.Microsecond, final: 'X'}
	var got []string
	for _, arg := range call.command(context.Background(), "stock", []*Claim{c}).Args()[3:] {
		got = append(got, *arg.(*string))
	}
	const want = "troupe:{a/stock}:q80AAAAAAAAAAAAAAAAAAA 2 L|m:1:2 X|000000000000001f"
	if strings.Join(got, " ") != want {
		t.Fatalf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// TestRead_RefusesWhatItDoesNotUnderstand: no answer that is not understood may
// look like "nothing to say".
func TestRead_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	claims := []*Claim{{}, {}}
	call := scriptCall{fields: 2}
	for _, answers := range [][]any{nil, {}, {int64(1)}, {"2"}, {int64(2), int64(3), int64(0)}, {int64(2), int64(0), int64(0)}, {int64(2), int64(1)}, {int64(2), "1", int64(0)}} {
		if err := call.read(answers, claims, func(*Claim, []any) error { return nil }); err == nil {
			t.Errorf("%v was accepted", answers)
		}
	}
	failed := errors.New("no")
	if err := call.read([]any{int64(2), int64(1), "?"}, claims, func(*Claim, []any) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("err is %v", err)
	}
}

func TestOutcomeOf_NeverSkipsWhatItCannotRead(t *testing.T) {
	for _, value := range []string{"", "D", "D|", "D|zz", "X|", "?|000000000000001f", "1", "D|000000000000001e"} {
		if got, _ := outcomeOf(value, 0x1f, 0); got != Reused {
			t.Errorf("%q: %v", value, got)
		}
	}
	if got, wait := outcomeOf("L|other", 0x1f, -1); got != Held || wait <= 0 {
		t.Errorf("a lease without an end: %v, %v", got, wait)
	}
}

func TestMemory_ForgetsWhatIsOver(t *testing.T) {
	now := time.Unix(1e9, 0)
	m := NewMemory(WithClock(func() time.Time { return now }))
	for i := range 100_000 {
		c := []*Claim{{Key: KeyOf("s", strings.Repeat("x", i%7)+string(rune(i))), Token: "t"}}
		if err := m.Done(context.Background(), "g", time.Second, c); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Millisecond)
	}
	if n := len(m.entries); n > 2*memorySweepMin {
		t.Fatalf("%d entries, about 1,000 are alive", n)
	}
}
