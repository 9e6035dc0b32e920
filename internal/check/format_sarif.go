package check

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// The parts of SARIF 2.1.0 (OASIS) that are used.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		// ColumnKind is how columns are counted.
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
)

// sarifLevels are SARIF's words. What is waived is suppressed by other means.
var sarifLevels = map[weight]string{fails: "error", toLook: "warning", excused: "error", said: "note"}

func (r *Report) sarif() sarifLog {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "troupe schema check", InformationURI: "https://github.com/troupe-go/troupe", Rules: []sarifRule{},
		}},
		ColumnKind: "utf16CodeUnits",
		Results:    []sarifResult{},
	}
	index := map[schema.Rule]int{}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			i, known := index[f.Rule]
			if !known {
				i = len(run.Tool.Driver.Rules)
				index[f.Rule] = i
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{string(f.Rule), sarifText{ruleText[f.Rule]}})
			}
			run.Results = append(run.Results, r.sarifResult(s, f, i))
		}
	}
	done := sarifInvocation{ExecutionSuccessful: len(r.Problems) == 0}
	for _, p := range r.Problems {
		done.Notifications = append(done.Notifications, sarifNotification{"error", sarifText{p.Message}, r.sarifAt(Place{File: p.File, Line: p.Line, Column: p.Column})})
	}
	for _, n := range r.Waivers {
		level := sarifLevels[n.weight()]
		done.Notifications = append(done.Notifications, sarifNotification{level, sarifText{n.Message}, r.sarifAt(Place{File: n.File, Line: n.Line})})
	}
	for _, n := range r.Notes {
		done.Notifications = append(done.Notifications, sarifNotification{sarifLevels[r.weighNote(n)], sarifText{n.Message}, r.sarifAt(Place{File: n.File, Line: n.Line})})
	}
	run.Invocations = []sarifInvocation{done}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func (r *Report) sarifResult(s Subject, f Finding, rule int) sarifResult {
	text := append([]string{upper(f.says()) + "."}, f.details()...)
	result := sarifResult{
		RuleID: string(f.Rule), RuleIndex: rule, Level: sarifLevels[r.weigh(f)],
		Message:   sarifText{fmt.Sprintf("%s: %s", s.Name, strings.Join(text, "\n"))},
		Locations: r.sarifAt(f.New),
		PartialFingerprints: map[string]string{
			"troupe/v1": s.identity(f),
		},
	}
	if f.Waived != nil {
		result.Suppressions = []sarifSuppression{{"external", fmt.Sprintf("%s (%s, until %s)", f.Waived.Reason, f.Waived.Owner, f.Waived.Expires)}}
	}
	return result
}

func (r *Report) sarifAt(p Place) []sarifLocation {
	if p.File == "" {
		return []sarifLocation{}
	}
	artifact := sarifArtifact{URI: (&url.URL{Path: r.inRepository(p.File)}).String(), URIBaseID: "%SRCROOT%"}
	at := sarifPhysical{ArtifactLocation: artifact}
	if p.Line > 0 {
		start, end := r.columns(p)
		at.Region = &sarifRegion{p.Line, start, p.EndLine, end}
	}
	return []sarifLocation{{at}}
}

// ruleText says in a few words what a rule is.
var ruleText = map[schema.Rule]string{
	schema.NameMismatch:       "A type was renamed without an alias.",
	schema.FixedSizeMismatch:  "A fixed has another size.",
	schema.MissingEnumSymbols: "An enum lacks symbols that may be written, and has no default.",
	schema.MissingDefault:     "A field is not written, and has no default.",
	schema.TypeMismatch:       "A type cannot be read as another one.",
	schema.MissingUnionBranch: "A union lacks a type that may be written.",
	schema.DecimalMismatch:    "A decimal has another precision or scale.",
	schema.AmbiguousAlias:     "Several fields fit each other by their names and aliases.",
	schema.NamespaceChanged:   "An enum or fixed in a union has another namespace, and some decoders do not find it.",
	schema.PrecisionLoss:      "Large numbers are rounded.",
	schema.LogicalTypeChanged: "The same number means something else.",
	MaybeRenamed:              "A field is new where one of its type is gone: renamed, it needs an alias.",
	DefaultRemoved:            "A field lost its default, which events from before the field need.",
	SubjectDeleted:            "A schema is gone.",
	BaseUnreadable:            "An old version is no schema.",
	VersionChanged:            "An old version is another schema now, or gone.",
	GeneratedDiffers:          "Generated Go code has another schema.",
}
