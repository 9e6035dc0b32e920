// Package compose checks compose.yaml: it is a valid compose file, and what
// the project says about it is true. It is a module of its own, so that the
// compose library never enters the product's go.mod.
package compose

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

func load(t *testing.T) *types.Project {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "compose.yaml")}, cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func service(t *testing.T, p *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := p.GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServices_AreThreeWithPinnedVersionsAndHealthChecks(t *testing.T) {
	p := load(t)
	if got := p.ServiceNames(); !slices.Equal(got, []string{"kafka", "redis", "registry"}) {
		t.Errorf("services = %v", got)
	}
	pinned := regexp.MustCompile(`:\d+\.\d+\.\d+(-[a-z0-9.]+)?$`)
	for name, s := range p.Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not pinned to a version", name, s.Image)
		}
		if h := s.HealthCheck; h == nil || h.Disable || len(h.Test) < 2 || h.Interval == nil || h.Timeout == nil {
			t.Errorf("%s: no health check with an interval and a timeout", name)
		}
	}
}

func TestPorts_AreOpenOnLoopbackOnly(t *testing.T) {
	for name, s := range load(t).Services {
		if len(s.Ports) != 1 || s.Ports[0].HostIP != "127.0.0.1" {
			t.Errorf("%s: ports %v", name, s.Ports)
		}
	}
}

func TestRedis_EvictsNothing(t *testing.T) {
	command := service(t, load(t), "redis").Command
	i := slices.Index(command, "--maxmemory-policy")
	if i < 0 || i+1 >= len(command) || command[i+1] != "noeviction" {
		t.Errorf("command %v lets Redis evict idempotency markers", command)
	}
}

func TestKafka_RunsWithoutZooKeeperAndCreatesNoTopicsByItself(t *testing.T) {
	p := load(t)
	kafka := service(t, p, "kafka")
	env := func(name string) string {
		if v := kafka.Environment[name]; v != nil {
			return *v
		}
		return ""
	}
	if got := env("KAFKA_PROCESS_ROLES"); got != "broker,controller" {
		t.Errorf("KAFKA_PROCESS_ROLES = %q", got)
	}
	if got := env("KAFKA_AUTO_CREATE_TOPICS_ENABLE"); got != "false" {
		t.Errorf("KAFKA_AUTO_CREATE_TOPICS_ENABLE = %q", got)
	}
	// Clients go where Kafka says, not where they were told to begin.
	if want := "HOST://localhost:" + kafka.Ports[0].Published; !strings.Contains(env("KAFKA_ADVERTISED_LISTENERS"), want) {
		t.Errorf("KAFKA_ADVERTISED_LISTENERS = %q has no %s", env("KAFKA_ADVERTISED_LISTENERS"), want)
	}
}

func TestRegistry_WaitsForKafkaAndChecksCompatibility(t *testing.T) {
	registry := service(t, load(t), "registry")
	if d, ok := registry.DependsOn["kafka"]; !ok || d.Condition != types.ServiceConditionHealthy {
		t.Errorf("depends on %v", registry.DependsOn)
	}
	if v := registry.Environment["APICURIO_RULES_GLOBAL_COMPATIBILITY"]; v == nil || *v != "BACKWARD" {
		t.Error("the registry accepts breaking changes")
	}
}

// The export lines of this file and of the README lead to the ports that are
// published, whether they are meant for compose or for troupe dev.
func TestExports_NameThePublishedPorts(t *testing.T) {
	p := load(t)
	published := map[string]string{}
	for variable, name := range map[string]string{"TROUPE_BROKERS": "kafka", "TROUPE_REDIS": "redis", "TROUPE_REGISTRY": "registry"} {
		published[variable] = service(t, p, name).Ports[0].Published
	}
	export := regexp.MustCompile(`(TROUPE_BROKERS|TROUPE_REDIS|TROUPE_REGISTRY)=["']?([^\s"'` + "`" + `]+)`)
	for _, file := range []string{"compose.yaml", "README.md"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
			continue
		}
		seen := map[string]bool{}
		for _, m := range export.FindAllStringSubmatch(string(text), -1) {
			variable, value := m[1], m[2]
			if !strings.Contains(value, "://") {
				value = "kafka://" + value
			}
			u, err := url.Parse(value)
			if err != nil || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
				continue // a placeholder or somebody's cluster
			}
			seen[variable] = true
			if u.Port() != published[variable] {
				t.Errorf("%s says %s=%s, but port %s is published", file, variable, m[2], published[variable])
			}
		}
		if len(seen) != len(published) {
			t.Errorf("%s has export lines for %v only", file, seen)
		}
	}
}
