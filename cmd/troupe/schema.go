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
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSchemaCheck(), newSchemaServe())
	cmd.AddCommand(newSchemaDiff(), newSchemaExplain(), newSchemaResolve(), newSchemaLint())
	cmd.AddCommand(newSchemaRegister(), newSchemaGet(), newSchemaLs(), newSchemaConfig())
	return cmd
}
