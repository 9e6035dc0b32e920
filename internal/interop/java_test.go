package interop

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is where Java programs are kept between runs.
const built = "../../build/interop"

// java runs the peer if TROUPE_JAVA=1 asks for it.
func java(t *testing.T) (before []string) { return javaProgram(t, buildPeer, "Peer") }

// javaProgram returns the command of a program if TROUPE_JAVA=1 asks for it. The first time, Maven fetches
// what it needs; afterwards it takes what is there.
func javaProgram(t *testing.T, build func() (string, error), class string) []string {
	t.Helper()
	if os.Getenv("TROUPE_JAVA") != "1" {
		t.Skip("set TROUPE_JAVA=1 to run it: it needs a JDK 17 or later, and mvn the first time (some 40 MB)")
	}
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	classes := filepath.Join(dir, "classes") + string(os.PathListSeparator) + filepath.Join(dir, "libs", "*")
	// Short runs: what compiles and collects cheaply is the fastest.
	return []string{"java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classes, class}
}

var (
	buildPeer    = sync.OnceValues(func() (string, error) { return buildJava("testdata/java", "Peer.java") })
	buildResolve = sync.OnceValues(func() (string, error) { return buildJava("testdata/resolver", "Resolve.java") })
)

// buildJava returns a directory with a program's classes and libs. It is made
// once for each version of the sources, whole or not at all.
func buildJava(project, file string) (string, error) {
	pom, err := os.ReadFile(project + "/pom.xml")
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(project + "/" + file)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(built, fmt.Sprintf("java-%.6x", sha256.Sum256(append(pom, source...))))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	libs, err := fetchLibs(project+"/pom.xml", pom)
	if err != nil {
		return "", err
	}
	return dir, whole(dir, func(tmp string) error {
		if err := os.Symlink(libs, filepath.Join(tmp, "libs")); err != nil {
			return err
		}
		return run("javac", "--release", "17", "-d", filepath.Join(tmp, "classes"), "-cp", filepath.Join(tmp, "libs", "*"), project+"/"+file)
	})
}

// fetchLibs returns the absolute path of the jars that the project needs.
func fetchLibs(path string, pom []byte) (string, error) {
	dir, err := filepath.Abs(filepath.Join(built, fmt.Sprintf("libs-%.6x", sha256.Sum256(pom))))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, whole(dir, func(tmp string) error {
		return run("mvn", "-q", "-B", "-ntp", "-Dstyle.color=never", "-f", path, "dependency:copy-dependencies", "-DoutputDirectory="+tmp)
	})
}

// whole makes a directory that is complete as soon as it is there.
func whole(dir string, fill func(tmp string) error) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return err
	}
	if tmp, err = filepath.Abs(tmp); err == nil {
		if err = fill(tmp); err == nil {
			err = os.Rename(tmp, dir)
		}
	}
	if _, there := os.Stat(dir); there == nil { // made by us, or by another process meanwhile
		err = nil
	}
	return errors.Join(err, os.RemoveAll(tmp))
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return nil
}
