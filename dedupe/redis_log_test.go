package dedupe_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9/logging"

	"github.com/troupe-go/troupe/dedupe"
)

func TestLogRedis_TakesFailuresToConnectFromStderr(t *testing.T) {
	t.Cleanup(logging.Enable)
	for level, want := range map[slog.Level]int{slog.LevelDebug: 1, slog.LevelInfo: 0} {
		var logged bytes.Buffer
		dedupe.LogRedis(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: level})))
		s, err := dedupe.OpenRedis("redis://127.0.0.1:1?max_retries=-1&pool_size=9")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("the error does not say where it failed to connect: %v", err)
		}
		logging.Disable()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := strings.Count(logged.String(), "level=DEBUG"); n < want || want == 0 && n > 0 {
			t.Errorf("%v: %s", level, &logged)
		}
	}
}
