package main_test

import (
	"os"
	"testing"
)

// The scripts give go an environment of their own, in which these are kept.
func init() {
	for _, key := range []string{
		"GOX_GO", "GOX_CONFIG", "GOX_BACKOFF_BASE", "GOX_BACKOFF_MAX", "GOX_REPORT",
	} {
		extraEnvKeys = append(extraEnvKeys, key)
	}
}

// TestGoIsGox puts gox in the place of the go command that the scripts run. It is no parallel test: it ends
// before the first script goes on.
func TestGoIsGox(t *testing.T) {
	gox := os.Getenv("GOX_UNDER_TEST")
	if gox == "" {
		t.Skip("plain go")
	}
	real, err := os.Readlink(testGo)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Setenv("GOX_GO", real); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(testGo); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(gox, testGo); err != nil {
		t.Fatal(err)
	}
}
