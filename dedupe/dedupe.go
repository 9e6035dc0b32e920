// Package dedupe remembers which events a consumer group has handled, so that an
// event that is delivered again does not have its effect again.
//
// Each event has one entry per group, in one of four states:
//
//	absent      nobody has handled the event, nobody is handling it
//	L|token     claimed: the one whose token this is may handle it, until the lease ends
//	D|fp        done: handled, its payload had this fingerprint
//	X|fp        parked: it is in the dead letters
//
// and moves between them like this:
//
//	Claim    absent -> L                                 Run
//	         L of the same token -> L, a lease anew      Run: the answer to an earlier try was lost
//	         L of another token                          Held: ask again after Wait, never skip
//	         D of the same fingerprint                   Duplicate
//	         X of the same fingerprint                   Parked
//	         D or X of another fingerprint               Reused: the id now names other content
//	Renew    own L -> L, a lease anew                    nil
//	         absent -> L                                 ErrMarkerLost, and the lease is ours again
//	         anything else stays                         ErrLeaseLost
//	Done     own L -> D; the same D stays                nil
//	         absent -> D                                 ErrMarkerLost, and the event is done
//	         anything else stays                         ErrLeaseLost
//	Park     as Done, with X for D
//	Release  own L -> absent; absent                     nil
//	         anything else stays                         ErrLeaseLost
//
// Claim, then the effect, then Done, then the commit of the offset: whatever
// dies in between, no event is lost. This is what each store can promise:
//
//	fault                                              lost   effect runs twice (Redis)      (Memory)
//	before the claim, or the claim's answer is lost    0      0                              0
//	death after the claim, before the effect           0      0                              0
//	death after the effect, before Done                0      1: no store apart from the     1
//	                                                          effect's own can close this
//	death after Done, before the commit                0      0                              1: it forgets
//	Done's answer is lost, Done asked again            0      0                              -
//	a stall past lease and session, then resumed       0      1 unless the member is fenced  1 unless fenced
//	dead letter written, death before Park             0      0; the same letter again       0; the same letter
//	the store loses its data (failover, FLUSHALL)      0      what is redelivered after it;  -
//	                                                          LoadWatermarks shows the loss
//	the store is down                                  0      0: the caller waits            -
//
// dedupetest has one suite for every Store; a store of your own can be held to it.
package dedupe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Errors that a Claim's Err can be; the call itself succeeded.
var (
	// ErrMarkerLost: the entry was gone though it was claimed: it expired, or the
	// store lost data. What was asked for is recorded all the same.
	ErrMarkerLost = errors.New("dedupe: the claim's entry was gone")
	// ErrLeaseLost: the entry is no longer this claim's: the lease ended and
	// somebody else has claimed the event, or is done with it. Nothing was changed.
	ErrLeaseLost = errors.New("dedupe: the claim's lease was lost to somebody else")
)

// Errors that Check can return.
var (
	// ErrUnsuitable: the store answered, and as it is configured it must not be
	// trusted with markers. Waiting does not help; the error's text says what to
	// change. Any other error of Check is worth another try.
	ErrUnsuitable = errors.New("dedupe: the store is unsuitable")
	// ErrEviction is an ErrUnsuitable: the store drops keys when memory is short,
	// and each dropped marker is an event that can run twice.
	ErrEviction = fmt.Errorf("%w: it may evict markers", ErrUnsuitable)
)

// Key identifies an event within a group.
type Key [16]byte

// KeyOf returns the key of the event with that identity: the first 128 bits of
// the SHA-256 of the source's length (8 bytes, big-endian), the source and the
// id. No two identities give the same input to the hash, and keys stay the same
// across releases.
func KeyOf(source, id string) Key {
	var short [192]byte
	b := binary.BigEndian.AppendUint64(short[:0], uint64(len(source)))
	b = append(b, source...)
	b = append(b, id...)
	sum := sha256.Sum256(b)
	return Key(sum[:16])
}

// FingerprintOf returns the fingerprint of a payload, its xxHash64. Fingerprints
// tell an event that comes again from another event under the same id; they do
// not withstand somebody who makes collisions on purpose.
func FingerprintOf(payload []byte) uint64 { return xxhash.Sum64(payload) }

// Outcome is what a store says of one claim.
type Outcome uint8

// What a Claim can become.
const (
	// Unknown: the store was not asked or did not answer.
	Unknown Outcome = iota
	// Run: the claim is ours; handle the event.
	Run
	// Duplicate: the event was handled before. Skip it.
	Duplicate
	// Reused: an event with this identity and another payload was handled or
	// dead-lettered before. Dead-letter it, never drop it; it can't be parked,
	// the entry is the other's.
	Reused
	// Parked: the event was dead-lettered before.
	Parked
	// Held: somebody else's lease is on it; ask again after Wait. Never skip it.
	Held
)

// String returns the outcome's name.
func (o Outcome) String() string {
	names := [...]string{"Unknown", "Run", "Duplicate", "Reused", "Parked", "Held"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// Claim is one event's entry.
type Claim struct {
	Key         Key
	Fingerprint uint64
	// Token tells this claim from every other, of every member, for ever: member,
	// generation, number. It stays the same when a call is asked again.
	Token string
	// Outcome is set by Store.Claim.
	Outcome Outcome
	// Wait is set with Held: how long the other's lease still lasts.
	Wait time.Duration
	// Err is set by Done, Renew, Release and Park: nil, ErrMarkerLost or ErrLeaseLost.
	Err error
}

// Store is what both stores here are. The package documentation has the
// transitions.
//
// All calls take a batch and cost one round trip; an empty batch costs nothing.
// A key may stand in a batch more than once: its claims are taken in their order,
// so that of two claims with different tokens the second is Held by the first.
//
// An error means that the store did not answer for all of the batch, and nothing
// is known of any of its claims: their Outcome is Unknown. Some of them may have
// been carried out. Asking again with the same tokens is always right: what the
// store did for a token, it recognises by the token (or, after Done and Park, by
// the fingerprint) and confirms. So every error means: ask again. A lost answer
// costs at most the count of an ErrMarkerLost.
//
// Durations below a millisecond count as one millisecond. Implementations are
// safe for concurrent use; a Claim belongs to one call at a time.
type Store interface {
	// Check says whether the store can be trusted with a group's markers: it
	// answers, it takes writes, it evicts nothing. See ErrUnsuitable.
	Check(ctx context.Context) error
	// Claim takes leases on events and sets each claim's Outcome and Wait.
	Claim(ctx context.Context, group string, lease time.Duration, claims []*Claim) error
	// Renew makes leases last for lease from now. A Renew that arrives after the
	// claim's Release takes the lease again, until that one ends.
	Renew(ctx context.Context, group string, lease time.Duration, claims []*Claim) error
	// Done records that the events were handled, for the time of retention. It
	// must outlast every redelivery.
	Done(ctx context.Context, group string, retention time.Duration, claims []*Claim) error
	// Release gives leases back, so that somebody else need not wait for their end.
	Release(ctx context.Context, group string, claims []*Claim) error
	// Park records that the events are in the dead letters.
	Park(ctx context.Context, group string, retention time.Duration, claims []*Claim) error
}
