package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// largestDatum is what is read of a datum: what schema.Limits allow, and hexadecimal digits for it.
const largestDatum = 130 << 20

// readDatum returns the datum in Avro binary, known to be the writer's.
func (o *resolveOptions) readDatum(writer *schema.Schema) ([]byte, error) {
	in, name := o.in, "stdin"
	if o.datum == "-" {
		if err := o.takeStdin("the datum"); err != nil {
			return nil, err
		}
	} else {
		f, err := os.Open(o.datum)
		if err != nil {
			return nil, cannotRead(o.datum, err)
		}
		defer f.Close()
		in, name = f, o.datum
	}
	text, err := readAtMost(in, largestDatum)
	if err != nil {
		return nil, cannotRead(name, err)
	}
	data, err := o.decodeDatum(writer, text)
	if err != nil {
		return nil, fmt.Errorf("%s is no datum of the writer's schema: %w", name, err)
	}
	return data, nil
}

func (o *resolveOptions) decodeDatum(writer *schema.Schema, text []byte) ([]byte, error) {
	switch o.format {
	case "binary":
		return o.checked(writer, text)
	case "hex":
		data, err := fromHex(text)
		if err != nil {
			return nil, err
		}
		return o.checked(writer, data)
	case "json", "readable":
		if o.wire {
			return nil, errors.New("JSON has no wire header: leave out --wire")
		}
		if o.format == "readable" {
			if data, err := fromReadable(writer, text); !errors.Is(err, errNotReadable) {
				return data, err
			}
		}
		data, err := writer.AppendFromJSON(nil, string(text), schema.Limits{})
		return data, explainJSON(err)
	}
	data, err := o.checked(writer, text)
	if err == nil {
		return data, nil
	}
	if digits, bad := fromHex(text); bad == nil {
		if data, worse := o.checked(writer, digits); worse == nil {
			return data, nil
		} else {
			return nil, fmt.Errorf("as hexadecimal digits: %w", worse)
		}
	}
	if json.Valid(text) && len(bytes.TrimSpace(text)) > 0 && !o.wire {
		return fromEitherJSON(writer, text)
	}
	return nil, fmt.Errorf("%w; --datum takes Avro binary, hexadecimal digits and JSON", err)
}

// fromEitherJSON takes what is a value in Avro's JSON encoding, or with logical types as people write them.
func fromEitherJSON(writer *schema.Schema, text []byte) ([]byte, error) {
	exact, err := writer.AppendFromJSON(nil, string(text), schema.Limits{})
	readable, worse := fromReadable(writer, text)
	switch {
	case err == nil && worse == nil && !bytes.Equal(exact, readable):
		return nil, errors.New(`it is one value in Avro's JSON encoding and another one with decimals as people write them ("2.50"): say which with --datum-format json or readable`)
	case err == nil:
		return exact, nil
	case worse == nil:
		return readable, nil
	case !errors.Is(worse, errNotReadable):
		return nil, fmt.Errorf("as JSON with logical types as people write them: %w", worse)
	}
	return nil, fmt.Errorf("as Avro's JSON encoding: %w", explainJSON(err))
}

// explainJSON adds to what is wrong with Avro's JSON how it has unions, which is not as people expect.
func explainJSON(err error) error {
	if err == nil || !strings.Contains(err.Error(), "union") {
		return err
	}
	return fmt.Errorf(`%w; a value of a union names its type, such as {"note": {"string": "hi"}}`, err)
}

// wireHeader is how long Confluent's is.
const wireHeader = 5

// checked returns data without their wire header, if they are one value of the writer's.
func (o *resolveOptions) checked(writer *schema.Schema, data []byte) ([]byte, error) {
	hasHeader := len(data) >= wireHeader && data[0] == 0
	if o.wire {
		if !hasHeader {
			return nil, errors.New("it does not begin with a wire header, a byte 0 and 4 bytes of an id: leave out --wire")
		}
		data = data[wireHeader:]
	}
	err := writer.Validate(data, schema.Limits{})
	if err != nil && !o.wire && hasHeader && writer.Validate(data[wireHeader:], schema.Limits{}) == nil {
		fmt.Fprintf(o.errs, "! the datum begins with Confluent's wire header, for the schema id %d\n", binary.BigEndian.Uint32(data[1:wireHeader]))
		return data[wireHeader:], nil
	}
	return data, err
}

// fromHex reads hexadecimal digits, with spaces, line breaks or 0x between them.
func fromHex(text []byte) ([]byte, error) {
	digits := strings.NewReplacer(" ", "", "\n", "", "\r", "", "\t", "", "0x", "", `\x`, "", ":", "").Replace(string(text))
	data, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("these are not pairs of hexadecimal digits")
	}
	return data, nil
}
