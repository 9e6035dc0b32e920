package server

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer that is an error. The codes are Confluent's.
type apiError struct {
	status  int
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

func notFound(code int, format string, args ...any) error {
	return &apiError{http.StatusNotFound, code, fmt.Sprintf(format, args...)}
}

func unprocessable(code int, format string, args ...any) error {
	return &apiError{http.StatusUnprocessableEntity, code, fmt.Sprintf(format, args...)}
}

func errSubject(subject string) error { return notFound(40401, "Subject '%s' not found.", subject) }
func errVersion(v int) error          { return notFound(40402, "Version %d not found.", v) }
func errSchemaID(id int) error        { return notFound(40403, "Schema %d not found", id) }
func errSchema() error                { return notFound(40403, "Schema not found") }

func errSubjectSoftDeleted(subject string) error {
	return notFound(40404, "Subject '%s' was soft deleted. Set permanent=true to delete permanently", subject)
}

func errSubjectNotSoftDeleted(subject string) error {
	return notFound(40405, "Subject '%s' was not deleted first before being permanently deleted", subject)
}

func errVersionSoftDeleted(subject string, v int) error {
	return notFound(40406, "Subject '%s' Version %d was soft deleted. Set permanent=true to delete permanently", subject, v)
}

func errVersionNotSoftDeleted(subject string, v int) error {
	return notFound(40407, "Subject '%s' Version %d was not deleted first before being permanently deleted", subject, v)
}

func errNoLevel(subject string) error {
	return notFound(40408, "Subject '%s' does not have subject-level compatibility configured", subject)
}

func errNoMode(subject string) error {
	return notFound(40409, "Subject '%s' does not have subject-level mode configured", subject)
}

func errInvalidSchema(format string, args ...any) error { return unprocessable(42201, format, args...) }

func errInvalidVersion(text string) error {
	return unprocessable(42202, `The specified version '%s' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`, text)
}

func errInvalidLevel() error {
	return unprocessable(42203, "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive")
}

func errNotPermitted(format string, args ...any) error { return unprocessable(42205, format, args...) }

func errReferenced(subject string, v int) error {
	return unprocessable(42206, "One or more references exist to the schema of subject '%s' version %d", subject, v)
}

func errIncompatible(subject string, reasons []string) error {
	return &apiError{http.StatusConflict, http.StatusConflict,
		fmt.Sprintf("Schema being registered is incompatible with an earlier schema for subject %q, details: [%s]", subject, strings.Join(reasons, ", "))}
}
