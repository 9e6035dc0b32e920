package dedupe

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"
)

// LogRedis sends what go-redis says by itself, such as each failure to connect,
// to log at level debug, in the place of stderr. Nothing is lost by not reading
// it: the calls' errors say the same.
//
// go-redis has one logger for all its clients in a process, so this is for a
// main function to decide; nothing in this package calls it. It takes effect
// for clients that exist, too, and may be called at any time; redis.SetLogger
// after it replaces it.
func LogRedis(log *slog.Logger) { redis.SetLogger(redisLog{log}) }

// redisLog is a logger of go-redis.
type redisLog struct{ log *slog.Logger }

// Printf logs a message.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, strings.TrimPrefix(fmt.Sprintf(format, v...), "redis: "), "from", "go-redis")
	}
}
