package dlq

import "github.com/troupe-go/troupe/internal/wire"

// The classes of failure that consumers write. They are stable, so that
// letters can be selected by them; a Failure may have other ones.
const (
	// ClassHandler: the handler failed in every attempt.
	ClassHandler = "handler"
	// ClassPermanent: the handler said that trying again can't help.
	ClassPermanent = "permanent"
	// ClassPanic: the handler panicked, or ended its goroutine.
	ClassPanic = "panic"
	// ClassDecode: the value is not what the schema that it names says.
	ClassDecode = "decode"
	// ClassSchema: what was written with that schema can't be read as the handler's type.
	ClassSchema = "schema"
	// ClassUnknownSchema: the registry does not know the schema that the value names,
	// and had seconds to hear of it.
	ClassUnknownSchema = "unknown-schema"
	// ClassReused: the event's id was used before, for another payload.
	ClassReused = "id-reused"
	// ClassHops: the flow has passed more handlers than the limit allows, as in a circle.
	ClassHops = "hop-limit"

	// ClassNullValue: the record has no value, which only compacted topics know.
	ClassNullValue = wire.NullValue
	// ClassUnknownMagicByte: the value does not begin as registries' serializers let it begin.
	ClassUnknownMagicByte = wire.UnknownMagicByte
	// ClassTruncated: the value ends before the data begins.
	ClassTruncated = wire.Truncated
	// ClassBadGUID: the header that names the schema does not hold a GUID.
	ClassBadGUID = wire.BadGUID
)
