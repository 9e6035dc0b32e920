package main

import (
	"errors"
	"fmt"
	"slices"
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

// arguments is for a command that needs between least and most of what is described.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		verb, got := "needs", counted(len(args), "argument")
		switch {
		case slices.Contains(args, ""):
			got = "an empty argument"
		case len(args) >= least && len(args) <= most:
			return nil
		case len(args) == 0:
			got = "none"
		}
		if least == 0 {
			verb = "takes"
		}
		return misused(cmd, "%s %s %s, but got %s", cmd.CommandPath(), verb, what, got)
	}
}

// subcommand is for a command whose subcommands do something.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] == "version" && !cmd.HasParent() {
		return misused(cmd, "unknown command %q; %s --version says the version", args[0], cmd.CommandPath())
	}
	if args[0] == "help" {
		args = args[1:]
	}
	_, err := descendant(cmd, args)
	return err
}

// help is what a command does whose subcommands do something; troupe schema help check
// is troupe help schema check.
func help(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && args[0] == "help" {
		args = args[1:]
	}
	wanted, err := descendant(cmd, args)
	if err != nil {
		return err
	}
	wanted.InitDefaultHelpFlag() // which is else not there yet to be shown
	wanted.InitDefaultVersionFlag()
	return wanted.Help()
}

// descendant follows names of subcommands down from cmd.
func descendant(cmd *cobra.Command, names []string) (*cobra.Command, error) {
	for _, name := range names {
		at := slices.IndexFunc(cmd.Commands(), func(sub *cobra.Command) bool { return sub.Name() == name || sub.HasAlias(name) })
		if at < 0 {
			cmd.SuggestionsMinimumDistance = 2
			return nil, misused(cmd, "%s has no command %q%s", cmd.CommandPath(), name, didYouMean(cmd.CommandPath()+" ", cmd.SuggestionsFor(name)))
		}
		cmd = cmd.Commands()[at]
	}
	return cmd, nil
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND...]",
		Short:   "Say what a command does",
		Long:    "Say what a command does, as its --help does.",
		Example: "  troupe help schema check",
		Args: func(cmd *cobra.Command, args []string) error {
			_, err := descendant(cmd.Root(), args)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error { return help(cmd.Root(), args) },
	}
}

// addCompletion adds cobra's command for the shells, which answers a slip as the other commands do. It writes
// to what root writes to by now.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err) // cobra names it otherwise now
	}
	cmd.Args, cmd.RunE = subcommand, help
	cmd.Example = "  source <(troupe completion bash)\n  troupe completion zsh > \"${fpath[1]}/_troupe\""
	for _, shell := range cmd.Commands() {
		shell.Args, shell.Example = noArguments, "  troupe completion "+shell.Name()
	}
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		flags := cobra.Command{SuggestionsMinimumDistance: 2} // which knows what is like what
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		})
		return misused(cmd, "%w%s", err, didYouMean("--", flags.SuggestionsFor(unknown.GetSpecifiedName())))
	case errors.As(err, &invalid):
		if wanted := valueOf(invalid.GetFlag()); wanted != "" {
			return misused(cmd, "--%s %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), wanted)
		}
	}
	return misused(cmd, "%w", err)
}

// valueOf is what a flag takes, in words.
func valueOf(f *pflag.Flag) string {
	return map[string]string{"duration": "a time span such as 500ms, 5s or 2m", "int": "a number", "bool": "true or false"}[f.Value.Type()]
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
