package dedupe

// Watermark is how far a group has come in a partition: the offset of the next
// event to handle, as it is committed to Kafka.
//
// Redis can lose acknowledged writes in a failover, and with them markers. Saved
// here before each commit to Kafka, watermarks show that: one that is below the
// offset committed in Kafka proves that the store lost data since (or that
// somebody moved the group's offsets forward by hand), and events that are
// delivered again may have their effect again. A watermark that is missing
// proves nothing: the group may be new to this store. Watermarks only move
// forward, and are forgotten 30 days after the group's last save.
type Watermark struct {
	Topic     string
	Partition int32
	Offset    int64
}

// NoWatermark is the Offset that LoadWatermarks sets where none is known.
const NoWatermark int64 = -1
