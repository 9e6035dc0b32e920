package dedupe

import (
	"context"
	"crypto/sha1"
	_ "embed" // the scripts
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Why scripts: Done and Renew compare before they set, and no single command of
// Redis 7 does. One script for a batch costs the server a third less than one for
// each event, and the client half of what a pipeline of commands costs it. Claims
// could be pipelined SET NX GET PX: cheaper for the server, dearer for the client
// by as much, and no Redis before 7.0 has it.
var (
	//go:embed scripts/claim.lua
	claimSource string
	//go:embed scripts/renew.lua
	renewSource string
	//go:embed scripts/finish.lua
	finishSource string
	//go:embed scripts/release.lua
	releaseSource string
	//go:embed scripts/watermarks.lua
	watermarksSource string

	claimScript      = newScript(claimSource)
	renewScript      = newScript(renewSource)
	finishScript     = newScript(finishSource)
	releaseScript    = newScript(releaseSource)
	watermarksScript = newScript(watermarksSource)
)

type script struct{ source, sha string }

func newScript(source string) *script {
	sum := sha1.Sum([]byte(source)) // what EVALSHA names scripts by
	return &script{source, hex.EncodeToString(sum[:])}
}

// scriptCall is one script, for all claims of a batch.
type scriptCall struct {
	script *script
	what   string // for errors
	ttl    time.Duration
	noTTL  bool
	final  byte // 'D' or 'X': the script also takes each claim's final value
	fields int  // an answer's length, its claim's number included
}

const (
	shards = 16
	// scriptLimit is how many claims one script takes: about 2 ms in which Redis
	// answers nobody else. A larger batch is several scripts in one pipeline.
	scriptLimit = 500
)

// run carries the call out for all claims, in one round trip, and passes what
// the script says about single claims to answered.
func (r *Redis) run(ctx context.Context, group string, call *scriptCall, claims []*Claim, answered func(*Claim, []any) error) error {
	if len(claims) == 0 {
		return nil
	}
	err := func() error {
		if !call.noTTL && call.ttl <= 0 {
			return fmt.Errorf("the time to keep the entries is %v; it must be positive", call.ttl)
		}
		parts := r.split(claims)
		cmds := make([]redis.Cmder, len(parts))
		for i, part := range parts {
			cmds[i] = call.command(ctx, group, part)
		}
		if err := r.send(ctx, call.script, cmds); err != nil {
			return err
		}
		for i, part := range parts {
			if err := call.read(cmds[i].(*redis.SliceCmd).Val(), part, answered); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		return fmt.Errorf("%s %d events of group %s in %s: %w", call.what, len(claims), group, r.name, err)
	}
	return nil
}

// split cuts a batch into what one script can take: entries of one slot when
// the client is sharded, scriptLimit of them at most. Claims of the same key keep
// their order.
func (r *Redis) split(claims []*Claim) [][]*Claim {
	if !r.sharded {
		return cut(nil, claims)
	}
	var byShard [shards][]*Claim
	for _, c := range claims {
		s := shardOf(c.Key)
		byShard[s] = append(byShard[s], c)
	}
	var parts [][]*Claim
	for _, of := range byShard {
		parts = cut(parts, of)
	}
	return parts
}

func cut(parts [][]*Claim, claims []*Claim) [][]*Claim {
	for len(claims) > scriptLimit {
		parts = append(parts, claims[:scriptLimit])
		claims = claims[scriptLimit:]
	}
	if len(claims) > 0 {
		parts = append(parts, claims)
	}
	return parts
}

func shardOf(k Key) byte { return k[0] >> 4 }

// send runs the commands and reports the first that failed. The connection may
// have died when some were already answered; no answer is used then: which of
// the others were carried out is not known, and to ask again for all of them is
// as right as to ask for these, because the scripts recognise their own work.
func (r *Redis) send(ctx context.Context, s *script, cmds []redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_ = r.process(ctx, cmds)  // each command has its own error
	var unknown []redis.Cmder // the server restarted, or has not seen the script yet
	var at []int
	for i, cmd := range cmds {
		switch err := cmd.Err(); {
		case err == nil:
		case isNoScript(err):
			unknown = append(unknown, s.eval(ctx, cmd))
			at = append(at, i)
		default:
			return err
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	_ = r.process(ctx, unknown)
	for i, cmd := range unknown {
		if err := cmd.Err(); err != nil {
			return err
		}
		cmds[at[i]] = cmd
	}
	return nil
}

func (r *Redis) process(ctx context.Context, cmds []redis.Cmder) error {
	if len(cmds) == 1 {
		return r.client.Process(ctx, cmds[0])
	}
	p := r.client.Pipeline()
	for _, cmd := range cmds {
		_ = p.Process(ctx, cmd) // only queues
	}
	_, err := p.Exec(ctx)
	return err
}

func isNoScript(err error) bool {
	return errors.Is(err, redis.ErrNoScript) || redis.HasErrorPrefix(err, "NOSCRIPT")
}

// eval is the EVALSHA command again, with the script's source.
func (s *script) eval(ctx context.Context, evalsha redis.Cmder) redis.Cmder {
	args := append([]any(nil), evalsha.Args()...)
	args[0], args[1] = "EVAL", s.source
	return newCommand(ctx, args)
}

func newCommand(ctx context.Context, args []any) *redis.SliceCmd {
	cmd := redis.NewSliceCmd(ctx, args...)
	cmd.SetFirstKeyPos(3)
	return cmd
}

// command encodes the claims as EVALSHA. All strings are parts of one, and all
// arguments point to them: a handful of allocations for a batch of any size.
func (call *scriptCall) command(ctx context.Context, group string, claims []*Claim) *redis.SliceCmd {
	perClaim := 2
	if call.final != 0 {
		perClaim++
	}
	buf := make([]byte, 0, len(claims)*(perClaim-1)*(len("troupe:{0/}:")+len(group)+22+24)+16)
	ends := make([]int, 0, perClaim*len(claims)+1)
	for _, c := range claims {
		buf = appendEntryName(buf, group, c.Key)
		ends = append(ends, len(buf))
	}
	if !call.noTTL {
		buf = strconv.AppendInt(buf, milliseconds(call.ttl), 10)
		ends = append(ends, len(buf))
	}
	for _, c := range claims {
		buf = append(buf, 'L', '|')
		buf = append(buf, c.Token...)
		ends = append(ends, len(buf))
		if call.final != 0 {
			buf = appendFinal(buf, call.final, c.Fingerprint)
			ends = append(ends, len(buf))
		}
	}
	all, start := string(buf), 0
	texts := make([]string, len(ends))
	args := make([]any, 0, 3+len(ends))
	args = append(args, "EVALSHA", call.script.sha, len(claims))
	for i, end := range ends {
		texts[i] = all[start:end]
		args = append(args, &texts[i])
		start = end
	}
	return newCommand(ctx, args)
}

// read passes on what the script says of single claims, in groups of fields. The
// answer begins with the number of claims: a command that was never answered
// must not look like one that has nothing to say.
func (call *scriptCall) read(answers []any, claims []*Claim, answered func(*Claim, []any) error) error {
	if len(answers) == 0 || answers[0] != int64(len(claims)) {
		return fmt.Errorf("unexpected answer %v for %d claims", answers, len(claims))
	}
	answers = answers[1:]
	for ; len(answers) >= call.fields; answers = answers[call.fields:] {
		i, ok := answers[0].(int64)
		if !ok || i < 1 || i > int64(len(claims)) {
			return fmt.Errorf("unexpected answer %v for %d claims", answers[0], len(claims))
		}
		if err := answered(claims[i-1], answers[1:call.fields]); err != nil {
			return err
		}
	}
	if len(answers) != 0 {
		return fmt.Errorf("unexpected answer %v", answers)
	}
	return nil
}

// appendEntryName appends the name of a key's entry. The shard stands first in
// the hash tag: whatever the group's name is, the tag is not empty, and one shard
// of a group is one slot.
func appendEntryName(b []byte, group string, k Key) []byte {
	b = appendTag(b, "0123456789abcdef"[shardOf(k)], group)
	b = append(b, ':')
	return base64.RawURLEncoding.AppendEncode(b, k[:])
}

func appendTag(b []byte, shard byte, group string) []byte {
	b = append(b, "troupe:{"...)
	b = append(b, shard, '/')
	b = append(b, group...)
	return append(b, '}')
}

func appendFinal(b []byte, state byte, fingerprint uint64) []byte {
	b = append(b, state, '|')
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[fingerprint>>shift&15])
	}
	return b
}

// milliseconds rounds up: no lease ends early, and none is 0.
func milliseconds(d time.Duration) int64 {
	return int64((d-1)/time.Millisecond) + 1
}
