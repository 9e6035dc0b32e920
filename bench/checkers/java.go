package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

var (
	//go:embed java/pom.xml
	javaProject []byte
	//go:embed java/Answer.java
	javaSource []byte
)

// openJava compiles the program that asks Avro Java, once for each version of its sources, under build in root.
func openJava(ctx context.Context, root string) (*pairProgram, error) {
	for _, program := range []string{"java", "javac"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("it needs a JDK 17 or later, and mvn the first time: %w", err)
		}
	}
	dir := filepath.Join(root, "build", "checkers", fmt.Sprintf("java-%.6x", sha256.Sum256(append(javaProject[:len(javaProject):len(javaProject)], javaSource...))))
	if _, err := os.Stat(dir); err != nil {
		if err := buildJava(ctx, dir); err != nil {
			return nil, err
		}
	}
	classes := filepath.Join(dir, "classes") + string(os.PathListSeparator) + filepath.Join(dir, "libs", "*")
	// The fastest of a short run: what collects and compiles cheaply.
	p, err := openPairProgram(ctx, "Avro Java", "java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes, "Answer")
	if err != nil {
		return nil, err
	}
	p.decodes = true
	return p, nil
}

// buildJava makes dir, whole or not at all. Maven fetches Avro, some 4 MB.
func buildJava(ctx context.Context, dir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	pom, source, libs := filepath.Join(tmp, "pom.xml"), filepath.Join(tmp, "Answer.java"), filepath.Join(tmp, "libs")
	if err := errors.Join(os.WriteFile(pom, javaProject, 0o644), os.WriteFile(source, javaSource, 0o644)); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"mvn", "-q", "-B", "-ntp", "-Dstyle.color=never", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory=" + libs},
		{"javac", "--release", "17", "-d", filepath.Join(tmp, "classes"), "-cp", filepath.Join(libs, "*"), source},
	} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s for Avro Java: %w: %s", command[0], err, out)
		}
	}
	return os.Rename(tmp, dir)
}
