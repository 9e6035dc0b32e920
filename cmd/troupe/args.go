package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noArguments is for a command that does something by itself.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return misused(cmd, "%s takes no arguments, but got %q", cmd.CommandPath(), strings.Join(args, " "))
}

// subcommand is for a command whose subcommands do something.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] == "version" && !cmd.HasParent() {
		return misused(cmd, "unknown command %q; %s --version says the version", args[0], cmd.CommandPath())
	}
	cmd.SuggestionsMinimumDistance = 2
	return misused(cmd, "%s has no command %q%s", cmd.CommandPath(), args[0], didYouMean(cmd.CommandPath()+" ", cmd.SuggestionsFor(args[0])))
}

// oneID is for a command that looks at one letter.
func oneID(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] != "" {
		return nil
	}
	return misused(cmd, "%s needs the id of one letter, as troupe dlq ls lists it, but got %d arguments", cmd.CommandPath(), len(args))
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return misused(cmd, "%w", err)
	}
	flags := cobra.Command{SuggestionsMinimumDistance: 2} // which knows what is like what
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return misused(cmd, "%w%s", err, didYouMean("--", flags.SuggestionsFor(unknown.GetSpecifiedName())))
}

func didYouMean(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, strings.Join(names, " or "+prefix))
}

// misused is a usage error of cmd.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return usage(format+"; see %s --help", append(args, cmd.CommandPath())...)
}
