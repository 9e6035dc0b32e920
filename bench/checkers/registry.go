package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe"
)

// registry is a schema registry with the Confluent API. It gets subjects of its own for each question, which are
// deleted in the end.
type registry struct {
	troupe.Registry
	client     *http.Client
	name, said string
	prefix     string
	subjects   []string
}

func openRegistry(ctx context.Context, to troupe.Registry) (*registry, error) {
	if to.URL == "" {
		return nil, errors.New("TROUPE_REGISTRY is not set (.ci/services up registry starts Apicurio, .ci/services env prints it)")
	}
	to.URL = strings.TrimSuffix(to.URL, "/")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = to.TLS
	r := &registry{Registry: to, client: &http.Client{Transport: transport, Timeout: time.Minute}, prefix: "troupe-checkers-" + uuid.NewString()[:8]}
	if _, err := r.call(ctx, http.MethodGet, "/subjects", nil, nil); err != nil {
		return nil, err
	}
	r.name, r.said = r.identity(ctx)
	return r, nil
}

// identity is what Apicurio says of itself; others do not.
func (r *registry) identity(ctx context.Context) (name, version string) {
	root, _, found := strings.Cut(r.URL, "/apis/ccompat/")
	var info struct{ Name, Version string }
	if _, err := r.get(ctx, root+"/apis/registry/v3/system/info", &info); !found || err != nil || !strings.Contains(info.Name, "Apicurio") {
		return "registry", "of TROUPE_REGISTRY"
	}
	return "Apicurio", info.Version
}

func (r *registry) title() string   { return r.name }
func (r *registry) version() string { return r.said }

func (r *registry) judge(ctx context.Context, qs []question) ([]answer, error) {
	answers := make([]answer, len(qs))
	for i, q := range qs {
		if q.direction == deleted {
			continue
		}
		subject, err := r.register(ctx, q.change.Name+"-"+q.direction.mode(), q)
		if err == nil {
			answers[i], err = r.ask(ctx, subject, q.direction, q.change.New)
		}
		if err == nil && answers[i].Verdict == breaks && len(answers[i].Said) == 0 {
			answers[i].Said, err = r.reasons(ctx, subject, q.change.New)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", q.change.Name, q.direction, err)
		}
	}
	return answers, nil
}

// register makes a subject with the old versions of a question.
func (r *registry) register(ctx context.Context, name string, q question) (subject string, err error) {
	subject = r.prefix + "-" + name
	r.subjects = append(r.subjects, subject)
	path := "/subjects/" + url.PathEscape(subject) + "/versions"
	for _, old := range []string{q.change.Older, q.change.Old} {
		if old == "" || (old == q.change.Older && q.direction != newReadsOlder) {
			continue
		}
		if _, err := r.call(ctx, http.MethodPost, path, map[string]string{"schema": old}, nil); err != nil {
			return "", err
		}
	}
	_, err = r.call(ctx, http.MethodPut, "/config/"+url.PathEscape(subject), map[string]string{"compatibility": q.direction.mode()}, nil)
	return subject, err
}

// ask asks if a schema could become the next version.
func (r *registry) ask(ctx context.Context, subject string, d direction, text string) (answer, error) {
	version := "versions/latest"
	if d == newReadsOlder {
		version = "versions"
	}
	var got struct {
		Compatible *bool    `json:"is_compatible"`
		Messages   []string `json:"messages"`
		Message    string   `json:"message"`
	}
	status, err := r.call(ctx, http.MethodPost, "/compatibility/subjects/"+url.PathEscape(subject)+"/"+version+"?verbose=true", map[string]string{"schema": text}, &got)
	switch {
	case status == http.StatusUnprocessableEntity:
		return answer{Verdict: refused, Said: []string{got.Message}}, nil
	case err != nil:
		return answer{}, err
	case got.Compatible == nil:
		return answer{}, errors.New("the registry's answer has no is_compatible")
	case *got.Compatible:
		return answer{Verdict: works}, nil
	}
	return answer{Verdict: breaks, Said: got.Messages}, nil
}

// place is the end of a reason in Apicurio's list of them, which has commas inside reasons too.
var place = regexp.MustCompile(`.+? at /[^ ,\]]*`)

// reasons are what a registry whose answer has none says when the version is to be registered all the same.
func (r *registry) reasons(ctx context.Context, subject, text string) ([]string, error) {
	var got struct{ Message string }
	status, err := r.call(ctx, http.MethodPost, "/subjects/"+url.PathEscape(subject)+"/versions", map[string]string{"schema": text}, &got)
	if status != http.StatusConflict {
		return nil, err
	}
	_, list, found := strings.Cut(got.Message, "list of diff types: [")
	if !found {
		return []string{got.Message}, nil
	}
	var reasons []string
	for _, reason := range place.FindAllString(list, -1) {
		reasons = append(reasons, strings.TrimPrefix(reason, ", "))
	}
	return reasons, nil
}

func (r *registry) prepare(ctx context.Context, w work) (stopwatch, error) {
	qs := w.questions()
	subjects := make([]string, len(qs))
	for i, q := range qs {
		var err error
		if subjects[i], err = r.register(ctx, fmt.Sprintf("%s-%d", w.key, i), q); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context) (cost, error) {
		answers := make([]answer, len(qs))
		began := time.Now()
		for i, q := range qs {
			var err error
			if answers[i], err = r.ask(ctx, subjects[i], q.direction, q.change.New); err != nil {
				return cost{}, err
			}
		}
		return cost{wall: time.Since(began)}, allBreak(answers)
	}, nil
}

// close deletes what was registered, for good.
func (r *registry) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed error
	for _, s := range r.subjects {
		path := "/subjects/" + url.PathEscape(s)
		status, err := r.call(ctx, http.MethodDelete, path, nil, nil)
		if err == nil {
			status, err = r.call(ctx, http.MethodDelete, path+"?permanent=true", nil, nil)
		}
		if status != http.StatusNotFound {
			failed = cmp.Or(failed, err)
		}
	}
	r.client.CloseIdleConnections()
	return failed
}

func (r *registry) get(ctx context.Context, url string, into any) (int, error) {
	return r.do(ctx, http.MethodGet, url, nil, into)
}

func (r *registry) call(ctx context.Context, method, path string, body, into any) (status int, err error) {
	return r.do(ctx, method, r.URL+path, body, into)
}

// do reads an answer in JSON, if into is not nil, whatever its status; an error says the status too.
func (r *registry) do(ctx context.Context, method, url string, body, into any) (status int, err error) {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return 0, err
		}
	}
	rq, err := http.NewRequestWithContext(ctx, method, url, &b)
	if err != nil {
		return 0, err
	}
	rq.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	switch {
	case r.Username != "":
		rq.SetBasicAuth(r.Username, r.Password)
	case r.Token != "":
		rq.Header.Set("Authorization", "Bearer "+r.Token)
	}
	rs, err := r.client.Do(rq)
	if err != nil {
		return 0, err
	}
	defer rs.Body.Close()
	text, err := io.ReadAll(rs.Body)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if into != nil {
		err = json.Unmarshal(text, into)
	}
	if rs.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.200s", method, url, rs.Status, text)
	}
	return rs.StatusCode, err
}
