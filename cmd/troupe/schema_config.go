package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// configOptions are the flags of schema config.
type configOptions struct {
	sourceOptions
	output, set string
	unset       bool
}

func newSchemaConfig() *cobra.Command {
	o := &configOptions{}
	cmd := &cobra.Command{
		Use:   "config [SUBJECT]",
		Short: "Show or set the registry's compatibility level",
		Long: `Show the compatibility level that the registry applies to a subject and where it is set, or
without SUBJECT that of the whole registry; --set and --unset change it.

  BACKWARD  consumers with the new schema read events of the last one (deploy consumers first)
  FORWARD   consumers with the last schema read events of the new one (deploy producers first)
  FULL      both
  NONE      nothing is checked
With _TRANSITIVE behind it, it counts for all versions instead of the last one.`,
		Example: `  troupe schema config
  troupe schema config orders-shop.OrderPlaced
  troupe schema config orders-shop.OrderPlaced --set FULL_TRANSITIVE
  troupe schema config orders-shop.OrderPlaced --unset`,
		Args: arguments(0, 1, "at most one subject"),
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error {
			subject := ""
			if len(args) > 0 {
				subject = args[0]
			}
			return o.run(cmd, subject)
		}),
	}
	o.registryFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&o.set, "set", "", "set this level")
	cmd.Flags().BoolVar(&o.unset, "unset", false, "take the subject's own level away, so that the registry's default counts; without SUBJECT, set the default back")
	cmd.MarkFlagsMutuallyExclusive("set", "unset")
	return cmd
}

// levelShown is what schema config -o json prints.
type levelShown struct {
	Subject string      `json:"subject,omitempty"`
	Level   schema.Mode `json:"level"`
	// From is "subject" or "registry".
	From string `json:"from"`
}

func (o *configOptions) run(cmd *cobra.Command, subject string) error {
	defer o.close()
	if err := oneOf("-o", o.output, "text", "json"); err != nil {
		return err
	}
	var mode schema.Mode
	if cmd.Flags().Changed("set") {
		var err error
		if mode, err = schema.ParseMode(o.set); err != nil {
			return usage("--set: %w", err)
		}
	}
	client, err := o.open()
	if err != nil {
		return err
	}
	ctx, a := cmd.Context(), address{subject: subject}
	switch {
	case mode != "":
		err = client.SetLevel(ctx, subject, mode)
	case o.unset:
		err = client.UnsetLevel(ctx, subject)
		var none *schema.NotFoundError
		if errors.As(err, &none) { // that is what was asked for
			err = nil
		}
	}
	if err != nil {
		return o.explain(ctx, a, err)
	}
	shown, err := levelOf(cmd, client, subject)
	if err != nil {
		return o.explain(ctx, a, err)
	}
	if subject != "" {
		o.warnOfNone(ctx, cmd.ErrOrStderr(), subject)
	}
	if o.output == "json" {
		return printJSON(cmd.OutOrStdout(), shown)
	}
	where := "the registry's default"
	if shown.From == "subject" {
		where = fmt.Sprintf("set for subject %s", subject)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", shown.Level, where)
	return err
}

func levelOf(cmd *cobra.Command, client *schema.Client, subject string) (levelShown, error) {
	shown := levelShown{Subject: subject, From: "registry"}
	var err error
	if shown.Level, err = client.Level(cmd.Context(), subject); err != nil || subject == "" {
		return shown, err
	}
	own, err := client.OwnLevel(cmd.Context(), subject)
	var none *schema.NotFoundError
	switch {
	case errors.As(err, &none):
		return shown, nil
	case err == nil && own == shown.Level: // else it is a registry that says NONE for what is not set
		shown.From = "subject"
	}
	return shown, err
}
