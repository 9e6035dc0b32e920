package dlq

// The headers of a letter, see the package documentation.
const (
	headerTopic      = "__dlq.errors.topic"
	headerPartition  = "__dlq.errors.partition"
	headerOffset     = "__dlq.errors.offset"
	headerGroup      = "__dlq.errors.group"
	headerDeliveries = "__dlq.errors.delivery.count"
	headerMessage    = "__dlq.errors.message"

	headerID              = "troupe-dlq-id"
	headerHandler         = "troupe-handler"
	headerClass           = "troupe-error-class"
	headerErrorType       = "troupe-error-type"
	headerFingerprint     = "troupe-fingerprint"
	headerStack           = "troupe-stack"
	headerFirstFailedAt   = "troupe-first-failed-at"
	headerFailedAt        = "troupe-failed-at"
	headerSourceTimestamp = "troupe-source-timestamp"
	headerServiceVersion  = "troupe-service-version"
	headerSchemaID        = "troupe-schema-id"
	headerDropped         = "troupe-dropped"
	headerReplayID        = "troupe-replay-id"
	headerReplayCount     = "troupe-replay-count"
	headerOperationID     = "troupe-op-id"

	// headerDataRef is CloudEvents' dataref extension: where a value that was
	// dropped can be read. It is a letter's header only beside headerDropped.
	headerDataRef = "ce_dataref"
)

// dataRefScheme starts the data references that this package writes: kafka:<topic>/<partition>@<offset>.
const dataRefScheme = "kafka:"

// isLetterHeader reports whether a header belongs to a letter and not to the
// event in it.
func isLetterHeader(name string) bool {
	switch name {
	case headerTopic, headerPartition, headerOffset, headerGroup, headerDeliveries, headerMessage,
		headerID, headerHandler, headerClass, headerErrorType, headerFingerprint, headerStack, headerFirstFailedAt, headerFailedAt,
		headerSourceTimestamp, headerServiceVersion, headerSchemaID, headerDropped, headerReplayID, headerReplayCount, headerOperationID:
		return true
	}
	return false
}
