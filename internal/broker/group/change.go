package group

import "fmt"

// Kind says what happened to the membership.
type Kind uint8

// Kinds of changes. The first three concern the member, the others a partition.
const (
	// Joined: a generation began; Generation and Member are its.
	Joined Kind = iota
	// Fenced: no handler may start (MayStart is false); Err says why.
	Fenced
	// Unfenced: membership was proved, handlers may start again.
	Unfenced
	// Assigned: the engine began work at Offset.
	Assigned
	// Paused: the partition is to be given up and drains. Err is ErrLost when
	// it may already have another owner.
	Paused
	// Resumed: the partition was given back before it was given up.
	Resumed
	// Abandoned: the partition did not drain in time and was stopped.
	Abandoned
	// Overtaken: another member has committed beyond us, at Offset; the work
	// was dropped and begins anew there.
	Overtaken
	// Committed: the group has Offset.
	Committed
	// Refused: the coordinator refused to commit Offset; Err says why.
	Refused
	// Revoked: the partition was given up; Offset is the last acknowledged commit, -1 for none.
	Revoked
)

var kinds = [...]string{"joined", "fenced", "unfenced", "assigned", "paused", "resumed", "abandoned", "overtaken", "committed", "refused", "revoked"}

func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("Kind(%d)", k)
}

// Change is one thing that happened to the membership.
type Change struct {
	Kind      Kind
	Partition Partition
	Offset    int64
	// Generation and Member are the member's at that time.
	Generation int32
	Member     string
	Err        error
}

func (c Change) String() string {
	s := fmt.Sprintf("%s (generation %d)", c.Kind, c.Generation)
	if c.Kind > Unfenced {
		s = fmt.Sprintf("%s %s at %d (generation %d)", c.Kind, c.Partition, c.Offset, c.Generation)
	}
	if c.Err != nil {
		s += ": " + c.Err.Error()
	}
	return s
}

// State is a snapshot of a membership.
type State struct {
	// Member and Generation are the ids that the coordinator gave; "" and 0 before the first generation.
	Member     string
	Generation int32
	// Leader: this member assigned the partitions of its last join.
	Leader bool
	// Pending: between two generations, a round is under way.
	Pending bool
	// MayStart is what Member.MayStart says.
	MayStart bool
	// Generations, Rounds and Refused count generations taken part in, rounds
	// that this member asked for, and partitions' commits that were refused.
	Generations, Rounds, Refused int64
	Partitions                   []PartitionState
}

// PartitionState is a partition that this member has not given up yet.
type PartitionState struct {
	Partition
	// Revoked: it drains, to be given up. Lost: it may have another owner.
	Revoked, Lost bool
	// Committed is the last acknowledged commit, -1 for none.
	Committed int64
}

// State returns a snapshot, its partitions sorted.
func (m *Member) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := State{
		Member:      m.ids.member,
		Generation:  m.ids.generation,
		Leader:      m.led.topics != nil,
		Pending:     !m.live,
		MayStart:    m.MayStart(),
		Generations: m.generations,
		Rounds:      m.rounds,
		Refused:     m.refused,
	}
	for _, c := range m.claims.sorted() {
		s.Partitions = append(s.Partitions, PartitionState{c.Partition, c.revoked, c.lost, c.acked})
	}
	return s
}

// Assignment returns the partitions that this member has and is not about to
// give up, sorted.
func (m *Member) Assignment() []Partition {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ps []Partition
	for _, c := range m.claims.sorted() {
		if !c.revoked {
			ps = append(ps, c.Partition)
		}
	}
	return ps
}

// tell reports a change. It is called with mu held.
func (m *Member) tell(c Change) {
	c.Generation, c.Member = m.ids.generation, m.ids.member
	m.cfg.OnChange(c)
}
