// Gen makes the quickstart's input, examples/quickstart/orders.jsonl:
//
//	go run ./examples/quickstart/gen > examples/quickstart/orders.jsonl
//
// It writes the same 1,000 lines each time: 999 orders of 120 customers in a
// week, and one line, the 503rd, that is cut off in the middle, as by a disk that
// was full. A few customers order much more often than the others. About 3 orders
// in 100 are worth more than 600 euro, the payment service's limit. One customer
// lives on a research station in Antarctica, from where it takes no payments.
//
// Everybody and everything in it is made up; the addresses are of domains that
// are reserved for examples.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

const (
	lines          = 1000
	brokenLine     = 503 // from 1
	stationsOrders = 9   // of the customer in Antarctica
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

type order struct {
	OrderID       string    `json:"order_id"`
	PlacedAt      time.Time `json:"placed_at"`
	Customer      customer  `json:"customer"`
	Currency      string    `json:"currency"`
	Lines         []line    `json:"lines"`
	TotalMinor    int64     `json:"total_minor"`
	PaymentMethod string    `json:"payment_method"`
}

type customer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	Country string `json:"country"`

	home   country
	weight int
}

type line struct {
	SKU            string `json:"sku"`
	Name           string `json:"name"`
	Quantity       int    `json:"quantity"`
	UnitPriceMinor int64  `json:"unit_price_minor"`
}

func write(w io.Writer) error {
	r := rand.New(rand.NewPCG(2026, 3))
	customers := people(r)
	times := week(r, lines)
	station := spread(lines, stationsOrders)
	for i := range lines {
		buyer := customers[weighted(r, customers, func(c customer) int { return c.weight })]
		if slices.Contains(station, i) {
			buyer = customers[len(customers)-1]
		}
		text, err := json.Marshal(shop(r, buyer, 100_001+i, times[i]))
		if err != nil {
			return err
		}
		if i+1 == brokenLine {
			text = text[:len(text)*3/5]
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// people returns the customers; the last is the one in Antarctica, who orders
// only when write says so.
func people(r *rand.Rand) []customer {
	var all []customer
	var homes []country
	for _, c := range countries {
		homes = append(homes, slices.Repeat([]country{c}, c.share)...)
	}
	r.Shuffle(len(homes), func(i, j int) { homes[i], homes[j] = homes[j], homes[i] })
	homes = append(homes, antarctica)
	taken := map[string]bool{}
	for len(all) < len(homes) {
		home := homes[len(all)]
		given, family := pick(r, home.names.given), pick(r, home.names.family)
		name := given[0] + " " + family[0]
		if home.names.familyFirst {
			name = family[0] + " " + given[0]
		}
		email := fmt.Sprintf("%s.%s@example.%s", letters(given[1]), letters(family[1]), pick(r, []string{"com", "org"}))
		if taken[email] {
			continue
		}
		taken[email] = true
		all = append(all, customer{
			ID: fmt.Sprintf("cust-%04d", 1001+7*len(all)), Name: name, Email: email, Country: home.code,
			home: home, weight: weight(len(all), len(homes)),
		})
	}
	return all
}

// weight makes some customers heavy: the first orders 30 times as often as most.
func weight(n, of int) int {
	switch {
	case n == of-1:
		return 0
	case n < 5:
		return 200 / (n + 1)
	case n < 30:
		return 10
	}
	return 6
}

// letters are those of a name that stand in an address, in lower case.
func letters(name string) string {
	var b []byte
	for _, c := range []byte(name) {
		switch {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z':
			b = append(b, c)
		}
	}
	return string(b)
}

// week returns n times in a week, in order: few at night, most in the evening.
func week(r *rand.Rand, n int) []time.Time {
	busy := []int{2, 1, 1, 1, 1, 2, 5, 9, 12, 14, 15, 15, 17, 14, 13, 13, 14, 16, 20, 25, 27, 22, 13, 6}
	hours := make([]int, len(busy))
	for i := range hours {
		hours[i] = i
	}
	monday := time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	times := make([]time.Time, n)
	for i := range times {
		hour := weighted(r, hours, func(h int) int { return busy[h] })
		times[i] = monday.AddDate(0, 0, r.IntN(7)).Add(time.Duration(hour)*time.Hour + time.Duration(r.IntN(3600))*time.Second)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// spread returns k numbers below n, at even distances.
func spread(n, k int) []int {
	at := make([]int, k)
	for i := range at {
		at[i] = n*(2*i+1)/(2*k) + i%3
	}
	return at
}

func shop(r *rand.Rand, c customer, number int, at time.Time) order {
	o := order{
		OrderID:       fmt.Sprintf("ord-%d", number),
		PlacedAt:      at,
		Customer:      c,
		Currency:      c.home.currency.code,
		PaymentMethod: c.home.pays[min(r.IntN(len(c.home.pays)), r.IntN(len(c.home.pays)+1))],
	}
	in := map[string]bool{}
	for range 1 + min(r.IntN(5), r.IntN(5)) {
		p := goods[weighted(r, goods, func(p product) int { return p.often })]
		if in[p.sku] {
			continue
		}
		in[p.sku] = true
		l := line{p.sku, p.name, 1 + min(r.IntN(p.most), r.IntN(p.most), r.IntN(p.most+1)), c.home.currency.price(p.cents)}
		o.Lines = append(o.Lines, l)
		o.TotalMinor += int64(l.Quantity) * l.UnitPriceMinor
	}
	return o
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// weighted returns the index of one of the things, by their weights.
func weighted[T any](r *rand.Rand, of []T, weight func(T) int) int {
	sum := 0
	for _, t := range of {
		sum += weight(t)
	}
	n := r.IntN(sum)
	for i, t := range of {
		if n -= weight(t); n < 0 {
			return i
		}
	}
	panic("unreachable: n is less than the sum")
}
