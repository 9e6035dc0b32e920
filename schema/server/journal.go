package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// journal is the file of changes, one JSON object a line.
type journal struct {
	file *os.File
	size int64 // of the whole lines
}

// openJournal replays dir/registry.jsonl. A last line that was cut off by a crash was
// never answered: it is dropped. Anything else that can't be read is an error.
func openJournal(dir string, replay func(change) error) (*journal, error) {
	file, err := os.OpenFile(filepath.Join(dir, "registry.jsonl"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file}
	err = lock(file)
	if err == nil {
		err = j.read(replay)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file.Name(), err), file.Close())
	}
	return j, nil
}

func (j *journal) read(replay func(change) error) error {
	lines := bufio.NewReader(j.file)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return j.rewind()
		}
		if err != nil {
			return err
		}
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if c == (change{}) { // to forget it would be to lose it
			return fmt.Errorf("line %d: no change that this release knows", n)
		}
		if err := replay(c); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		j.size += int64(len(line))
	}
}

// append adds a line and waits until it is on disk.
func (j *journal) append(c change) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return err
	}
	_, err := j.file.Write(line.Bytes())
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(err, j.rewind())
	}
	j.size += int64(line.Len())
	return nil
}

// rewind cuts off what is behind the last whole line.
func (j *journal) rewind() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

func (j *journal) close() error { return j.file.Close() }
