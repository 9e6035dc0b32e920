package dedupe

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// watermarksKept is how long a group's watermarks outlive its last save: longer
// than Kafka keeps the offsets of a group without members (7 days by default).
const watermarksKept = 30 * 24 * time.Hour

// SaveWatermarks records how far the group is, in one round trip. A watermark
// that is not ahead of the saved one changes nothing. Call it before the commit
// to Kafka: the other way round, a death in between looks like lost data.
func (r *Redis) SaveWatermarks(ctx context.Context, group string, marks []Watermark) error {
	if len(marks) == 0 {
		return nil
	}
	args := []any{"EVALSHA", watermarksScript.sha, 1, watermarksName(group), milliseconds(watermarksKept)}
	for _, m := range marks {
		if err := m.check(); err != nil {
			return err
		}
		args = append(args, m.field(), m.Offset)
	}
	err := r.send(ctx, watermarksScript, []redis.Cmder{newCommand(ctx, args)})
	if err != nil {
		return fmt.Errorf("save %d watermarks of group %s in %s: %w", len(marks), group, r.name, err)
	}
	return nil
}

// LoadWatermarks sets the Offset of each mark to what was saved for its topic
// and partition, or to NoWatermark, in one round trip.
func (r *Redis) LoadWatermarks(ctx context.Context, group string, marks []Watermark) error {
	if len(marks) == 0 {
		return nil
	}
	err := ctx.Err()
	var values []any
	if err == nil {
		fields := make([]string, len(marks))
		for i, m := range marks {
			fields[i] = m.field()
		}
		values, err = r.client.HMGet(ctx, watermarksName(group), fields...).Result()
	}
	if err == nil && len(values) != len(marks) {
		err = fmt.Errorf("unexpected answer of %d values", len(values))
	}
	for i := range marks {
		marks[i].Offset = NoWatermark
		if err != nil || values[i] == nil {
			continue
		}
		text, _ := values[i].(string)
		marks[i].Offset, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		return fmt.Errorf("load %d watermarks of group %s from %s: %w", len(marks), group, r.name, err)
	}
	return nil
}

func watermarksName(group string) string { return string(appendTag(nil, 'w', group)) }

func (m *Watermark) field() string {
	return m.Topic + "/" + strconv.FormatInt(int64(m.Partition), 10)
}

func (m *Watermark) check() error {
	if m.Offset < 0 {
		return fmt.Errorf("dedupe: the watermark of %s/%d is %d; it can't be negative", m.Topic, m.Partition, m.Offset)
	}
	return nil
}
