package main

import (
	"context"
	_ "embed"
	"errors"
)

//go:embed python/answer.py
var pythonSource string

// openPython asks the avro of an interpreter.
func openPython(ctx context.Context, interpreter string) (*pairProgram, error) {
	if interpreter == "" {
		return nil, errors.New("-python does not name a Python that has avro")
	}
	return openPairProgram(ctx, "Python avro", interpreter, "-c", pythonSource)
}
