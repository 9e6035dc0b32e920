package schema

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/sr"
)

// Subjects returns the names of all subjects, sorted. It always asks the registry.
func (c *Client) Subjects(ctx context.Context) ([]string, error) {
	subjects, err := ask(ctx, c, "subjects", func(ctx context.Context) ([]string, error) {
		subjects, err := c.api.Subjects(ctx)
		if err != nil {
			return nil, c.readError("the list of subjects", err)
		}
		slices.Sort(subjects)
		return subjects, nil
	})
	return slices.Clone(subjects), err
}

// VersionNumbers returns the numbers of a subject's versions, oldest first, without their
// schemas. It always asks the registry.
func (c *Client) VersionNumbers(ctx context.Context, subject string) ([]int, error) {
	if err := checkSubject(subject); err != nil {
		return nil, err
	}
	numbers, err := ask(ctx, c, "version numbers of "+subject, func(ctx context.Context) ([]int, error) {
		numbers, err := c.api.SubjectVersions(ctx, subject)
		if err != nil {
			return nil, c.readError(fmt.Sprintf("subject %q", subject), err)
		}
		slices.Sort(numbers)
		return numbers, nil
	})
	return slices.Clone(numbers), err
}

// ByVersion returns one version of a subject. It always asks the registry.
func (c *Client) ByVersion(ctx context.Context, subject string, number int) (Version, error) {
	if err := checkSubject(subject); err != nil {
		return Version{}, err
	}
	return ask(ctx, c, fmt.Sprintf("version %d of %s", number, subject), func(ctx context.Context) (Version, error) {
		return c.byVersion(ctx, subject, number)
	})
}

// Text is a schema as a registry keeps it, letter by letter.
type Text struct {
	// Type is "AVRO", "PROTOBUF" or "JSON".
	Type string
	// Text may use types that only the References define.
	Text       string
	References []Reference
}

// Reference names a schema that another one uses.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// TextByID returns the text of an id. It always asks the registry.
func (c *Client) TextByID(ctx context.Context, id int) (Text, error) {
	return ask(ctx, c, fmt.Sprintf("text of id %d", id), func(ctx context.Context) (Text, error) {
		got, err := c.api.SchemaByID(ctx, id)
		if err != nil {
			return Text{}, c.readError(fmt.Sprintf("schema %d", id), err)
		}
		return textOf(got), nil
	})
}

// TextByGUID returns the text of a GUID. It always asks the registry.
func (c *Client) TextByGUID(ctx context.Context, guid [16]byte) (Text, error) {
	name := uuid.UUID(guid).String()
	return ask(ctx, c, "text of guid "+name, func(ctx context.Context) (Text, error) {
		got, err := c.api.SchemaByGUID(ctx, name)
		if err != nil {
			return Text{}, c.readError("schema "+name, err)
		}
		return textOf(got.Schema), nil
	})
}

// TextByVersion returns the text of a subject's version. It always asks the registry.
func (c *Client) TextByVersion(ctx context.Context, subject string, number int) (Text, error) {
	if err := checkSubject(subject); err != nil {
		return Text{}, err
	}
	return ask(ctx, c, fmt.Sprintf("text of version %d of %s", number, subject), func(ctx context.Context) (Text, error) {
		got, err := c.api.SchemaByVersion(ctx, subject, number)
		if err != nil {
			return Text{}, c.readError(reference{subject, number}.String(), err)
		}
		return textOf(got.Schema), nil
	})
}

func textOf(got sr.Schema) Text {
	t := Text{Type: got.Type.String(), Text: got.Schema}
	for _, ref := range got.References {
		t.References = append(t.References, Reference{Name: ref.Name, Subject: ref.Subject, Version: ref.Version})
	}
	return t
}

// Level returns the compatibility level that is in force for a subject, its own or else the
// registry's; for "" it is the registry's. The registry may name one that this
// package does not know. It always asks.
func (c *Client) Level(ctx context.Context, subject string) (Mode, error) {
	return ask(ctx, c, "level of "+subject, func(ctx context.Context) (Mode, error) {
		// Without this parameter some registries answer NONE for a subject that has no level, whatever
		// is in force.
		mode, err := c.level(sr.WithParams(ctx, sr.DefaultToGlobal), subject)
		err = c.levelError(subject, err)
		if missing := new(NotFoundError); subject != "" && errors.As(err, &missing) {
			// Apicurio says so of a subject that it does not know, though what is in force for it is known.
			mode, err = c.level(ctx, "")
			err = c.levelError("", err)
		}
		return mode, err
	})
}

// OwnLevel returns the level that is set on a subject itself. One without is a
// *NotFoundError; Apicurio says NONE instead. It always asks.
func (c *Client) OwnLevel(ctx context.Context, subject string) (Mode, error) {
	return ask(ctx, c, "own level of "+subject, func(ctx context.Context) (Mode, error) {
		mode, err := c.level(ctx, subject)
		return mode, c.levelError(subject, err)
	})
}

func (c *Client) level(ctx context.Context, subject string) (Mode, error) {
	var got levelBody
	err := c.api.Do(ctx, http.MethodGet, levelPath(subject), nil, &got)
	if err == nil && got.mode() == "" {
		err = c.unavailable(errors.New("its answer about the compatibility level names none"))
	}
	return got.mode(), err
}

// levelBody is what registries call a level; which of the two differs.
type levelBody struct {
	Compatibility Mode `json:"compatibility,omitempty"`
	Level         Mode `json:"compatibilityLevel,omitempty"`
}

func (b *levelBody) mode() Mode {
	if b.Level != "" {
		return b.Level
	}
	return b.Compatibility
}

func levelPath(subject string) string {
	if subject == "" {
		return "/config"
	}
	return "/config/" + url.PathEscape(subject)
}

func (c *Client) levelError(subject string, err error) error {
	if err == nil {
		return nil
	}
	if subject == "" {
		return c.readError("the compatibility level", err)
	}
	return c.readError(fmt.Sprintf("the compatibility level of subject %q", subject), err)
}

// SetLevel sets the level of a subject, for "" that of the whole registry. Nothing is
// checked: versions that are there already stay.
func (c *Client) SetLevel(ctx context.Context, subject string, mode Mode) error {
	_, err := ask(ctx, c, "set level of "+subject+" to "+string(mode), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.api.Do(ctx, http.MethodPut, levelPath(subject), levelBody{Compatibility: mode}, nil)
	})
	return c.changeError("set", subject, err)
}

// UnsetLevel takes the level of a subject away, so that the registry's applies; for "" it
// gives the registry back its default. A subject that has none is a *NotFoundError, in some registries.
func (c *Client) UnsetLevel(ctx context.Context, subject string) error {
	_, err := ask(ctx, c, "unset level of "+subject, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.api.Do(ctx, http.MethodDelete, levelPath(subject), nil, nil)
	})
	return c.changeError("unset", subject, err)
}

// changeError is levelError for a level that is to change: what the registry refuses it
// refuses again.
func (c *Client) changeError(verb, subject string, err error) error {
	answer, answered := asAnswer(err)
	if answered && (answer.StatusCode == http.StatusUnprocessableEntity || answer.StatusCode == http.StatusMethodNotAllowed) {
		return fmt.Errorf("%s the compatibility level: schema registry %s: %w", verb, c.name, answerError(answer))
	}
	return c.levelError(subject, err)
}
