package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/schema"
)

// address is a schema's place in a registry.
type address struct {
	subject string
	version int // -1 for the latest
	id      int
	guid    *uuid.UUID
}

// String is the address as people write it.
func (a address) String() string {
	switch {
	case a.guid != nil:
		return "guid:" + a.guid.String()
	case a.subject == "":
		return "id:" + strconv.Itoa(a.id)
	case a.version < 0:
		return a.subject
	}
	return a.subject + "@" + strconv.Itoa(a.version)
}

func parseAddress(arg string) (address, error) {
	if text, ok := strings.CutPrefix(arg, "id:"); ok {
		id, err := strconv.ParseInt(text, 10, 32)
		if err != nil || id <= 0 {
			return address{}, usage("%q is not id: and a number above 0, such as id:41", arg)
		}
		return address{id: int(id)}, nil
	}
	if text, ok := strings.CutPrefix(arg, "guid:"); ok {
		guid, err := uuid.Parse(text)
		if err != nil {
			return address{}, usage("%q is not guid: and a UUID", arg)
		}
		return address{guid: &guid}, nil
	}
	at := strings.LastIndexByte(arg, '@')
	if at < 0 || arg[at+1:] == "latest" {
		return address{subject: strings.TrimSuffix(arg, "@latest"), version: -1}, nil
	}
	n, err := strconv.ParseInt(arg[at+1:], 10, 32)
	if err != nil || n <= 0 || at == 0 {
		return address{}, usage("%q is not SUBJECT@VERSION with a version above 0, such as orders-shop.OrderPlaced@3, or @latest", arg)
	}
	return address{subject: arg[:at], version: int(n)}, nil
}

func (o *sourceOptions) fromRegistry(ctx context.Context, arg string) (*source, error) {
	a, err := parseAddress(arg)
	if err != nil {
		return nil, err
	}
	client, err := o.open()
	if err != nil {
		return nil, err
	}
	switch {
	case a.guid != nil:
		s, err := client.ByGUID(ctx, *a.guid)
		return &source{name: a.String(), schema: s}, o.explain(ctx, a, err)
	case a.subject == "":
		s, err := client.ByID(ctx, a.id)
		return &source{name: a.String(), schema: s}, o.explain(ctx, a, err)
	}
	v, err := o.version(ctx, client, a)
	if err != nil {
		return nil, o.explain(ctx, a, err)
	}
	a.version = v.Version
	return &source{name: a.String(), schema: v.Schema}, nil
}

func (o *sourceOptions) version(ctx context.Context, client *schema.Client, a address) (schema.Version, error) {
	if a.version < 0 {
		return client.Latest(ctx, a.subject)
	}
	return client.ByVersion(ctx, a.subject, a.version)
}

// explain adds to what a registry could not answer what to do about it.
func (o *sourceOptions) explain(ctx context.Context, a address, err error) error {
	var (
		missing     *schema.NotFoundError
		unavailable *schema.UnavailableError
	)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.As(err, &missing) && a.subject != "":
		return fmt.Errorf("%w; %s", err, o.others(ctx, a))
	case !errors.As(err, &unavailable):
		return err
	case unavailable.Status == http.StatusUnauthorized || unavailable.Status == http.StatusForbidden:
		return fmt.Errorf("%w: TROUPE_REGISTRY_USERNAME and _PASSWORD, or _TOKEN", err)
	case unavailable.Status >= http.StatusInternalServerError:
		return fmt.Errorf("%w; the registry is up but not well: its own log should say why", err)
	case errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "no answer within"):
		return fmt.Errorf("%w; %s; --timeout (now %v) says how long to wait", err, registryDown, o.timeout)
	case errors.As(err, new(*net.OpError)): // nobody listens, or there is no such host
		return fmt.Errorf("%w; %s", err, registryDown)
	}
	return err
}

// registryDown is what to look at when a registry gives no answer.
const registryDown = "is it up, and is the URL right?"

// others names what the registry has in the place of what it lacks.
func (o *sourceOptions) others(ctx context.Context, a address) string {
	if a.version > 0 {
		if numbers, err := o.client.VersionNumbers(ctx, a.subject); err == nil && len(numbers) > 0 {
			var texts []string
			for _, n := range numbers {
				texts = append(texts, strconv.Itoa(n))
			}
			return "its versions are " + listed(texts)
		}
	}
	subjects, err := o.client.Subjects(ctx)
	switch {
	case err != nil:
		return "troupe schema ls lists the subjects"
	case len(subjects) == 0:
		return "the registry has no subjects"
	}
	if near := nearest(a.subject, subjects); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "troupe schema ls lists the subjects"
}

// warnOfNone says so when a subject has no versions, which may be a slip of the pen.
func (o *sourceOptions) warnOfNone(ctx context.Context, w io.Writer, subject string) {
	_, err := o.client.VersionNumbers(ctx, subject)
	var none *schema.NotFoundError
	if errors.As(err, &none) {
		fmt.Fprintf(w, "! %s has no versions yet; %s\n", subject, o.others(ctx, address{subject: subject, version: -1}))
	}
}

// listed is a list in a line.
func listed(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// nearest returns the names, at most three, that are like name.
func nearest(name string, names []string) []string {
	type near struct {
		name     string
		distance int
	}
	var all []near
	lower := strings.ToLower(name)
	for _, candidate := range names {
		other := strings.ToLower(candidate)
		d := editDistance(lower, other, max(2, len(lower)/4))
		switch {
		case d >= 0:
			all = append(all, near{candidate, d})
		case len(lower) >= 3 && (strings.HasPrefix(other, lower) || strings.HasPrefix(lower, other)):
			all = append(all, near{candidate, len(other)})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.distance - b.distance })
	var best []string
	for _, n := range all[:min(len(all), 3)] {
		best = append(best, n.name)
	}
	return best
}

// editDistance is how many letters must be added, removed or replaced to make b of a; -1 for more than most.
func editDistance(a, b string, most int) int {
	if len(a) > 200 || len(b) > 200 || len(a)-len(b) > most || len(b)-len(a) > most {
		return -1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	if row[len(b)] > most {
		return -1
	}
	return row[len(b)]
}
