package dedupe_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/troupe-go/troupe/dedupe"
)

// BenchmarkRedisClaimDone claims events and marks them done, as two members
// would at the same time. Give it a real server, TROUPE_REDIS=127.0.0.1:6379: an
// embedded one says nothing about speed. It leaves markers for a minute.
func BenchmarkRedisClaimDone(b *testing.B) {
	address := os.Getenv("TROUPE_REDIS")
	if address == "" {
		address = miniredis.RunT(b).Addr()
	}
	for _, size := range []int{1, 100, 500} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) { claimDone(b, open(b, address), size) })
	}
}

func BenchmarkMemory(b *testing.B) {
	for _, size := range []int{1, 100, 500} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) { claimDone(b, dedupe.NewMemory(), size) })
	}
}

// claimDone counts one event as one operation.
func claimDone(b *testing.B, store dedupe.Store, size int) {
	ctx, group := context.Background(), "bench-"+rand.Text()
	var members atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		member := members.Add(1)
		claims := make([]*dedupe.Claim, size)
		for i := range claims {
			claims[i] = &dedupe.Claim{Fingerprint: 7, Token: fmt.Sprintf("stock-7f3a9c-%d:12:%d", member, i)}
		}
		for n := 0; pb.Next(); n++ {
			if n%size != 0 {
				continue // one of a batch that was handled with its first
			}
			for i, c := range claims {
				c.Key = dedupe.KeyOf("orders", fmt.Sprint(member, n+i))
			}
			if err := store.Claim(ctx, group, lease, claims); err != nil {
				b.Error(err)
			}
			if err := store.Done(ctx, group, lease, claims); err != nil {
				b.Error(err)
			}
			for _, c := range claims {
				if c.Outcome != dedupe.Run || c.Err != nil {
					b.Errorf("%v, %v", c.Outcome, c.Err)
				}
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
