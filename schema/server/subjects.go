package server

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

func (s *Server) listSubjects(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	prefix := r.URL.Query().Get("subjectPrefix")
	names := slices.DeleteFunc(s.store.names(r.flag("deleted") || r.flag("deletedOnly")), func(name string) bool {
		return !strings.HasPrefix(name, prefix) || r.flag("deletedOnly") && s.store.subjects[name].alive()
	})
	return page(r, names), nil
}

func (s *Server) listVersions(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	numbers := []int{}
	for _, v := range s.store.live(r.subject(), r.flag("deleted") || r.flag("deletedOnly")) {
		if !r.flag("deletedOnly") || v.deleted {
			numbers = append(numbers, v.number)
		}
	}
	if len(numbers) == 0 {
		return nil, errSubject(r.subject())
	}
	return page(r, numbers), nil
}

func (s *Server) version(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	v, err := s.store.find(r, r.flag("deleted"))
	if err != nil {
		return nil, err
	}
	return show(r, v), nil
}

func (s *Server) versionText(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	v, err := s.store.find(r, r.flag("deleted"))
	if err != nil {
		return nil, err
	}
	return raw(show(r, v).Schema), nil
}

func (s *Server) referencedBy(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	v, err := s.store.find(r, true)
	if err != nil {
		return nil, err
	}
	ids := []int{}
	for _, u := range s.store.referring(v, r.flag("deleted")) {
		ids = append(ids, u.id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// referring returns the versions whose schemas refer to u.
func (st *store) referring(u use, deleted bool) []use {
	return st.uses(deleted, func(e *entry) bool {
		return slices.ContainsFunc(e.refs, func(ref reference) bool { return ref.Subject == u.subject && ref.Version == u.number })
	})
}

// find returns the version in the path; deleted ones are found when asked for.
func (st *store) find(r *request, deleted bool) (use, error) {
	text := r.PathValue("version")
	number, err := parseVersion(text)
	if err != nil {
		return use{}, err
	}
	versions := st.live(r.subject(), deleted)
	if len(versions) == 0 {
		return use{}, errSubject(r.subject())
	}
	if number == latest {
		return use{r.subject(), versions[len(versions)-1]}, nil
	}
	at := slices.IndexFunc(versions, func(v version) bool { return v.number == number })
	if at < 0 {
		return use{}, errVersion(number)
	}
	return use{r.subject(), versions[at]}, nil
}

const latest = -1

func parseVersion(text string) (int, error) {
	if text == "latest" {
		return latest, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 && n != latest {
		return 0, errInvalidVersion(text)
	}
	return int(n), nil
}

func (s *Server) lookup(r *request) (any, error) {
	p, err := decodeProposal(r)
	if err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	versions := s.store.live(r.subject(), r.flag("deleted"))
	if len(versions) == 0 {
		return nil, errSubject(r.subject())
	}
	parsed, err := s.store.parseProposal(p)
	if err != nil {
		return nil, err
	}
	if v, ok := newest(versions, parsed); ok {
		return show(r, use{r.subject(), v}), nil
	}
	return nil, errSchema()
}

// newest returns the last of versions that is this schema.
func newest(versions []version, s *schema.Schema) (version, bool) {
	text := s.String()
	for _, v := range slices.Backward(versions) {
		if v.schema.String() == text {
			return v, true
		}
	}
	return version{}, false
}

// deleteSubject hides all versions of a subject, or forgets them when permanent.
func (s *Server) deleteSubject(r *request) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	name, permanent := r.subject(), r.flag("permanent")
	all, live := s.store.live(name, true), s.store.live(name, false)
	switch {
	case len(all) == 0:
		return nil, errSubject(name)
	case len(live) == 0 && !permanent:
		return nil, errSubjectSoftDeleted(name)
	case len(live) > 0 && permanent:
		return nil, errSubjectNotSoftDeleted(name)
	}
	gone := live
	if permanent {
		gone = all
	}
	var numbers []int
	for _, v := range gone {
		if err := s.store.mayDelete(use{name, v}, permanent); err != nil {
			return nil, err
		}
		numbers = append(numbers, v.number)
	}
	return numbers, s.store.commit(change{Delete: &deletion{name, numbers, permanent}})
}

// deleteVersion hides one version, or forgets it when permanent.
func (s *Server) deleteVersion(r *request) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	permanent := r.flag("permanent")
	v, err := s.store.find(r, r.PathValue("version") != "latest" && r.PathValue("version") != "-1" || permanent)
	if err != nil {
		return nil, err
	}
	switch {
	case v.deleted && !permanent:
		return nil, errVersionSoftDeleted(v.subject, v.number)
	case !v.deleted && permanent:
		return nil, errVersionNotSoftDeleted(v.subject, v.number)
	}
	if err := s.store.mayDelete(v, permanent); err != nil {
		return nil, err
	}
	return v.number, s.store.commit(change{Delete: &deletion{v.subject, []int{v.number}, permanent}})
}

// mayDelete refuses to hide what a visible version refers to, and to forget
// what any version refers to.
func (st *store) mayDelete(u use, permanent bool) error {
	if err := st.mayChange(u.subject); err != nil {
		return err
	}
	if len(st.referring(u, permanent)) > 0 {
		return errReferenced(u.subject, u.number)
	}
	return nil
}

// next is the number of a subject's next version.
func (st *store) next(subject string) (int, error) {
	versions := st.live(subject, true)
	if len(versions) == 0 {
		return 1, nil
	}
	last := versions[len(versions)-1].number
	if last == math.MaxInt32 {
		return 0, errNotPermitted("Subject %s has no version numbers left", subject)
	}
	return last + 1, nil
}
