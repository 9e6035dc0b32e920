package main

import (
	"github.com/spf13/cobra"
)

// newSchema returns the command that looks after schemas.
func newSchema() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Check schemas before they break somebody, and look into registries",
		Long: `Check schemas before they break somebody, and look into registries.

Exit codes: 0 compatible or done, 1 breaking, 2 could not be checked or done, 130 interrupted.`,
		Example: `  troupe schema check                            who breaks when the schemas here go live
  troupe schema explain MISSING_UNION_BRANCH     what that means, and how to fix it
  troupe schema diff main:orders.avsc orders.avsc
  troupe schema ls --registry http://127.0.0.1:8081`,
		Args: subcommand,
		RunE: help,
	}
	for _, sub := range []struct {
		cmd    *cobra.Command
		others []string // what people call it elsewhere
	}{
		{newSchemaCheck(), []string{"validate", "verify", "test", "compat", "compatibility"}},
		{newSchemaServe(), []string{"server", "run", "start"}},
		{newSchemaDiff(), []string{"compare"}},
		{newSchemaExplain(), []string{"rules"}},
		{newSchemaResolve(), []string{"read", "decode"}},
		{newSchemaLint(), nil},
		{newSchemaRegister(), []string{"add", "push", "publish"}},
		{newSchemaGet(), []string{"show", "cat", "describe", "pull"}},
		{newSchemaLs(), []string{"list", "subjects", "versions"}},
		{newSchemaConfig(), []string{"level", "mode"}},
	} {
		sub.cmd.SuggestFor = sub.others
		cmd.AddCommand(sub.cmd)
	}
	return cmd
}
