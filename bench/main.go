// Bench measures Troupe beside a careful service written by hand on franz-go and
// go-redis, on real Kafka and Redis, in interleaved rounds: first the one, then
// the other, then the other way round. What counts is the median of the rounds'
// ratios; absolute figures depend on the machine.
//
//	eval "$(../.ci/services env)"
//	go run . -rounds 5 all
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
)

// work is one thing to measure, done by two sides on the same input.
type work struct {
	name    string
	prepare func(ctx context.Context, s *setup) error
	ours    func(ctx context.Context, s *setup) ([]float64, error)
	byHand  func(ctx context.Context, s *setup) ([]float64, error)
	figures []figure // what the sides return
}

// figure is one thing measured. Where smaller is better the ratio is turned around.
type figure struct {
	name    string
	smaller bool
}

type setup struct {
	troupe.Settings
	events     int
	partitions int
	run        string // makes topic and group names unique
	topic      string // prepared input
}

var works = []work{publishAsync, publishWaiting, consume, latency}

func main() {
	rounds := flag.Int("rounds", 5, "rounds of each work")
	events := flag.Int("events", 200_000, "events a round")
	partitions := flag.Int("partitions", 8, "partitions of the topics")
	topic := flag.String("topic", "", "consume this topic's events, from an earlier run with the same -events, instead of publishing some first")
	profile := flag.String("cpuprofile", "", "write a CPU profile of Troupe's side to `FILE`")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "Usage: go run . [flags] all|WORK...\n\nWorks: ")
		for _, w := range works {
			fmt.Fprint(os.Stderr, w.name, " ")
		}
		fmt.Fprint(os.Stderr, "\nTROUPE_BROKERS and TROUPE_REDIS say where Kafka and Redis are.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *events, *partitions, *topic, *profile, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds, events, partitions int, topic, profile string, names []string) error {
	settings, err := troupe.FromEnv()
	if err != nil {
		return err
	}
	if len(settings.Kafka.Brokers) == 0 || settings.Redis == "" {
		return fmt.Errorf("set TROUPE_BROKERS and TROUPE_REDIS (.ci/services env prints them)")
	}
	var chosen []work
	for _, w := range works {
		if slices.Contains(names, "all") || slices.Contains(names, w.name) {
			chosen = append(chosen, w)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no such work: %s", strings.Join(names, " "))
	}
	if profile != "" {
		return profiled(ctx, profile, chosen, newSetup(settings, events, partitions, topic))
	}
	fmt.Printf("%-14s %-16s %12s %12s %8s   ratios of the rounds\n", "work", "figure", "by hand", "troupe", "ratio")
	for _, w := range chosen {
		if err := measure(ctx, w, newSetup(settings, events, partitions, topic), rounds); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func newSetup(settings troupe.Settings, events, partitions int, topic string) *setup {
	return &setup{Settings: settings, events: events, partitions: partitions, topic: topic, run: fmt.Sprintf("bench-%d", time.Now().UnixNano())}
}

// profiled runs Troupe's side alone, once, under the CPU profiler.
func profiled(ctx context.Context, path string, chosen []work, s *setup) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, w := range chosen {
		if w.prepare != nil {
			if err := w.prepare(ctx, s); err != nil {
				return err
			}
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		figures, err := w.ours(ctx, s)
		runtime.ReadMemStats(&after)
		pprof.StopCPUProfile()
		if err != nil {
			return err
		}
		for i, f := range w.figures {
			fmt.Printf("%-14s %-16s %12.0f\n", w.name, f.name, figures[i])
		}
		fmt.Printf("%-14s %.1f allocations and %.0f bytes an event, %d collections, peak memory %d MB (topic %s)\n", w.name,
			float64(after.Mallocs-before.Mallocs)/float64(s.events), float64(after.TotalAlloc-before.TotalAlloc)/float64(s.events), after.NumGC-before.NumGC, peakMemory()>>20, s.topic)
	}
	return nil
}

// measure runs a work's rounds and prints, for each figure, both medians and the
// median of the ratios (above 1: Troupe is better).
func measure(ctx context.Context, w work, s *setup, rounds int) error {
	if w.prepare != nil {
		if err := w.prepare(ctx, s); err != nil {
			return err
		}
	}
	ours, hand, ratios := table(w), table(w), table(w)
	for round := range rounds + 1 { // the first warms up and does not count
		var a, b []float64
		var err error
		sides := []func() error{
			func() error { b, err = w.byHand(ctx, s); return err },
			func() error { a, err = w.ours(ctx, s); return err },
		}
		if round%2 == 1 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			if err := side(); err != nil {
				return err
			}
		}
		if round == 0 {
			continue
		}
		for i := range w.figures {
			r := a[i] / b[i]
			if w.figures[i].smaller {
				r = b[i] / a[i]
			}
			ours[i], hand[i], ratios[i] = append(ours[i], a[i]), append(hand[i], b[i]), append(ratios[i], r)
		}
	}
	for i, f := range w.figures {
		fmt.Printf("%-14s %-16s %12.0f %12.0f %8.2f   %s\n", w.name, f.name, median(hand[i]), median(ours[i]), median(ratios[i]), join(ratios[i]))
	}
	return nil
}

func table(w work) [][]float64 { return make([][]float64, len(w.figures)) }

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func percentile(v []float64, p float64) float64 {
	slices.Sort(v)
	return v[min(len(v)-1, int(float64(len(v))*p))]
}

func join(v []float64) string {
	var s []string
	for _, x := range v {
		s = append(s, fmt.Sprintf("%.2f", x))
	}
	return strings.Join(s, " ")
}
