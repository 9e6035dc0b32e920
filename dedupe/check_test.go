package dedupe_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/troupe-go/troupe/dedupe"
)

// withInfo is an embedded Redis that answers INFO and CONFIG GET as told; an
// empty text is a refusal.
func withInfo(t *testing.T, info, policy string) string {
	m := miniredis.RunT(t)
	m.Server().SetPreHook(func(c *server.Peer, cmd string, _ ...string) bool {
		switch {
		case cmd == "INFO" && info == "":
			c.WriteError("NOPERM this user has no permissions to run the 'info' command")
		case cmd == "INFO":
			c.WriteBulk(info)
		case cmd == "CONFIG" && policy == "":
			c.WriteError("ERR unknown command 'CONFIG', with args beginning with: 'get'")
		case cmd == "CONFIG":
			c.WriteStrings([]string{"maxmemory-policy", policy})
		default:
			return false
		}
		return true
	})
	return m.Addr()
}

func TestCheck(t *testing.T) {
	const noeviction = "# Memory\r\nmaxmemory_policy:noeviction\r\n"
	const lru = "# Server\r\nredis_version:7.2.4\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"
	for name, tt := range map[string]struct {
		info, policy string
		options      []dedupe.RedisOption
		err          error
		say          string // in the error, or in the caution
	}{
		"AcceptsNoeviction":                   {info: noeviction},
		"AcceptsNoevictionFromConfig":         {info: "# Server\r\nredis_version:7.0.15\r\n", policy: "noeviction"},
		"RefusesEviction":                     {info: lru, err: dedupe.ErrEviction, say: "CONFIG SET maxmemory-policy noeviction"},
		"RefusesEvictionFromConfig":           {policy: "volatile-ttl", err: dedupe.ErrEviction, say: "volatile-ttl"},
		"AllowsEvictionWhenTold":              {info: lru, options: []dedupe.RedisOption{dedupe.AllowEviction()}, say: "allkeys-lru, which was allowed"},
		"IsCautiousWhenNothingTellsThePolicy": {say: "can't be read"},
		"RefusesOldVersions":                  {info: "redis_version:3.2.12\r\n" + noeviction, err: dedupe.ErrUnsuitable, say: "3.2.12"},
		"RefusesANodeOfACluster":              {info: "redis_mode:cluster\r\n" + noeviction, err: dedupe.ErrUnsuitable, say: "ClusterClient"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, withInfo(t, tt.info, tt.policy), tt.options...)
			err := r.Check(t.Context())
			if !errors.Is(err, tt.err) {
				t.Fatalf("Check: %v, want %v", err, tt.err)
			}
			if err != nil && (!errors.Is(err, dedupe.ErrUnsuitable) || !strings.Contains(err.Error(), tt.say)) {
				t.Fatalf("Check: %v", err)
			}
			if said := r.Caution(); err == nil && (said == "") != (tt.say == "") || err == nil && !strings.Contains(said, tt.say) {
				t.Fatalf("Caution: %q", said)
			}
		})
	}
}

func TestRealRedis_CheckReadsTheServersOwnAnswers(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--maxmemory-policy", "noeviction")
	r := open(t, s.addr)
	must(t, r.Check(t.Context()))
	if said := r.Caution(); said != "" {
		t.Fatalf("Caution: %q", said)
	}
	s.do(t, "CONFIG SET maxmemory-policy allkeys-lfu")
	if err := r.Check(t.Context()); !errors.Is(err, dedupe.ErrEviction) {
		t.Fatalf("Check: %v", err)
	}
	s.do(t, "CONFIG SET maxmemory-policy noeviction")

	// The permissions that the documentation names are enough; fewer are refused.
	const documented = "~troupe:* +evalsha +eval +get +mget +set +del +pttl +pexpire +hget +hmget +hset +ping +info"
	s.do(t, "ACL SETUSER full on >secret "+documented)
	s.do(t, "ACL SETUSER noinfo on >secret -@all "+strings.Replace(documented, " +info", "", 1))
	s.do(t, "ACL SETUSER reader on >secret ~* +@read +ping +info")
	full := open(t, "redis://full:secret@"+s.addr)
	must(t, full.Check(t.Context()))
	must(t, full.SaveWatermarks(t.Context(), "g", []dedupe.Watermark{{Topic: "t", Offset: 1}}))
	must(t, full.LoadWatermarks(t.Context(), "g", []dedupe.Watermark{{Topic: "t"}}))
	noinfo := open(t, "redis://noinfo:secret@"+s.addr)
	must(t, noinfo.Check(t.Context()))
	if noinfo.Caution() == "" {
		t.Fatal("no caution though the policy could not be read")
	}
	for _, user := range []string{"reader:secret", "full:wrong"} {
		err := open(t, "redis://"+user+"@"+s.addr).Check(t.Context())
		if !errors.Is(err, dedupe.ErrUnsuitable) || strings.Contains(err.Error(), "secret") {
			t.Fatalf("Check as %s: %v", user, err)
		}
	}
}

func TestOpenRedis_SaysWhatIsWrongWithTheAddress(t *testing.T) {
	for _, address := range []string{"", "localhost", "http://localhost:6379", "redis://:hunter2@host:port", "redis://:hunter2@h:1?nonsense=1", "redis://:hunter2@h:1?addr=x"} {
		r, err := dedupe.OpenRedis(address)
		if err == nil {
			_ = r.Close()
			t.Errorf("%q was accepted", address)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the password is in the error: %v", address, err)
		}
		t.Log(err)
	}
	for _, address := range []string{"localhost:6379", "redis://localhost", "rediss://user:pw@host:6380/2?read_timeout=1s", "redis://a:1?addr=b:2&addr=c:3"} {
		r, err := dedupe.OpenRedis(address)
		must(t, err)
		must(t, r.Close())
	}
}
