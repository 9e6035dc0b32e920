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

// gitlabSeverities are GitLab's words. A problem is worse than all of them.
var gitlabSeverities = map[weight]string{fails: "critical", toLook: "minor", excused: "info", said: "info"}

const gitlabProblem = "blocker"

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
			text := fmt.Sprintf("%s: %s. %s", s.Name, f.says(), strings.Join(f.details(), " "))
			add(gitlabSeverities[r.weigh(f)], string(f.Rule), f.New, text, s.File+"|"+s.identity(f))
		}
	}
	for _, n := range r.Waivers {
		add(gitlabSeverities[n.weight()], "WAIVER", Place{File: n.File, Line: n.Line}, n.Message, n.Message)
	}
	for _, p := range r.Problems {
		add(gitlabProblem, "PROBLEM", Place{File: p.File, Line: p.Line}, p.Message, p.Message)
	}
	for _, n := range r.Notes {
		add(gitlabSeverities[r.weighNote(n)], "NOTE", Place{File: n.File, Line: n.Line}, n.Message, n.Message)
	}
	return issues
}
