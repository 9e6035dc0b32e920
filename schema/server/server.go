// Package server is a schema registry with the Confluent HTTP API, for tests, development and
// small installations. Serializers of other languages work with it as with any registry.
//
// It keeps Avro schemas (no JSON Schema, no Protobuf, no data contracts) in memory and, when
// asked to, in a file. Ids count from 1. Two texts are the same schema when they say the same,
// docs, defaults and aliases included, whatever their spacing, their order of attributes, or
// what they take from references.
package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/troupe-go/troupe/schema"
)

// Config of a Server. The zero value of each field means its default.
type Config struct {
	// Directory keeps everything in the file registry.jsonl in it; it is created when missing. Each
	// change is on disk before it is answered. Only one Server can use it at a time.
	// Defaults to "": nothing outlives the Server.
	Directory string
	// Files is a directory laid out as schema.OpenDirectory wants it, which may be the same as Directory.
	// What it holds is served too, with the versions, ids and GUIDs that a
	// schema.Directory gives them, so that those who use the one read the events of those who use the other. Its subjects are read-only here: their next version is a file to add.
	// Files that were added, changed or removed since are seen by the next request, or soon after where there are hundreds; when they are broken then,
	// what they were before is served on and Log is told.
	// Defaults to "": none.
	Files string
	// Level is the compatibility level of everything that was given none. Registering a schema
	// that breaks it is refused. Defaults to schema.Backward, as with Confluent's registry.
	Level schema.Mode
	// Log is told of every change, and of what is refused as incompatible. Defaults to silence.
	Log *slog.Logger
	// MaxBody is how many bytes a request may have. Defaults to 16 MiB.
	MaxBody int64
}

// Server is the registry: an http.Handler with the Confluent API at its root. It is safe for concurrent use.
type Server struct {
	cfg   Config
	store *store
	mux   *http.ServeMux
	files watch
}

// New returns a Server with what its directory holds.
func New(cfg Config) (*Server, error) {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 16 << 20
	}
	if cfg.Level == "" {
		cfg.Level = schema.Backward
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), files: watch{dir: cfg.Files}}
	if cfg.Files != "" {
		s.files.seen = looks(cfg.Files)
	}
	var err error
	if s.store, err = openStore(cfg); err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	s.routes()
	return s, nil
}

// Close closes the file. Requests that change something fail afterwards.
func (s *Server) Close() error { return s.store.close() }

func (s *Server) routes() {
	for pattern, do := range map[string]endpoint{
		"GET /{$}":                           func(*request) (any, error) { return struct{}{}, nil },
		"GET /contexts":                      func(*request) (any, error) { return []string{defaultContext}, nil },
		"GET /schemas":                       s.listSchemas,
		"GET /schemas/types":                 func(*request) (any, error) { return []string{avro}, nil },
		"GET /schemas/ids/{id}":              s.schemaByID,
		"GET /schemas/ids/{id}/schema":       s.textByID,
		"GET /schemas/ids/{id}/subjects":     s.subjectsByID,
		"GET /schemas/ids/{id}/versions":     s.versionsByID,
		"GET /schemas/guids/{guid}":          s.schemaByGUID,
		"GET /schemas/guids/{guid}/ids":      s.idsByGUID,
		"GET /subjects":                      s.listSubjects,
		"POST /subjects/{subject}":           s.lookup,
		"DELETE /subjects/{subject}":         s.deleteSubject,
		"GET /subjects/{subject}/versions":   s.listVersions,
		"POST /subjects/{subject}/versions":  s.register,
		"GET " + onVersion:                   s.version,
		"GET " + onVersion + "/schema":       s.versionText,
		"GET " + onVersion + "/referencedby": s.referencedBy,
		"DELETE " + onVersion:                s.deleteVersion,
		"POST /compatibility" + onVersion:    s.checkVersion,
		"POST /compatibility" + onVersions:   s.checkVersions,
		"GET /config":                        s.config,
		"PUT /config":                        s.setConfig,
		"DELETE /config":                     s.resetConfig,
		"GET /config/{subject}":              s.config,
		"PUT /config/{subject}":              s.setConfig,
		"DELETE /config/{subject}":           s.resetConfig,
		"GET /mode":                          s.mode,
		"PUT /mode":                          s.setMode,
		"DELETE /mode":                       s.resetMode,
		"GET /mode/{subject}":                s.mode,
		"PUT /mode/{subject}":                s.setMode,
		"DELETE /mode/{subject}":             s.resetMode,
	} {
		s.mux.Handle(pattern, s.handle(do))
	}
}

const (
	onVersions     = "/subjects/{subject}/versions"
	onVersion      = onVersions + "/{version}"
	avro           = "AVRO"
	defaultContext = "."
)

// ServeHTTP answers one request of the Confluent API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	// The mux knows whether it is the path or the method, but says it as plain text.
	said := statusOnly{header: w.Header()}
	h.ServeHTTP(&said, r)
	answerError(w, &apiError{said.status, said.status, fmt.Sprintf("HTTP %d %s", said.status, http.StatusText(said.status))})
}

type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// endpoint answers with a value to encode as JSON, or with an *apiError.
type endpoint func(*request) (any, error)

// raw is an answer that is sent as it is.
type raw string

func (s *Server) handle(do endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refresh()
		r.Body = http.MaxBytesReader(w, r.Body, s.cfg.MaxBody)
		v, err := do(&request{r})
		if err != nil {
			answerError(w, err)
			return
		}
		if text, ok := v.(raw); ok {
			send(w, http.StatusOK, []byte(text))
			return
		}
		answer(w, http.StatusOK, v)
	})
}

func answerError(w http.ResponseWriter, err error) {
	failure := &apiError{http.StatusInternalServerError, 50001, err.Error()}
	errors.As(err, &failure)
	answer(w, failure.status, failure)
}

func answer(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		b.Reset()
		fmt.Fprintf(&b, `{"error_code":500,"message":%q}`, err)
	}
	send(w, status, b.Bytes())
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody to tell
}

// request is what the endpoints need to know of an HTTP request.
type request struct{ *http.Request }

func (r *request) subject() string { return r.PathValue("subject") }

// flag is a query parameter that is either true or not.
func (r *request) flag(name string) bool { return r.URL.Query().Get(name) == "true" }

// decode reads the body as JSON.
func (r *request) decode(v any) error {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &apiError{http.StatusRequestEntityTooLarge, http.StatusRequestEntityTooLarge,
			fmt.Sprintf("The request has more than %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return &apiError{http.StatusBadRequest, http.StatusBadRequest, "The request could not be read: " + err.Error()}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return &apiError{http.StatusBadRequest, http.StatusBadRequest, "The request is not the JSON of this endpoint: " + err.Error()}
	}
	return nil
}
