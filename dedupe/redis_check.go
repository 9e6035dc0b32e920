package dedupe

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// minVersion is the first Redis whose scripts are replicated by their effects
// unless told otherwise.
const minVersion = 5

// Check says whether this Redis can be trusted with markers: every server
// answers, is Redis 5 or later, is no replica and evicts nothing
// (maxmemory-policy is noeviction, or AllowEviction was given), and an entry can
// be claimed and released. An error that is ErrUnsuitable says what to change and
// where; ErrEviction is the one about the policy. Any other error may pass by
// itself. What could not be found out is no error: see Caution.
func (r *Redis) Check(ctx context.Context) error {
	var caution cautions
	if err := r.eachServer(ctx, func(ctx context.Context, c *redis.Client) error { return r.checkServer(ctx, c, &caution) }); err != nil {
		return r.checkError(err)
	}
	if err := r.probe(ctx); err != nil {
		return r.checkError(err)
	}
	text := caution.String()
	r.caution.Store(&text)
	return nil
}

// Caution says what the last Check that succeeded could not establish, in words
// for a log; it is empty when there is nothing to say.
func (r *Redis) Caution() string {
	if text := r.caution.Load(); text != nil {
		return *text
	}
	return ""
}

func (r *Redis) checkError(err error) error {
	if redis.IsAuthError(err) || redis.IsPermissionError(err) {
		return fmt.Errorf("check %s: %w: %w", r.name, ErrUnsuitable, err)
	}
	return fmt.Errorf("check %s: %w", r.name, err)
}

func (r *Redis) eachServer(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	switch c := r.client.(type) {
	case *redis.Client:
		return f(ctx, c)
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, f)
	case *redis.Ring:
		return c.ForEachShard(ctx, f)
	}
	return r.client.Ping(ctx).Err()
}

func (r *Redis) checkServer(ctx context.Context, c *redis.Client, caution *cautions) error {
	addr := c.Options().Addr
	if err := c.Ping(ctx).Err(); err != nil {
		return err
	}
	text, err := c.Info(ctx).Result()
	if err != nil && !isRefusal(err) {
		return err
	}
	info := facts(text)
	if v := info["redis_version"]; v != "" {
		major, _, _ := strings.Cut(v, ".")
		if n, err := strconv.Atoi(major); err == nil && n < minVersion {
			return fmt.Errorf("%w: %s is Redis %s; version %d or later is needed", ErrUnsuitable, addr, v, minVersion)
		}
	}
	if !r.sharded && info["redis_mode"] == "cluster" {
		return fmt.Errorf("%w: %s is a node of a Redis Cluster, but the client is one for a single server; "+
			"give NewRedis a redis.ClusterClient, or OpenRedis a URL with ?addr=host:port of another node", ErrUnsuitable, addr)
	}
	if info["role"] == "slave" {
		return fmt.Errorf("%s is a replica and takes no writes; name the master, or use a sentinel or cluster client", addr)
	}
	return r.checkPolicy(ctx, c, info["maxmemory_policy"], caution)
}

func (r *Redis) checkPolicy(ctx context.Context, c *redis.Client, policy string, caution *cautions) error {
	addr := c.Options().Addr
	if policy == "" {
		settings, err := c.ConfigGet(ctx, "maxmemory-policy").Result()
		if err != nil && !isRefusal(err) {
			return err
		}
		policy = settings["maxmemory-policy"]
	}
	switch {
	case policy == "noeviction":
	case policy == "":
		caution.add("the eviction policy of " + addr + " can't be read (INFO and CONFIG GET don't tell it): " +
			"make sure that maxmemory-policy is noeviction, an evicted marker is an event that can run twice")
	case r.allowEviction:
		caution.add("maxmemory-policy of " + addr + " is " + policy + ", which was allowed: an evicted marker is an event that can run twice")
	default:
		return fmt.Errorf("%w: maxmemory-policy of %s is %s, which drops markers when memory is short, and their events can run twice; "+
			"set it to noeviction (CONFIG SET maxmemory-policy noeviction and redis.conf, or the parameter group of a managed Redis), "+
			"or accept the risk with dedupe.AllowEviction", ErrEviction, addr, policy)
	}
	return nil
}

// isRefusal says whether the server understood and won't tell: managed services
// forbid CONFIG, ACLs may forbid INFO.
func isRefusal(err error) bool {
	for _, prefix := range []string{"NOPERM", "unknown command", "unknown subcommand", "section"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// probe claims and releases entries of no event, one of each shard: permissions,
// memory, persistence and scripts, all that can be refused.
func (r *Redis) probe(ctx context.Context) error {
	const group = "troupe-check"
	token := rand.Text()
	var claims []*Claim
	for s := range shards {
		c := &Claim{Token: token}
		_, _ = rand.Read(c.Key[:]) // never fails
		c.Key[0] = byte(s<<4) | c.Key[0]&15
		claims = append(claims, c)
	}
	if err := r.Claim(ctx, group, time.Second, claims); err != nil {
		return err
	}
	return r.Release(ctx, group, claims)
}

// facts reads the lines of INFO.
func facts(info string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[name] = value
		}
	}
	return m
}

// cautions are collected from servers that are asked at the same time.
type cautions struct {
	mu    sync.Mutex
	texts []string
}

func (c *cautions) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, text)
}

func (c *cautions) String() string { return strings.Join(c.texts, "; ") }
