package dedupe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis keeps the entries in Redis 5 or later, Valkey, or Redis Cluster.
//
// An entry is a string with a time to live under
//
//	troupe:{S/GROUP}:KEY
//
// where KEY is the Key in unpadded base64url and S its first four bits as a
// hexadecimal digit. The braces are a Redis Cluster hash tag: a group's entries lie in 16
// slots, a batch is one script per slot, all of them in one round trip to each
// node; without a cluster it is one script for all. The layout is the same in
// both, so that markers survive a move to a cluster. A marker takes about 150
// bytes of Redis memory, for the length of the retention.
//
// Guarantees, in the words of the package documentation: no event is lost,
// whatever dies. An effect runs twice only for a process that dies after the
// effect and before Done is written, for a member that was stalled past its lease
// and not fenced, and for events that are delivered again after Redis lost data
// that it had acknowledged (a failover, a restart without persistence, FLUSHALL):
// SaveWatermarks and LoadWatermarks make that loss known. Use maxmemory-policy
// noeviction (Check insists) and appendonly yes.
//
// A user of Redis ACLs needs ~troupe:* and +evalsha +eval +get +mget +set +del
// +pttl +pexpire +hget +hmget +hset +ping +info; +config|get where INFO does not
// tell the eviction policy.
type Redis struct {
	client        redis.UniversalClient
	sharded       bool // the client sends different keys to different servers
	own           bool // Close closes the client
	allowEviction bool
	name          string // for errors
	caution       atomic.Pointer[string]
}

var _ Store = (*Redis)(nil)

// RedisOption changes what NewRedis and OpenRedis make.
type RedisOption func(*Redis)

// AllowEviction makes Check accept a Redis that evicts keys when memory is
// short. Each evicted marker is an event that can run twice.
func AllowEviction() RedisOption { return func(r *Redis) { r.allowEviction = true } }

// NewRedis returns a store in the Redis that client is connected to; any client
// of go-redis will do (single node, sentinel, cluster, ring). Set the client's
// ContextTimeoutEnabled: without it a call can outlast its context by the
// client's own timeouts. The client's retries are welcome, the protocol knows its own
// tokens. The client stays the caller's to close.
func NewRedis(client redis.UniversalClient, options ...RedisOption) *Redis {
	r := &Redis{client: client, sharded: true}
	switch c := client.(type) {
	case *redis.Client:
		r.sharded = false
		r.name = "Redis at " + c.Options().Addr
	case *redis.ClusterClient:
		r.name = "Redis Cluster at " + strings.Join(c.Options().Addrs, ",")
	default:
		r.name = "Redis"
	}
	for _, o := range options {
		o(r)
	}
	return r
}

// OpenRedis returns a store with a client of its own, which Close closes. It
// does not connect yet. The address is one of
//
//	host:port
//	redis://[[user]:password@]host[:port][/db][?option=value&…]
//	rediss://…                                      with TLS
//	redis[s]://…?addr=host:port[&addr=host:port]    a Redis Cluster
//
// with go-redis's options, such as read_timeout=500ms or pool_size=20. Defaults:
// 2 s to connect, to write and to read, three tries more when a connection broke
// or could not be made. The calls' deadlines are heeded; a call that is cancelled
// while it waits for an answer ends by these timeouts.
func OpenRedis(address string, options ...RedisOption) (*Redis, error) {
	client, err := dialer(address)
	if err != nil {
		return nil, err
	}
	r := NewRedis(client, options...)
	r.own = true
	return r, nil
}

const redisTimeout = 2 * time.Second

func dialer(address string) (redis.UniversalClient, error) {
	if !strings.Contains(address, "://") {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("open Redis: %q is neither host:port nor a redis:// or rediss:// URL", address)
		}
		return redis.NewClient(withDefaults(&redis.Options{Addr: address})), nil
	}
	if _, query, _ := strings.Cut(address, "?"); strings.HasPrefix(query, "addr=") || strings.Contains(query, "&addr=") {
		o, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, openError(err)
		}
		return redis.NewClusterClient(withClusterDefaults(o)), nil
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, openError(err)
	}
	return redis.NewClient(withDefaults(o)), nil
}

// openError leaves the address out: it may hold a password, and net/url's errors
// quote it.
func openError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("open Redis: the address is not a valid redis:// or rediss:// URL: %w", err)
}

// withDefaults speaks RESP2 and asks for nothing on connecting that managed
// services and proxies refuse; the protocol needs no more.
func withDefaults(o *redis.Options) *redis.Options {
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	orDefault(&o.Protocol, 2)
	orDefault(&o.DialTimeout, redisTimeout)
	orDefault(&o.ReadTimeout, redisTimeout)
	orDefault(&o.WriteTimeout, redisTimeout)
	orDefault(&o.DialerRetries, 1) // a call that fails is tried again as a whole
	requireTLS12(o.TLSConfig)
	return o
}

func withClusterDefaults(o *redis.ClusterOptions) *redis.ClusterOptions {
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	orDefault(&o.Protocol, 2)
	orDefault(&o.DialTimeout, redisTimeout)
	orDefault(&o.ReadTimeout, redisTimeout)
	orDefault(&o.WriteTimeout, redisTimeout)
	orDefault(&o.DialerRetries, 1) // a call that fails is tried again as a whole
	requireTLS12(o.TLSConfig)
	return o
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func requireTLS12(c *tls.Config) {
	if c != nil {
		c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	}
}

// Close closes the client that OpenRedis made. One that was given to NewRedis stays open.
func (r *Redis) Close() error {
	if !r.own {
		return nil
	}
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("close %s: %w", r.name, err)
	}
	return nil
}

// Claim implements Store.
func (r *Redis) Claim(ctx context.Context, group string, lease time.Duration, claims []*Claim) error {
	for _, c := range claims {
		c.Outcome, c.Wait = Unknown, 0
	}
	call := scriptCall{script: claimScript, what: "claim", ttl: lease, fields: 3}
	err := r.run(ctx, group, &call, claims, func(c *Claim, answer []any) error {
		value, ok := answer[0].(string)
		left, isInt := answer[1].(int64)
		if !ok || !isInt {
			return fmt.Errorf("unexpected answer %v", answer)
		}
		c.Outcome, c.Wait = outcomeOf(value, c.Fingerprint, left)
		return nil
	})
	if err != nil {
		for _, c := range claims {
			c.Outcome, c.Wait = Unknown, 0
		}
		return err
	}
	for _, c := range claims {
		if c.Outcome == Unknown {
			c.Outcome = Run // the script answers for the others only
		}
	}
	return nil
}

// outcomeOf reads an entry that is not the claim's own.
func outcomeOf(value string, fingerprint uint64, leftMs int64) (Outcome, time.Duration) {
	state, rest, _ := strings.Cut(value, "|")
	if state == "L" {
		return Held, time.Duration(max(leftMs, 1)) * time.Millisecond
	}
	was, err := strconv.ParseUint(rest, 16, 64)
	switch {
	case err != nil || was != fingerprint:
		return Reused, 0
	case state == "D":
		return Duplicate, 0
	case state == "X":
		return Parked, 0
	}
	return Reused, 0 // not ours to read: never skip
}

// Renew implements Store.
func (r *Redis) Renew(ctx context.Context, group string, lease time.Duration, claims []*Claim) error {
	return r.mark(ctx, group, &scriptCall{script: renewScript, what: "renew", ttl: lease}, claims)
}

// Done implements Store.
func (r *Redis) Done(ctx context.Context, group string, retention time.Duration, claims []*Claim) error {
	return r.mark(ctx, group, &scriptCall{script: finishScript, what: "mark done", ttl: retention, final: 'D'}, claims)
}

// Park implements Store.
func (r *Redis) Park(ctx context.Context, group string, retention time.Duration, claims []*Claim) error {
	return r.mark(ctx, group, &scriptCall{script: finishScript, what: "park", ttl: retention, final: 'X'}, claims)
}

// Release implements Store.
func (r *Redis) Release(ctx context.Context, group string, claims []*Claim) error {
	return r.mark(ctx, group, &scriptCall{script: releaseScript, what: "release", noTTL: true}, claims)
}

// mark runs a script that answers 0 or 1 for the entries that were not the claim's.
func (r *Redis) mark(ctx context.Context, group string, call *scriptCall, claims []*Claim) error {
	call.fields = 2
	for _, c := range claims {
		c.Err = nil
	}
	err := r.run(ctx, group, call, claims, func(c *Claim, answer []any) error {
		switch answer[0] {
		case int64(0):
			c.Err = ErrMarkerLost
		case int64(1):
			c.Err = ErrLeaseLost
		default:
			return fmt.Errorf("unexpected answer %v", answer)
		}
		return nil
	})
	if err != nil {
		for _, c := range claims {
			c.Err = nil
		}
	}
	return err
}
