package check

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// gitlabIssue is one of GitLab's Code Quality report (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).
type gitlabIssue struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	// Fingerprint tells issues apart, also from those of the target branch.
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

// Severities of GitLab's.
const (
	gitlabInfo     = "info"
	gitlabMinor    = "minor"
	gitlabCritical = "critical"
	gitlabBlocker  = "blocker"
)

// gitlab is the report for GitLab's merge requests. Every issue has a place there: what is about the whole is said of troupe.yaml.
func (r *Report) gitlab() []gitlabIssue {
	issues, seen := []gitlabIssue{}, map[string]int{}
	add := func(severity, rule string, at Place, description, identity string) {
		if seen[identity]++; seen[identity] > 1 { // GitLab shows only one of those with the same fingerprint
			identity += fmt.Sprintf("|%d", seen[identity])
		}
		sum := sha256.Sum256([]byte(identity))
		issues = append(issues, gitlabIssue{
			strings.Join(strings.Fields(clean(description)), " "), rule, hex.EncodeToString(sum[:16]), severity,
			gitlabLocation{r.inRepository(cmp.Or(at.File, ConfigFile)), gitlabLines{max(at.Line, 1)}},
		})
	}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			severity := gitlabCritical
			switch {
			case f.Waived != nil:
				severity = gitlabInfo
			case !r.Fails(f):
				severity = gitlabMinor
			}
			text := fmt.Sprintf("%s: %s. %s", s.Name, f.says(), strings.Join(f.details(), " "))
			add(severity, string(f.Rule), f.New, text, s.File+"|"+s.identity(f))
		}
	}
	for _, n := range r.Waivers {
		severity := gitlabMinor
		if n.Fails {
			severity = gitlabCritical
		}
		add(severity, "WAIVER", Place{File: n.File, Line: n.Line}, n.Message, n.Message)
	}
	for _, p := range r.Problems {
		add(gitlabBlocker, "PROBLEM", Place{File: p.File, Line: p.Line}, p.Message, p.Message)
	}
	for _, n := range r.Notes {
		severity := gitlabInfo
		switch {
		case n.Warning && r.strict:
			severity = gitlabCritical
		case n.Warning:
			severity = gitlabMinor
		}
		add(severity, "NOTE", Place{File: n.File, Line: n.Line}, n.Message, n.Message)
	}
	return issues
}
