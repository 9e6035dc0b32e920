package main

import (
	"context"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// countdown tells when the first and the last of n events were handled.
type countdown struct {
	left  atomic.Int64
	n     int64
	first time.Time
	done  chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{n: int64(n), done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) add() {
	n := c.left.Add(-1)
	if n == c.n-1 {
		c.first = time.Now()
	}
	if n == 0 {
		close(c.done)
	}
}

// cpuTime is what this process has used of the processors, which, other than the
// time on the clock, says the same on a busy machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the most that this process has had resident, in bytes.
func peakMemory() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Maxrss << 10
}

// redisTime is what the Redis server has used of the processors.
func redisTime(ctx context.Context, s *setup) (time.Duration, error) {
	o, err := redis.ParseURL(s.Redis)
	if err != nil {
		o = &redis.Options{Addr: s.Redis}
	}
	c := redis.NewClient(o)
	defer c.Close()
	info, err := c.InfoMap(ctx, "cpu").Result()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(info["CPU"][name], 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(seconds * float64(time.Second))
	}
	return sum, nil
}

// throughput is events per second, and what each of them costs in nanoseconds.
func throughput(events int, took, cpu time.Duration) []float64 {
	return []float64{float64(events) / took.Seconds(), float64(cpu.Nanoseconds()) / float64(events)}
}

// timed runs a consumer until all events are handled, and returns events per
// second from the first to the last: joining the group is not part of it.
func timed(ctx context.Context, s *setup, events int, all *countdown, run func(context.Context) error) ([]float64, error) {
	store, err := redisTime(ctx, s)
	if err != nil {
		return nil, err
	}
	cpu := cpuTime()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	select {
	case <-all.done:
	case err := <-ended:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	took := time.Since(all.first)
	used := cpuTime() - cpu
	after, err := redisTime(ctx, s)
	if err != nil {
		return nil, err
	}
	stop()
	return append(throughput(events, took, used), float64((after-store).Nanoseconds())/float64(events)), <-ended
}

// oneAtATime publishes events one after the other, each when the last was
// handled, and returns the median and the 99th percentile in microseconds.
func oneAtATime(ctx context.Context, s *setup, got <-chan struct{}, run func(context.Context) error, publish func(i int) error) ([]float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	const warm = 200
	n := max(1000, s.events/100)
	var took []float64
	for i := range warm + n {
		began := time.Now()
		if err := publish(i); err != nil {
			return nil, err
		}
		select {
		case <-got:
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if i >= warm {
			took = append(took, float64(time.Since(began).Microseconds()))
		}
	}
	stop()
	return []float64{percentile(took, 0.5), percentile(took, 0.99)}, <-ended
}
