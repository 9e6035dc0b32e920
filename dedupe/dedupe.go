// Package dedupe remembers which events a consumer group has handled.
package dedupe

import (
	"context"
	"time"
)

// Key identifies an event within a group.
type Key [16]byte

// KeyOf returns the key of the event with that identity.
func KeyOf(source, id string) Key { panic("not built yet") }

// FingerprintOf returns the fingerprint of a payload.
func FingerprintOf(payload []byte) uint64 { panic("not built yet") }

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
	// Reused: an event with this identity and another payload was handled
	// before. Dead-letter it, never drop it.
	Reused
	// Parked: the event was dead-lettered before.
	Parked
	// Held: somebody else's lease is on it; ask again after Wait. Never skip it.
	Held
)

// Claim is one event's entry.
type Claim struct {
	Key         Key
	Fingerprint uint64
	// Token tells this claim from every other: member, generation, number.
	Token string
	// Outcome is set by Store.Claim.
	Outcome Outcome
	// Wait is set with Held: how long the other's lease still lasts.
	Wait time.Duration
	// Err is set by Done, Renew, Release and Park: nil, ErrMarkerLost or ErrLeaseLost.
	Err error
}

// Store is what both stores here are. All calls take a batch and cost one round
// trip. An error means that the store did not answer: nothing is known of any of
// the claims. Implementations are safe for concurrent use.
type Store interface {
	// Check says whether the store can be trusted with a group's markers: it
	// answers, it is new enough, it evicts nothing.
	Check(ctx context.Context) error
	Claim(ctx context.Context, group string, lease time.Duration, claims []*Claim) error
	Renew(ctx context.Context, group string, lease time.Duration, claims []*Claim) error
	Done(ctx context.Context, group string, retention time.Duration, claims []*Claim) error
	Release(ctx context.Context, group string, claims []*Claim) error
	Park(ctx context.Context, group string, retention time.Duration, claims []*Claim) error
}
