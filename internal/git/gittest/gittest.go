// Package gittest makes tests that use git independent of the machine they run on.
package gittest

import (
	"os"
	"path/filepath"
	"testing"
)

// Isolate hides from t the settings of git, the repository around the test and what a
// CI system says of its own run: a test under one sees what it sees everywhere.
// Authors, dates and so commit ids are the same each time. It returns a new directory
// that is in no repository.
//
// Isolate sets environment variables, so t can't be parallel.
func Isolate(t testing.TB) string {
	t.Helper()
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
		"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
		"CI": "", "GITHUB_BASE_REF": "", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "",
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		t.Setenv(name, "") // for its clean-up
		os.Unsetenv(name)
	}
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	return dir
}
