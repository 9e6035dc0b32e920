package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// getOptions are the flags of schema get.
type getOptions struct {
	sourceOptions
	output string
	raw    bool
}

func newSchemaGet() *cobra.Command {
	o := &getOptions{}
	cmd := &cobra.Command{
		Use:   "get SUBJECT[@VERSION]|id:N|guid:UUID",
		Short: "Print a schema of the registry",
		Long: `Print a schema of the registry: the latest version of a subject, a certain one, or that of an
id or a GUID. What it refers to in other subjects is written out where it is
first used, so that the text stands for itself.

With --raw it is what the registry keeps, letter by letter.`,
		Example: `  troupe schema get orders-shop.OrderPlaced > order_placed.avsc
  troupe schema get orders-shop.OrderPlaced@3 --raw
  troupe schema get id:41 -o json | jq .schema`,
		Args: arguments(1, 1, "a subject, SUBJECT@VERSION, id:N or guid:UUID"),
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) }),
	}
	o.registryFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "print the text as the registry keeps it")
	return cmd
}

// gotten is what schema get -o json prints.
type gotten struct {
	Subject    string             `json:"subject,omitempty"`
	Version    int                `json:"version,omitempty"`
	ID         int                `json:"id,omitempty"`
	GUID       string             `json:"guid,omitempty"`
	Name       string             `json:"name,omitempty"`
	References []schema.Reference `json:"references,omitempty"`
	Schema     string             `json:"schema"`
}

func (o *getOptions) run(cmd *cobra.Command, arg string) error {
	defer o.close()
	if err := oneOf("-o", o.output, "text", "json"); err != nil {
		return err
	}
	a, err := parseAddress(arg)
	if err != nil {
		return err
	}
	client, err := o.open()
	if err != nil {
		return err
	}
	got, err := o.get(cmd, client, a)
	if err != nil {
		var unusable *schema.ParseError
		if errors.As(err, &unusable) {
			return fmt.Errorf("%w; --raw prints it as it is", err)
		}
		return o.explain(cmd.Context(), a, err)
	}
	if o.output == "json" {
		return printJSON(cmd.OutOrStdout(), got)
	}
	text := []byte(got.Schema)
	if !o.raw {
		text = indented(text)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return err
}

func (o *getOptions) get(cmd *cobra.Command, client *schema.Client, a address) (got gotten, err error) {
	ctx := cmd.Context()
	got = gotten{Subject: a.subject, ID: a.id}
	if a.guid != nil {
		got.GUID = a.guid.String()
	}
	if a.subject != "" && a.version < 0 {
		numbers, err := client.VersionNumbers(ctx, a.subject)
		if err != nil {
			return got, err
		}
		if len(numbers) == 0 {
			return got, &schema.NotFoundError{What: fmt.Sprintf("a version of subject %q", a.subject)}
		}
		a.version = numbers[len(numbers)-1]
	}
	got.Version = max(a.version, 0)
	var text schema.Text
	switch {
	case a.guid != nil:
		text, err = client.TextByGUID(ctx, *a.guid)
	case a.subject == "":
		text, err = client.TextByID(ctx, a.id)
	default:
		text, err = client.TextByVersion(ctx, a.subject, a.version)
	}
	if err != nil {
		return got, err
	}
	got.Schema, got.References = text.Text, text.References
	if o.raw {
		return got, nil
	}
	var s *schema.Schema
	switch {
	case a.guid != nil:
		s, err = client.ByGUID(ctx, *a.guid)
	case a.subject == "":
		s, err = client.ByID(ctx, a.id)
	default:
		var v schema.Version
		v, err = client.ByVersion(ctx, a.subject, a.version)
		s, got.ID = v.Schema, v.ID
	}
	if err != nil {
		return got, err
	}
	got.Name = s.FullName()
	if len(text.References) > 0 {
		got.Schema = s.String()
	}
	return got, nil
}

// printText prints text as it is.
func printText(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
