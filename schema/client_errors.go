package schema

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/twmb/franz-go/pkg/sr"
)

func (c *Client) unavailable(err error) error {
	return &UnavailableError{Registry: c.name, Err: err}
}

// refused is an answer that says nothing about a schema.
func (c *Client) refused(answer *sr.ResponseError) error {
	return &UnavailableError{Registry: c.name, Status: answer.StatusCode, Err: answerError(answer)}
}

// readError says in one of the package's types why the registry did not hand out what.
//
// Only a registry's own "not found" counts as that: a 404 of a proxy, or of a URL that is not the
// registry's root, would otherwise look like a schema that does not exist, and cost events.
func (c *Client) readError(what string, err error) error {
	answer, ok := asAnswer(err)
	switch {
	case !ok:
		return c.notAnswered(err)
	case isNotFound(answer):
		return &NotFoundError{What: what + " in schema registry " + c.name}
	}
	return c.refused(answer)
}

// registerError is readError for a schema that the registry did not take.
func (c *Client) registerError(subject string, err error) error {
	answer, ok := asAnswer(err)
	if !ok {
		return c.notAnswered(err)
	}
	switch answer.StatusCode {
	case http.StatusConflict:
		return &IncompatibleError{Subject: subject, Reasons: reasons(answer), Err: answerError(answer)}
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return fmt.Errorf("register under subject %q: schema registry %s: %w", subject, c.name, answerError(answer))
	}
	return c.refused(answer)
}

// notAnswered wraps an error of this side of the connection, or one that is already typed.
func (c *Client) notAnswered(err error) error {
	var (
		notFound    *NotFoundError
		unavailable *UnavailableError
	)
	if errors.As(err, &notFound) || errors.As(err, &unavailable) {
		return err
	}
	if errors.Is(err, context.Canceled) && c.closing.Err() != nil {
		return c.unavailable(errors.New("the client is closed"))
	}
	var failed *url.Error // says less than the layers around it, and all of it
	if errors.As(err, &failed) {
		err = fmt.Errorf("%s %s: %w", strings.ToUpper(failed.Op), failed.URL, failed.Err)
	}
	return c.unavailable(err)
}

func asAnswer(err error) (*sr.ResponseError, bool) {
	var answer *sr.ResponseError
	return answer, errors.As(err, &answer)
}

// isNotFound reports whether the registry itself says so: 40401 (subject), 40402
// (version), 40403 (schema) and their siblings for what was deleted.
func isNotFound(e *sr.ResponseError) bool {
	return e.StatusCode == http.StatusNotFound && e.ErrorCode >= 40401 && e.ErrorCode <= 40499
}

// isUnknownPath reports whether err is a 404 that names nothing of a registry's.
func isUnknownPath(err error) bool {
	answer, ok := asAnswer(err)
	return ok && answer.StatusCode == http.StatusNotFound && !isNotFound(answer)
}

// answerError is the line to print about an answer that is an error.
func answerError(e *sr.ResponseError) error {
	hint := ""
	switch {
	case e.StatusCode == http.StatusUnauthorized, e.StatusCode == http.StatusForbidden:
		hint = " (check the registry's username and password, or token)"
	case e.StatusCode == http.StatusNotFound && !isNotFound(e):
		hint = " (is the URL the root of a schema registry?)"
	}
	status := fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if e.ErrorCode != 0 && e.ErrorCode != e.StatusCode {
		status += fmt.Sprintf(" [%d]", e.ErrorCode)
	}
	if said := words(e); said != "" {
		status += ": " + said
	}
	return fmt.Errorf("%s %s: %s%s", e.Method, e.URL, status, hint)
}

// words is what the registry said: its message on one line, nothing when the body
// is no message of a registry (an HTML page of a proxy).
func words(e *sr.ResponseError) string {
	said := e.Message
	if said == "" && !strings.HasPrefix(string(e.Raw), "<") {
		said = string(e.Raw)
	}
	return oneLine(said, 2_000)
}

// reasons takes the violations out of what a registry said, as Confluent's and
// schema/server list them. What has no such list is one reason.
func reasons(e *sr.ResponseError) []string {
	const most = 100
	_, list, listed := strings.Cut(e.Message, "details: [{errorType:")
	if !listed {
		return []string{words(e)}
	}
	var all []string
	for _, reason := range strings.Split(list, ", {errorType:") {
		if len(all) == most {
			return append(all, "and more")
		}
		for _, context := range []string{", {oldSchemaVersion:", ", {oldSchema:", ", {validateFields:", ", {compatibility:"} {
			reason, _, _ = strings.Cut(reason, context)
		}
		all = append(all, oneLine("{errorType:"+strings.TrimSuffix(reason, "]"), 2_000))
	}
	return all
}

// oneLine replaces every run of control and space characters by a space, and
// cuts what is longer than limit bytes.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}
