package troupetest

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// databases is how many numbered databases a Redis has by default.
const databases = 16

// savedKey is one key in a snapshot: strings, hashes, lists, sets, sorted sets
// and streams. The expiry of single hash fields, the groups of streams and
// HyperLogLogs are not kept; nothing in this project uses them.
type savedKey struct {
	DB      int
	Key     string
	Expires time.Time // zero: never
	Type    string

	String string
	Hash   map[string]string
	Items  []string // of a list or a set
	Scores map[string]float64
	Stream []miniredis.StreamEntry
}

// save writes all keys of m to file, which holds the old or the new snapshot at
// any time, never half of one. Each key is as it was at some moment during the call.
func save(m *miniredis.Miniredis, file string) error {
	f, err := os.Create(file + ".new")
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	enc := gob.NewEncoder(w)
	now := time.Now()
	for i := range databases {
		db := m.DB(i)
		for _, key := range db.Keys() {
			k, ok := read(db, key, now)
			if !ok {
				continue
			}
			k.DB = i
			if err := enc.Encode(k); err != nil {
				return fmt.Errorf("save Redis key %q: %w", key, err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// read reads a key. It is not ok when it has gone meanwhile or has a type that
// is not kept.
func read(db *miniredis.RedisDB, key string, now time.Time) (k savedKey, ok bool) {
	k = savedKey{Key: key, Type: db.Type(key)}
	if ttl := db.TTL(key); ttl > 0 {
		k.Expires = now.Add(ttl)
	}
	var err error
	switch k.Type {
	case "string":
		k.String, err = db.Get(key)
	case "hash":
		var fields []string
		fields, err = db.HKeys(key)
		k.Hash = make(map[string]string, len(fields))
		for _, f := range fields {
			k.Hash[f] = db.HGet(key, f)
		}
	case "list":
		k.Items, err = db.List(key)
	case "set":
		k.Items, err = db.Members(key)
	case "zset":
		k.Scores, err = db.SortedSet(key)
	case "stream":
		k.Stream, err = db.Stream(key)
	default:
		return k, false
	}
	return k, err == nil
}

// load brings back what save wrote. No file is an empty Redis.
func load(m *miniredis.Miniredis, file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	dec, now := gob.NewDecoder(bufio.NewReader(f)), time.Now()
	for {
		var k savedKey
		if err := dec.Decode(&k); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("load Redis keys from %s: %w", file, err)
		}
		if !k.Expires.IsZero() && !k.Expires.After(now) {
			continue
		}
		if err := write(m.DB(k.DB), k); err != nil {
			return fmt.Errorf("load Redis key %q from %s: %w", k.Key, file, err)
		}
		if !k.Expires.IsZero() {
			m.DB(k.DB).SetTTL(k.Key, k.Expires.Sub(now))
		}
	}
}

func write(db *miniredis.RedisDB, k savedKey) (err error) {
	switch k.Type {
	case "string":
		err = db.Set(k.Key, k.String)
	case "hash":
		for f, v := range k.Hash {
			db.HSet(k.Key, f, v)
		}
	case "list":
		_, err = db.Push(k.Key, k.Items...)
	case "set":
		_, err = db.SetAdd(k.Key, k.Items...)
	case "zset":
		for member, score := range k.Scores {
			if _, err = db.ZAdd(k.Key, score, member); err != nil {
				break
			}
		}
	case "stream":
		for _, e := range k.Stream {
			if _, err = db.XAdd(k.Key, e.ID, e.Values); err != nil {
				break
			}
		}
	}
	return err
}
