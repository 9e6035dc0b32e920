package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/internal/check"
	"github.com/troupe-go/troupe/schema"
)

// rulesOf are the rules of what keeps data of writer from being read, or is worth a look.
func rulesOf(t *testing.T, writer, reader string) (broken, warned []string) {
	t.Helper()
	w, err := schema.Parse(writer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := schema.Parse(reader)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := schema.Resolve(w, r)
	var mismatch *schema.MismatchError
	if errors.As(err, &mismatch) {
		for _, v := range mismatch.Violations {
			broken = append(broken, string(v.Rule))
		}
		return broken, nil
	}
	for _, v := range plan.Warnings() {
		warned = append(warned, string(v.Rule))
	}
	return nil, warned
}

func TestExplain_ExamplesOfResolutionShowTheirRuleAndItsFix(t *testing.T) {
	for _, e := range resolutionRules() {
		t.Run(e.rule, func(t *testing.T) {
			broken, warned := rulesOf(t, e.old, e.new)
			found := broken
			if schema.Rule(e.rule).Warning() {
				found = warned
			}
			for _, rule := range found {
				if rule != e.rule {
					t.Errorf("the example shows %s too", rule)
				}
			}
			if len(found) == 0 {
				t.Errorf("the example does not show its rule, but %v %v", broken, warned)
			}
			if (e.kind == "warning") != schema.Rule(e.rule).Warning() {
				t.Errorf("its kind is %s", e.kind)
			}
			if broken, warned := rulesOf(t, e.old, e.fixed); len(broken)+len(warned) > 0 {
				t.Errorf("the fixed schema shows %v %v", broken, warned)
			}
		})
	}
}

func TestExplain_ExamplesOfLintShowTheirRuleAndItsFix(t *testing.T) {
	lint := func(t *testing.T, text string) (rules []string) {
		t.Helper()
		s, err := schema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Lint(s, schema.LintConfig{}) {
			rules = append(rules, string(f.Rule))
		}
		return rules
	}
	for _, e := range lintRules() {
		t.Run(e.rule, func(t *testing.T) {
			if found := lint(t, e.old); len(found) != 1 || found[0] != e.rule {
				t.Errorf("the example shows %v", found)
			}
			if found := lint(t, e.fixed); len(found) > 0 {
				t.Errorf("the better schema shows %v", found)
			}
		})
	}
}

func TestExplain_ListAndTextsKeepToTheWidth(t *testing.T) {
	ctx := context.Background()
	for line := range strings.Lines(troupeSchema(ctx, "", "explain").stdout) {
		if len(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	for _, e := range explanations() {
		examples := block(e.old) + block(e.new) + block(e.fixed)
		for line := range strings.Lines(troupeSchema(ctx, "", "explain", e.rule).stdout) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > 80 && !strings.Contains(examples, line) {
				t.Errorf("%s: %d columns: %s", e.rule, len(line), line)
			}
		}
	}
}

func TestExplain_KnowsEveryRule(t *testing.T) {
	known := map[string]bool{}
	for _, e := range explanations() {
		if known[e.rule] {
			t.Errorf("%s is explained twice", e.rule)
		}
		known[e.rule] = true
		for _, part := range []string{e.short, e.kind, e.meaning, e.who, e.fix, e.old, e.fixed} {
			if part == "" {
				t.Errorf("%s lacks a part", e.rule)
			}
		}
	}
	for _, rule := range []schema.Rule{
		schema.NameMismatch, schema.FixedSizeMismatch, schema.MissingEnumSymbols, schema.MissingDefault, schema.TypeMismatch, schema.MissingUnionBranch,
		check.SubjectDeleted, check.BaseUnreadable, check.VersionChanged, check.GeneratedDiffers, check.MaybeRenamed, check.DefaultRemoved,
		schema.DecimalMismatch, schema.AmbiguousAlias, schema.NamespaceChanged, schema.PrecisionLoss, schema.LogicalTypeChanged,
	} {
		if !known[string(rule)] {
			t.Errorf("%s is not explained", rule)
		}
	}
	for _, rule := range schema.LintRules() {
		if !known[string(rule)] {
			t.Errorf("%s is not explained", rule)
		}
	}
}

func TestExplain_TakesAnyCaseAndSaysWhatMayBeMeant(t *testing.T) {
	ctx := context.Background()
	o := troupeSchema(ctx, "", "explain", "type_mismatch")
	expect(t, o, 0)
	if !strings.HasPrefix(o.stdout, "TYPE_MISMATCH (breaking)\n") {
		t.Errorf("stdout %s", o.stdout)
	}
	expect(t, troupeSchema(ctx, "", "explain", "TYPE_MISMACH"), 2, "did you mean TYPE_MISMATCH?")
	expect(t, troupeSchema(ctx, "", "explain", "alias"), 2, "did you mean ALIAS_CLASH or AMBIGUOUS_ALIAS?")
	expect(t, troupeSchema(ctx, "", "explain", "nonsense-that-is-no-rule"), 2, "troupe schema explain lists them all")
	all := troupeSchema(ctx, "", "explain")
	expect(t, all, 0)
	for _, e := range explanations() {
		if !strings.Contains(all.stdout, e.rule+" ") {
			t.Errorf("the list lacks %s", e.rule)
		}
	}
	goldenText(t, "schema_explain_default", troupeSchema(ctx, "", "explain", "reader-field-missing-default-value").stdout)
	goldenText(t, "schema_explain_lint", troupeSchema(ctx, "", "explain", "MONEY_AS_FLOAT").stdout)
}
