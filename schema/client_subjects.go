package schema

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/twmb/franz-go/pkg/sr"
	"golang.org/x/sync/errgroup"
)

// Lookup returns the version under which a subject has s. Registries differ in
// what they take for the same schema (they sort keys, normalise, or compare bytes), so a registry that doesn't
// recognise s is not believed before s has been compared with each of the subject's versions.
func (c *Client) Lookup(ctx context.Context, subject string, s *Schema) (Version, error) {
	return c.underSubject(ctx, "lookup", subject, s, c.lookup)
}

// Register adds s to a subject, as one self-contained text without references, or
// returns the version that is there already. It sends no request for a schema that this
// Client has looked up or registered before.
func (c *Client) Register(ctx context.Context, subject string, s *Schema) (Version, error) {
	return c.underSubject(ctx, "register", subject, s, c.register)
}

func (c *Client) underSubject(ctx context.Context, verb, subject string, s *Schema,
	do func(context.Context, string, *Schema) (Version, error)) (Version, error) {
	if err := checkSubject(subject); err != nil {
		return Version{}, err
	}
	key := subjectSchema{subject, s.String()}
	if v, err, ok := c.cache.versions.get(key); ok {
		return v, err
	}
	return learn(ctx, c, &c.cache.versions, key, verb+" "+subject+" "+key.text, func(ctx context.Context) (Version, error) {
		v, err := do(ctx, subject, s)
		if err != nil {
			return Version{}, err
		}
		return c.cache.versions.put(key, v), nil
	})
}

func (c *Client) lookup(ctx context.Context, subject string, s *Schema) (Version, error) {
	got, err := c.api.LookupSchema(ctx, subject, sr.Schema{Schema: s.String()})
	answer, answered := asAnswer(err)
	switch {
	case err == nil:
		v, err := c.version(ctx, subject, got)
		if err == nil && v.Schema.Equal(s) {
			return v, nil
		}
	case !answered:
		return Version{}, c.notAnswered(err)
	case !isNotFound(answer) && answer.StatusCode != http.StatusUnprocessableEntity:
		return Version{}, c.refused(answer)
	}
	versions, err := c.versions(ctx, subject)
	if err != nil {
		return Version{}, err
	}
	v, ok := find(versions, s)
	if !ok {
		return Version{}, &NotFoundError{What: fmt.Sprintf("%s under subject %q in schema registry %s", nameOf(s), subject, c.name)}
	}
	return v, nil
}

func (c *Client) register(ctx context.Context, subject string, s *Schema) (Version, error) {
	var got struct {
		ID      int `json:"id"`
		Version int `json:"version"`
	}
	path := "/subjects/" + url.PathEscape(subject) + "/versions"
	if err := c.api.Do(ctx, http.MethodPost, path, sr.Schema{Schema: s.String()}, &got); err != nil {
		return Version{}, c.registerError(subject, err)
	}
	if got.Version == 0 { // older registries answer the id alone
		var err error
		if got.Version, err = c.versionOf(ctx, subject, got.ID); err != nil {
			return Version{}, err
		}
	}
	kept, err := c.ByID(ctx, got.ID)
	if err != nil {
		return Version{}, fmt.Errorf("read back what subject %q was given: %w", subject, err)
	}
	if !kept.Equal(s) {
		return Version{}, fmt.Errorf("schema registry %s answers id %d for %s under subject %q, but that id is another schema",
			c.name, got.ID, nameOf(s), subject)
	}
	return Version{Subject: subject, Version: got.Version, ID: got.ID, Schema: kept}, nil
}

// versionOf returns the newest version of a subject that has an id.
func (c *Client) versionOf(ctx context.Context, subject string, id int) (int, error) {
	what := fmt.Sprintf("schema %d under subject %q", id, subject)
	uses, err := c.api.SchemaVersionsByID(ctx, id)
	if err != nil {
		return 0, c.readError(what, err)
	}
	newest := 0
	for _, use := range uses {
		if use.Subject == subject {
			newest = max(newest, use.Version)
		}
	}
	if newest == 0 {
		return 0, &NotFoundError{What: what + " in schema registry " + c.name}
	}
	return newest, nil
}

// Versions returns a subject's versions, oldest first. It always asks the registry which there are and what the newest
// one is; of the others it asks for those that it does not know, up to 8 at a time.
// (They never change, unless somebody deletes a subject for good and begins it anew. That shows in the newest
// version, and what was known of the subject is forgotten.)
func (c *Client) Versions(ctx context.Context, subject string) ([]Version, error) {
	if err := checkSubject(subject); err != nil {
		return nil, err
	}
	versions, err := ask(ctx, c, "versions of "+subject, func(ctx context.Context) ([]Version, error) {
		return c.versions(ctx, subject)
	})
	return slices.Clone(versions), err
}

func (c *Client) versions(ctx context.Context, subject string) ([]Version, error) {
	numbers, err := c.api.SubjectVersions(ctx, subject)
	if err != nil {
		return nil, c.readError(fmt.Sprintf("subject %q", subject), err)
	}
	slices.Sort(numbers)
	versions := make([]Version, len(numbers))
	if last := len(numbers) - 1; last >= 0 {
		if versions[last], err = c.listed(ctx, subject, numbers[last]); err != nil {
			return nil, err
		}
		if err := c.older(ctx, subject, numbers[:last], versions); err != nil {
			return nil, err
		}
	}
	versions = slices.DeleteFunc(versions, func(v Version) bool { return v.Version == 0 })
	if len(versions) == 0 {
		return nil, &NotFoundError{What: fmt.Sprintf("subject %q in schema registry %s", subject, c.name)}
	}
	return versions, nil
}

// atOnce is how many versions of a subject are asked for at the same time.
const atOnce = 8

// older fills in the versions that have these numbers. The first that can't be had ends the others.
func (c *Client) older(ctx context.Context, subject string, numbers []int, versions []Version) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, n := range numbers {
		if v, _, ok := c.cache.numbers.get(reference{subject, n}); ok {
			versions[i] = v
			continue
		}
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			versions[i], err = c.listed(ctx, subject, n)
			return err
		})
	}
	return group.Wait()
}

// listed asks for a version that was listed just now. One that was deleted since is empty.
func (c *Client) listed(ctx context.Context, subject string, number int) (Version, error) {
	v, err := c.byVersion(ctx, subject, number)
	if gone := (*NotFoundError)(nil); errors.As(err, &gone) {
		return Version{}, nil
	}
	return v, err
}

// Latest returns a subject's newest version. It always asks the registry.
func (c *Client) Latest(ctx context.Context, subject string) (Version, error) {
	if err := checkSubject(subject); err != nil {
		return Version{}, err
	}
	return ask(ctx, c, "latest of "+subject, func(ctx context.Context) (Version, error) {
		return c.byVersion(ctx, subject, -1)
	})
}

// byVersion asks for one version; -1 is the latest.
func (c *Client) byVersion(ctx context.Context, subject string, number int) (Version, error) {
	what := fmt.Sprintf("subject %q", subject)
	if number != -1 {
		what = reference{subject, number}.String()
	}
	got, err := c.api.SchemaByVersion(ctx, subject, number)
	if err != nil {
		return Version{}, c.readError(what, err)
	}
	return c.version(ctx, subject, got)
}

// version is what the registry answered about one version, its schema parsed.
func (c *Client) version(ctx context.Context, subject string, got sr.SubjectSchema) (Version, error) {
	if got.ID == 0 || got.Version == 0 {
		return Version{}, c.unavailable(fmt.Errorf("its answer about subject %q has no id or version", subject))
	}
	s, err := c.parse(ctx, reference{subject, got.Version}.String(), got.Schema)
	if err != nil {
		return Version{}, err
	}
	// Some registries give versions with other defaults or docs the same id: what that stands for is theirs to say.
	if first, err, ok := c.cache.ids.get(got.ID); ok && err == nil && first.String() == s.String() {
		s = first
	}
	v := Version{Subject: subject, Version: got.Version, ID: got.ID, Schema: s}
	c.cache.learn(v)
	return v, nil
}

// checkSubject refuses the names that have no URL of their own: "." and ".." would
// be resolved away, "" is the list of subjects.
func checkSubject(subject string) error {
	switch subject {
	case "":
		return errNoSubject
	case ".", "..":
		return fmt.Errorf("subject %q can't be asked for over HTTP", subject)
	}
	return nil
}

func nameOf(s *Schema) string {
	if name := s.FullName(); name != "" {
		return name
	}
	return "the schema"
}
