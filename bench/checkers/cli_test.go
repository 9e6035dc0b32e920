package main

import "testing"

func TestCLI_GivesEveryRightVerdict(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := openCLI(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	qs := questions(load(t))
	answers, err := c.judge(t.Context(), qs)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range qs {
		if a := answers[i]; a.Verdict != q.right.Verdict || (a.Verdict == works) != (len(a.Said) == 0) {
			t.Errorf("%s, %s: %+v, right is %s: %s", q.change.Name, q.direction, a, q.right.Verdict, q.right.Because)
		}
	}
}
